// SPDX-License-Identifier: MIT
/// \file
/// Which element a cache evicts: the policies, and the concept that a policy of one's own fulfils.
///
/// A policy is an empty struct:
///
///     struct my_policy {
///       static constexpr bool prefers_one_shard = false;
///       template <class Allocator> class queue;
///     };
///
/// The cache makes one `queue` per shard, from its share of the capacity and the allocator. Every
/// call but `touch` is made under the lock of the shard; none calls the cache, runs a user's code
/// or allocates.
///
/// - `queue(std::uint64_t capacity, const Allocator&)`: `capacity` in weight; the largest number is
///   no bound.
/// - `void set_capacity(std::uint64_t)`: evicts nothing by itself.
/// - `bool touch(node&) const noexcept`: a hit, *without* the lock, beside everything else: atomics
///   only. True: the cache calls `promote`, if it gets the lock at once; with `prefers_one_shard`
///   it waits for the lock.
/// - `void promote(node&) noexcept`: does nothing to a node that has left meanwhile.
/// - `void insert(node&) noexcept`: a new element, or one that was held when its turn came, and
///   comes back.
/// - `void erase(node&) noexcept`: it leaves, but was not evicted.
/// - `node* victim() noexcept`: the next to be evicted, null if there is none. It stays in until
///   `evict` or `erase`. Better not the one that was inserted last, while there is another.
/// - `void evict(node&) noexcept`: it leaves as a victim.
/// - `void reweigh(node&, std::uint32_t weight) noexcept`: of a node that is in.
/// - `std::uint64_t weight() const noexcept`: of all that are in.
/// - `void for_each(F f)`: `f(node&)`, from the coldest to the hottest, while it returns true.
///
/// The links of a node are the queue's, with one condition: `newer` is null, or leads to another
/// node of this cache, or to one whose hash is 0. The cache follows it to fetch what comes next.
///
/// A queue that puts off what hits change in the order has `void settle() noexcept`, after which
/// `for_each` shows it: called before elements are listed by recency.
///
/// A queue that remembers more than the elements that are there (keys that have left, a sketch of
/// frequencies) has two members more. It works without that memory, only less well: a failed
/// allocation loses nothing but history.
///
/// - `std::size_t words_lacking() const noexcept`: how many words it wants, 0 if it has them.
/// - `void exchange_memory(memory<Allocator>&) noexcept`: takes them, and leaves what it had. An
///   empty one says that there was no memory: not to be asked for again soon.
///
/// A policy with `static constexpr bool keeps_statistics = false` makes a cache that counts
/// nothing: `eviction::without_statistics<P>` is `P` with that.
#pragma once

#include <concepts>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/policy/eviction/lru.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <concur/policy/eviction/node.hpp>
#include <concur/policy/eviction/s3fifo.hpp>
#include <concur/policy/eviction/w_tinylfu.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace concur::inline CONCUR_ABI {
namespace eviction {

/// `Policy`, in a cache that counts no hits, misses, loads and departures: its `stats()` say 0
/// there. Saves a store a lookup, and 4 KiB a cache.
template <class Policy>
struct without_statistics : Policy {
  static constexpr bool keeps_statistics = false;
};

}  // namespace eviction
namespace detail {

template <class P>
constexpr bool keeps_statistics() noexcept {
  if constexpr (requires { P::keeps_statistics; }) {
    return P::keeps_statistics;
  } else {
    return true;
  }
}

struct eviction_visitor {
  bool operator()(eviction::node&) const noexcept { return true; }
};

template <class P>
concept has_shard_preference = requires {
  { P::prefers_one_shard } -> std::convertible_to<bool>;
  std::bool_constant<P::prefers_one_shard>{};
};

template <class P>
concept has_eviction_queue = requires {
  typename P::template queue<std::allocator<std::byte>>;
};

template <class Queue, class Allocator = std::allocator<std::byte>>
concept is_made_from_capacity = std::constructible_from<Queue, std::uint64_t, const Allocator&>;

template <class Queue>
concept touches_without_lock = requires(const Queue& queue, eviction::node& node) {
  { queue.touch(node) }
  noexcept->std::same_as<bool>;
};

template <class Queue>
concept keeps_nodes = requires(Queue& queue, const Queue& constant, eviction::node& node,
                               std::uint64_t capacity, std::uint32_t weight) {
  queue.set_capacity(capacity);
  { queue.promote(node) }
  noexcept;
  { queue.insert(node) }
  noexcept;
  { queue.erase(node) }
  noexcept;
  { queue.evict(node) }
  noexcept;
  { queue.reweigh(node, weight) }
  noexcept;
  { constant.weight() }
  noexcept->std::same_as<std::uint64_t>;
};

template <class Queue>
concept names_victims = requires(Queue& queue) {
  { queue.victim() }
  noexcept->std::same_as<eviction::node*>;
};

template <class Queue>
concept visits_nodes = requires(Queue& queue, eviction_visitor f) {
  queue.for_each(f);
};

template <class Queue, class Allocator = std::allocator<std::byte>>
concept lacks_words = requires(const Queue& queue) {
  queue.words_lacking();
};
template <class Queue, class Allocator = std::allocator<std::byte>>
concept exchanges_memory = requires(Queue& queue, eviction::memory<Allocator>& words) {
  queue.exchange_memory(words);
};
template <class Queue, class Allocator = std::allocator<std::byte>>
concept asks_for_memory_or_not = (!lacks_words<Queue> && !exchanges_memory<Queue>) ||
                                 requires(Queue& queue, const Queue& constant,
                                          eviction::memory<Allocator>& words) {
  { constant.words_lacking() }
  noexcept->std::same_as<std::size_t>;
  { queue.exchange_memory(words) }
  noexcept;
};

template <class Queue>
concept eviction_queue =
    is_made_from_capacity<Queue> && touches_without_lock<Queue> && keeps_nodes<Queue> &&
    names_victims<Queue> && visits_nodes<Queue> && asks_for_memory_or_not<Queue>;

}  // namespace detail

/// What a cache asks of its eviction policy: see the top of this file.
template <class P>
concept eviction_policy = detail::has_shard_preference<P> && detail::has_eviction_queue<P> &&
    detail::eviction_queue<typename P::template queue<std::allocator<std::byte>>>;

namespace detail {

/// Instantiated in the body of a cache: `static_assert(check_eviction_policy<P>());`.
template <class P>
constexpr bool check_eviction_policy() {
  static_assert(has_shard_preference<P>,
                "The eviction policy does not say how many shards it likes: write `static "
                "constexpr bool prefers_one_shard = false;`");
  static_assert(has_eviction_queue<P>,
                "The eviction policy has no queue: write `template <class Allocator> class queue` "
                "inside it");
  if constexpr (has_eviction_queue<P>) {
    using queue = typename P::template queue<std::allocator<std::byte>>;
    static_assert(is_made_from_capacity<queue>,
                  "The queue of the eviction policy needs a constructor (std::uint64_t capacity, "
                  "const Allocator&)");
    static_assert(touches_without_lock<queue>,
                  "The queue of the eviction policy needs `bool touch(node&) const noexcept`: it "
                  "is called without a lock, and may change the node's stamp alone");
    static_assert(names_victims<queue>,
                  "The queue of the eviction policy needs `node* victim() noexcept`");
    static_assert(keeps_nodes<queue>,
                  "The queue of the eviction policy needs set_capacity(std::uint64_t), and, all "
                  "noexcept, promote(node&), insert(node&), erase(node&), evict(node&), "
                  "reweigh(node&, std::uint32_t) and `std::uint64_t weight() const`");
    static_assert(visits_nodes<queue>,
                  "The queue of the eviction policy needs for_each(f) that calls f(node&) while it "
                  "returns true");
    static_assert(asks_for_memory_or_not<queue>,
                  "The queue of the eviction policy needs both or neither, noexcept: "
                  "`std::size_t words_lacking() const` and exchange_memory(memory<Allocator>&)");
  }
  return true;
}

}  // namespace detail
}  // namespace concur::inline CONCUR_ABI
