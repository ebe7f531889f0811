// SPDX-License-Identifier: MIT
/// \file
/// Every map and policy once, with its default arguments, and what maps return and take: enough to
/// declare a function that takes a map by reference, or what it says of itself. The headers that
/// define them do not repeat the defaults.
#pragma once

#include <array>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/version.hpp>
#include <cstddef>
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

/// Why a value left a cache.
enum class eviction_cause : unsigned char {
  capacity,  ///< to make room
  expired,   ///< its time was over
  replaced,  ///< by another value of the key
  erased,
  cleared,
};

/// Which element a cache evicts.
namespace eviction {
struct exact_lru;
struct lru;
struct s3fifo;
struct w_tinylfu;

/// A policy without the counters of `stats()`.
template <class Policy>
struct without_statistics;
}  // namespace eviction

// Maps

/// The general map: lock-free, any types.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class cmap;

/// Fastest for small trivially copyable keys and values: a seqlock in every line.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class seqmap;

/// The key of a fixed map. Any other trivially copyable type of 32 bytes that is made of bytes,
/// integers, enums and pointers without padding may be given where one is asked for.
using key32 = std::array<std::byte, 32>;

/// Keys of 32 bytes, capacity fixed at construction, no allocation after it.
template <class T, class Hash = digest_hash, class Allocator = std::allocator<std::byte>>
class fixed_map;

/// `fixed_map` in memory that processes share.
template <class T, class Hash = digest_hash>
class shared_fixed_map;

/// What `shared_fixed_map::attach` throws at memory that is no such map.
class format_error;

/// Lock-free hash array mapped trie: snapshots and forks in O(1), diff and merge of versions.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class hamt;

namespace detail {
namespace hamt {
struct default_tuning;
}
template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
class basic_hamt_snapshot;
}  // namespace detail

/// What `hamt<...>::snapshot()` returns: an immutable map.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
using hamt_snapshot =
    detail::basic_hamt_snapshot<Key, T, Hash, KeyEqual, Allocator, detail::hamt::default_tuning>;

/// Hold an exclusive or shared lock on one key, present or not, or on many.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class lockmap;

/// What a cache is made with: capacity, times, weigher, listener, clock.
template <class Key, class T>
struct cache_options;

/// A time, or for ever; and what a cache tells of the times of an element.
class cache_duration;
struct cache_times;

/// An element of a cache that is saved and restored.
template <class Key, class T>
struct cache_record;

/// A cache: `lockmap` with a capacity, eviction, expiry and single-flight loading.
template <class Key, class T, class Hash = hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>, class Policy = eviction::lru>
class lru_lockmap;

/// A growable array whose elements are read and written atomically, whatever their size.
template <class T, class Allocator = std::allocator<T>>
class seq_array;

// What maps say

/// Of an insertion into a map that may be full.
class insert_result;

/// Of themselves: `stats()`; of what is wrong with them: `validate()`, `verify()`.
struct cmap_stats;
struct cmap_report;
struct hamt_stats;
struct hamt_report;
struct seqmap_stats;
struct seq_array_stats;
struct fixed_map_stats;
struct shared_fixed_map_report;
struct lockmap_stats;
struct lru_lockmap_stats;

// Memory reclamation: concur/reclaim/

class epoch_guard;
struct epoch_options;
struct epoch_stats;

/// Frees retired objects when no thread can hold them any more.
template <class Allocator = std::allocator<char>>
class basic_epoch_domain;
using epoch_domain = basic_epoch_domain<>;

/// Protects one object; a cohort of retired objects.
class hazard_pointer;
class hazard_pointer_domain;

// Vocabulary: concur/concepts.hpp

/// The number of threads of a traversal: `map.visit_all(concur::parallel{4}, f)`.
struct parallel;

}  // namespace concur::inline CONCUR_ABI
