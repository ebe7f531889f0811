// SPDX-License-Identifier: MIT
/// \file
/// What the command line of the tour says.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tour {

struct options {
  std::vector<std::string> folders;  ///< empty: the default ones
  double seconds = 2;                ///< for each row; every row counts everything at least once
  unsigned threads = 0;              ///< 0: all cores
  std::size_t megabytes = 128;       ///< of text at most; 0: all of it
  std::string plot = "tour.svg";     ///< empty: none
  std::string json;                  ///< empty: none
};

/// The folders that are read unless some are given: what a Debian machine with a compiler has.
const std::vector<std::string>& default_folders();

/// Fills `chosen`. Returns the exit status if the program is to end here.
std::optional<int> parse(int argc, char** argv, options& chosen);

}  // namespace tour
