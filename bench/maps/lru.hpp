// SPDX-License-Identifier: MIT
/// \file
/// What the workloads of caches share.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

/// The use of a cache: whether the key was there; it is now.
template <class Handle, class Key>
bool find_or_insert(Handle& handle, const Key& key, value fresh) {
  if constexpr (requires { handle.find_or_insert(key, fresh); }) {
    return handle.find_or_insert(key, fresh);
  } else {
    value found;
    if (handle.find(key, found)) {
      keep(found);
      return true;
    }
    handle.insert(key, fresh);
    return false;
  }
}

template <class Cache, class Key>
concept can_only_find = requires(typename Cache::handle& h, const Key& key, value& out) {
  h.find(key, out);
};
template <class Cache, class Key>
concept can_pin = requires(typename Cache::handle& h, const Key& key) {
  h.pinned(key, [](const value&) {});
};
template <class Cache, class Key>
concept can_hold = requires(typename Cache::handle& h, const Key& key) {
  h.hold(key);
};

/// A cache with the keys of [0, elements), or as many of them as it keeps. The next workload gets
/// another.
template <class Cache, class Key>
std::unique_ptr<Cache> filled_cache(std::size_t capacity, std::size_t elements) {
  release_kept_map();
  auto cache = std::make_unique<Cache>(capacity);
  typename Cache::handle handle(*cache);
  // From the coldest to the hottest of a Zipf stream.
  for (std::size_t i = elements; i-- != 0;) {
    find_or_insert(handle, key_of<Key>(static_cast<std::uint32_t>(i)), i);
  }
  return cache;
}

}  // namespace concur_bench
