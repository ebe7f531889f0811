// SPDX-License-Identifier: MIT
/// \file
/// The containers with a `std::pmr::polymorphic_allocator`: `concur::pmr::cmap<Key, T>` and so
/// on. In a header of its own, because <memory_resource> takes longer to parse than most maps.
/// Include the map's own header beside it. Keys and values such as `std::pmr::string` get the map's
/// resource (policy/construction.hpp).
#pragma once

#include <concur/fwd.hpp>
#include <cstddef>
#include <memory_resource>
#include <utility>

namespace concur::inline CONCUR_ABI::pmr {

template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>>
using cmap =
    concur::cmap<Key, T, Hash, KeyEqual, std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>>
using seqmap = concur::seqmap<Key, T, Hash, KeyEqual,
                              std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>>
using lockmap = concur::lockmap<Key, T, Hash, KeyEqual,
                                std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Policy = eviction::lru>
using lru_lockmap =
    concur::lru_lockmap<Key, T, Hash, KeyEqual,
                        std::pmr::polymorphic_allocator<std::pair<const Key, T>>, Policy>;

template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>>
using hamt =
    concur::hamt<Key, T, Hash, KeyEqual, std::pmr::polymorphic_allocator<std::pair<const Key, T>>>;

template <class T, class Hash = digest_hash>
using fixed_map = concur::fixed_map<T, Hash, std::pmr::polymorphic_allocator<std::byte>>;

template <class T>
using seq_array = concur::seq_array<T, std::pmr::polymorphic_allocator<T>>;

}  // namespace concur::inline CONCUR_ABI::pmr
