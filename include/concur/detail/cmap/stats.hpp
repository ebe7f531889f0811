// SPDX-License-Identifier: MIT
/// \file
/// What a cmap says about itself: `cmap_stats` at any time, `cmap_report` of a quiet map.
#pragma once

#include <concur/detail/map/stats.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI {

/// What `cmap::stats()` returns. A momentary view; exact when nobody writes.
struct cmap_stats {
  std::size_t size;             ///< elements
  std::size_t capacity;         ///< slots of the root table
  float load_factor;            ///< size / capacity
  bool resizing;                ///< the root table is being replaced
  std::uint64_t era;            ///< of the process; see reclaim/epoch.hpp
  std::uint64_t oldest_pinned;  ///< the era of the oldest pin of any thread; 0: there is none
  std::uint64_t retired;        ///< nodes that wait to be freed
  std::uint64_t freed;          ///< nodes that have been freed

  template <class Out>
  friend Out& operator<<(Out& out, const cmap_stats& s) {
    using detail::stat;
    return detail::print_stats(out, "cmap", stat{"size", s.size}, stat{"capacity", s.capacity},
                               stat{"load_factor", s.load_factor}, stat{"resizing", s.resizing},
                               stat{"era", s.era}, stat{"oldest_pinned", s.oldest_pinned},
                               stat{"retired", s.retired}, stat{"freed", s.freed});
  }
};

/// What `cmap::validate()` found.
struct cmap_report {
  const char* error = nullptr;  ///< the first violated invariant, or nullptr
  std::size_t elements = 0;
  std::size_t leaves = 0;
  std::size_t branches = 0;
  std::size_t lists = 0;     ///< of elements whose hashes are equal
  std::size_t segments = 0;  ///< parts of the root table that are there
  std::size_t nodes = 0;     ///< leaves, branches, cells of lists, elements of their own
  std::size_t bytes = 0;     ///< of nodes and tables; without what allocators add
  std::size_t depth = 0;     ///< branches one below the other, at most
  /// What was left to do when an allocation failed or a hasher threw: branches that could be
  /// leaves, places that are frozen. Whoever writes there next does it.
  std::size_t unfinished = 0;

  template <class Out>
  friend Out& operator<<(Out& out, const cmap_report& r) {
    using detail::stat;
    return detail::print_stats(
        out, "cmap_report", stat{"error", r.error == nullptr ? "none" : r.error},
        stat{"elements", r.elements}, stat{"leaves", r.leaves}, stat{"branches", r.branches},
        stat{"lists", r.lists}, stat{"segments", r.segments}, stat{"nodes", r.nodes},
        stat{"bytes", r.bytes}, stat{"depth", r.depth}, stat{"unfinished", r.unfinished});
  }
};

}  // namespace concur::inline CONCUR_ABI
