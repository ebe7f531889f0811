// SPDX-License-Identifier: MIT
/// \file
/// Every public name once, with its default arguments: enough to declare a function that takes a
/// map by reference. The headers that define them do not repeat the defaults.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/version.hpp>
#include <utility>

namespace concur::inline CONCUR_ABI {

// Policies: concur/policy/

/// 64-bit, avalanching, seeded: the default hash of every map but fixed_map.
template <class K>
struct hash;

/// The key is its hash: for integers that are already uniformly distributed.
struct identity_hash;

/// For keys of 32 bytes, such as digests; seeded.
class digest_hash;

// Maps

/// Fastest for small trivially copyable keys and values: a seqlock in every cell.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class seqmap;

/// A growable array whose elements are read and written atomically, whatever their size.
template <class T, class Allocator = std::allocator<T>>
class seq_array;

// Vocabulary: concur/concepts.hpp

/// The number of threads of a traversal: `map.visit_all(concur::parallel{4}, f)`.
struct parallel;

}  // namespace concur::inline CONCUR_ABI
