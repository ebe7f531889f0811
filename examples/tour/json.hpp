// SPDX-License-Identifier: MIT
/// \file
/// The results for programs.
#pragma once

#include <string>
#include <vector>

#include "race.hpp"

namespace tour {

std::string json_of(const std::vector<row>& rows, const job& work);

}  // namespace tour
