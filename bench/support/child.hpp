// SPDX-License-Identifier: MIT
/// \file
/// A measurement in a process of its own, for what the heap's past would change.
#pragma once

#include "registry.hpp"

namespace concur_bench {

/// Runs this program again for one measurement. Where that fails, says so and measures here.
measurement measure_in_child(const entry&, const parameters&);

/// The other end: `main` calls it first; true if this process was such a child and has answered.
bool answer_as_child(int argc, char** argv);

}  // namespace concur_bench
