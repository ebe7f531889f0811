// SPDX-License-Identifier: MIT
/// \file
/// What a hamt says about itself: `hamt_stats` at any time, `hamt_report` of a quiet map.
#pragma once

#include <concur/detail/map/stats.hpp>
#include <concur/version.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI {

/// What `hamt::stats()` returns. A momentary view.
struct hamt_stats {
  std::size_t size;       ///< elements
  std::size_t branches;   ///< inner nodes
  std::size_t leaves;     ///< nodes with elements
  std::size_t lists;      ///< of elements with equal hashes
  std::size_t max_depth;  ///< branches above a leaf

  template <class Out>
  friend Out& operator<<(Out& out, const hamt_stats& s) {
    using detail::stat;
    return detail::print_stats(out, "hamt", stat{"size", s.size}, stat{"branches", s.branches},
                               stat{"leaves", s.leaves}, stat{"lists", s.lists},
                               stat{"max_depth", s.max_depth});
  }
};

/// What `hamt::validate()` found.
struct hamt_report {
  const char* error = nullptr;  ///< the first violated invariant, or nullptr
  std::size_t elements = 0;
  std::size_t branches = 0;
  std::size_t leaves = 0;  ///< nodes with elements; those of a list too
  std::size_t lists = 0;   ///< of elements whose hashes are equal
  std::size_t sparse = 0;  ///< branches with nothing or one leaf: contraction found no memory
  std::size_t shared = 0;  ///< nodes with several links: in other versions too
  std::size_t bytes = 0;   ///< of all nodes; without what allocators add
  std::size_t depth = 0;   ///< branches one below the other, at most

  template <class Out>
  friend Out& operator<<(Out& out, const hamt_report& r) {
    using detail::stat;
    return detail::print_stats(
        out, "hamt_report", stat{"error", r.error == nullptr ? "none" : r.error},
        stat{"elements", r.elements}, stat{"branches", r.branches}, stat{"leaves", r.leaves},
        stat{"lists", r.lists}, stat{"sparse", r.sparse}, stat{"shared", r.shared},
        stat{"bytes", r.bytes}, stat{"depth", r.depth});
  }
};

}  // namespace concur::inline CONCUR_ABI
