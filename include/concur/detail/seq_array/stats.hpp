// SPDX-License-Identifier: MIT
/// \file
/// What `seq_array::stats` returns.
#pragma once

#include <concur/version.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI {

/// A moment's look at an array: each number by itself is right, together they may be of different
/// moments while others write. Prints with `<<` on any stream.
struct seq_array_stats {
  std::size_t size;      ///< elements
  std::size_t capacity;  ///< elements for which there is memory
  std::size_t chunks;    ///< blocks of memory with elements in them, or room for some
  std::size_t bytes;     ///< taken from the allocator, beside the array object itself
  bool resizing;         ///< whether some call is adding or removing chunks or many elements

  template <class Stream>
  friend Stream& operator<<(Stream& out, const seq_array_stats& s) {
    out << "seq_array{size: " << s.size << ", capacity: " << s.capacity << ", chunks: " << s.chunks
        << ", bytes: " << s.bytes << ", resizing: " << (s.resizing ? "true" : "false") << '}';
    return out;
  }
};

}  // namespace concur::inline CONCUR_ABI
