// SPDX-License-Identifier: MIT
/// \file
/// The text that is counted, and an account of the files that were not.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tour {

struct corpus {
  std::vector<std::string> texts;        ///< one per file
  std::vector<std::string_view> pieces;  ///< the texts cut between words, to be dealt to threads
  std::size_t bytes = 0;
  std::size_t binary = 0;      ///< files with a zero byte near their beginning
  std::size_t compressed = 0;  ///< .gz
  std::size_t unreadable = 0;  ///< files and folders
  bool is_complete = true;     ///< false: stopped at the limit, or by the user
};

/// Reads the text files under `roots`, folders or files, `byte_limit` bytes at most (0: all).
/// Symbolic links in folders are left out, so that nothing is counted twice. `report` is called now
/// and then.
corpus read_corpus(const std::vector<std::string>& roots, std::size_t byte_limit,
                   const std::function<void(const corpus&)>& report);

}  // namespace tour
