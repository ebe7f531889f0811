// SPDX-License-Identifier: MIT
/// \file
/// The results as a picture: three bar charts side by side, an SVG that adapts to dark pages.
#pragma once

#include <string>
#include <vector>

#include "race.hpp"

namespace tour {

/// Empty if there is nothing to show.
std::string plot_of(const std::vector<row>& rows, const std::string& caption);

}  // namespace tour
