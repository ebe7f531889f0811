// SPDX-License-Identifier: MIT
/// \file
/// A present key held exclusively: for nothing but an increment (the price of a guard), and for a
/// microsecond of work, where at most as many microseconds of work get done as there are
/// processors. And a key that is not there, and is not there afterwards either.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

/// `handle.locked(key, work)` runs work(value&) while the handle's map keeps others off the key.
template <class Map, class Key>
concept can_lock = requires(typename Map::handle& h, const Key& key) {
  h.locked(key, [](value& v) { ++v; });
};

/// `handle.locked_absent(key, work)` runs work() while others are kept off the key, and leaves it
/// absent: whether it had been.
template <class Map, class Key>
concept can_lock_absent = requires(typename Map::handle& h, const Key& key) {
  h.locked_absent(key, [] {});
};

inline void work_for(std::uint64_t nanoseconds) {
  const std::uint64_t end = steady_nanoseconds() + nanoseconds;
  while (steady_nanoseconds() < end) {
  }
}

template <class Map, class Key, stream_kind Kind, std::uint64_t Hold>
measurement k_locks(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, Kind, [](auto& handle, std::uint32_t index, value&) {
    handle.locked(key_of<Key>(index), [](value& v) {
      if constexpr (Hold != 0) work_for(Hold);
      ++v;
    });
  });
}

template <class Map, class Key>
measurement k_lock_absent(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::misses, [](auto& handle, std::uint32_t index, value& sum) {
    handle.locked_absent(key_of<Key>(index), [&] { ++sum; });
  });
}

}  // namespace concur_bench
