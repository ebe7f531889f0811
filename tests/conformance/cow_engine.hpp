// SPDX-License-Identifier: MIT
/// \file
/// A copy-on-write engine, the other kind that the vocabulary has to serve: elements are immutable
/// nodes, callbacks run with no lock held, and a change replaces the node if it is still the one
/// that was seen. Every modification loses its first race on purpose, so that each callback runs
/// again, and the rules for reruns are tested on one thread.
#pragma once

#include "conformance/locked_engine.hpp"

#include <concur/detail/map/guarantees.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace concur_test {

template <class Key, class T, class Hash, class KeyEqual, class Allocator>
class cow_engine {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  static constexpr bool callback_is_exclusive = false;

  struct guarantees {
    static constexpr concur::progress read_progress = concur::progress::blocking;
    static constexpr concur::progress write_progress = concur::progress::blocking;
    static constexpr bool callback_is_exclusive = false;
    static constexpr bool callback_may_run_again = true;
    static constexpr concur::reentry_rules exclusive_callback{concur::reentry::works,
                                                              concur::reentry::works};
    static constexpr concur::reentry_rules shared_callback{concur::reentry::works,
                                                           concur::reentry::works};
    static constexpr bool callback_keeps_old_value = true;
    static constexpr bool garbage_is_bounded = true;
    static constexpr bool is_bounded = false;
    static constexpr bool needs_trivially_copyable = false;
  };

  cow_engine(Hash hash, KeyEqual equal, Allocator allocator)
      : hash_(std::move(hash)),
        equal_(std::move(equal)),
        allocator_(allocator),
        nodes_(std::less<>(), tree_allocator(allocator)) {}

  const Hash& hash_function() const noexcept { return hash_; }
  const KeyEqual& key_eq() const noexcept { return equal_; }
  const Allocator& allocator() const noexcept { return allocator_; }
  void swap(cow_engine& other) {
    using std::swap;
    swap(hash_, other.hash_);
    swap(equal_, other.equal_);
    swap(nodes_, other.nodes_);
  }
  bool steal(cow_engine& other) {
    if (!(allocator_ == other.allocator_)) return false;
    nodes_.swap(other.nodes_);
    return true;
  }

  template <class K>
  std::uint64_t hash(const K& key) const {
    return spread(static_cast<std::uint64_t>(hash_(key)));
  }
  void prefetch(std::uint64_t) const noexcept {}

  template <class K, class F>
  bool read(std::uint64_t hash, const K& key, F&& f) const {
    const node_pointer seen = current(hash, key);
    if (!seen) return false;
    f(std::as_const(*seen));
    return true;
  }

  template <class K, class OnAbsent, class OnPresent>
  void modify(std::uint64_t hash, K&& key, OnAbsent&& on_absent, OnPresent&& on_present) {
    node_pointer prepared;
    for (bool first = true;; first = false) {
      const node_pointer seen = prepared ? current(hash, prepared->first) : current(hash, key);
      if (seen) {
        element present(*this, seen, &prepared);
        on_present(present);
        if (!present.changed) return;
        if (!first && replace(hash, seen, present.next)) return;
      } else {
        slot place{*this, prepared, false, {}};
        try {
          on_absent(place);
        } catch (...) {
          // A callback that throws after emplace keeps the element.
          if (place.filled) add(hash, prepared);
          throw;
        }
        if (!place.filled) return;
        if (!first && add(hash, prepared)) return place.fresh->run_delayed();
      }
    }
  }

  template <class F>
  bool traverse(concur::detail::hash_range range, F&& f) {
    bool lose = true;
    for (const auto& [hash, node] : nodes_in(range)) {
      node_pointer seen = node;
      do {
        element present(*this, seen, hash, &lose);
        const bool go_on = f(present);
        if (present.changed && !present.erased) {
          if (!replace(hash, seen, present.next)) continue;
        }
        if (!go_on) return false;
        if (!present.lost) break;
      } while (still_there(hash, seen));
    }
    return true;
  }

  template <class F>
  bool traverse(concur::detail::hash_range range, F&& f) const {
    for (const auto& [hash, node] : nodes_in(range)) {
      if (!f(std::as_const(*node))) return false;
    }
    return true;
  }

  template <class F>
  std::uint64_t scan(std::uint64_t cursor, size_type n, F&& f) const {
    size_type seen = 0;
    std::uint64_t last = cursor;
    for (const auto& [hash, node] : nodes_in({cursor, ~std::uint64_t{0}})) {
      if (seen++ >= n && hash != last) return hash;
      last = hash;
      f(std::as_const(*node));
    }
    return 0;
  }

  size_type size() const noexcept {
    const std::lock_guard lock(mutex_);
    return nodes_.size();
  }
  bool empty() const noexcept { return size() == 0; }
  size_type capacity() const noexcept { return size(); }
  void reserve(size_type) {}
  void shrink_to_fit() {}
  void clear() {
    tree gone{std::less<>(), tree_allocator(allocator_)};
    {
      const std::lock_guard lock(mutex_);
      gone.swap(nodes_);
    }
  }

 private:
  using node_pointer = std::shared_ptr<value_type>;
  using tree_allocator = typename std::allocator_traits<Allocator>::template rebind_alloc<
      std::pair<const std::uint64_t, node_pointer>>;
  using tree = std::multimap<std::uint64_t, node_pointer, std::less<>, tree_allocator>;

  struct element {
    element(cow_engine& in, node_pointer node, node_pointer* prepared)
        : engine(in), seen(std::move(node)), kept(prepared) {}
    element(cow_engine& in, node_pointer node, std::uint64_t h, bool* lose)
        : engine(in), seen(std::move(node)), hash(h), lose_once(lose) {}

    const Key& key() const { return seen->first; }
    const T& value() const { return seen->second; }
    template <class F>
    void visit(F& f) {
      cvisit(f);
    }
    /// A new element is shown when it has been published.
    template <class F>
    void cvisit(F& f) {
      if (fresh) {
        delayed = [&f, this] { f(std::as_const(*seen)); };
      } else {
        f(std::as_const(*seen));
      }
    }
    template <class F>
    void mutate(F&& f) {
      node_pointer copy = engine.make(seen->first, seen->second);
      f(copy->second);
      store(std::move(copy));
    }
    template <class V>
    void assign(V&& value) {
      if (!*kept) *kept = engine.make(seen->first, std::forward<V>(value));
      store(*kept);
    }
    template <class V>
    void put(V&& value) {
      store(engine.make(seen->first, std::forward<V>(value)));
    }
    T take() {
      erase();
      return seen->second;
    }
    bool erase() {
      if (lose_once == nullptr) {
        store(nullptr);
        return true;
      }
      erased = changed = true;
      lost = std::exchange(*lose_once, !*lose_once) || !engine.replace(hash, seen, nullptr);
      return !lost;
    }
    void store(node_pointer to) {
      next = std::move(to);
      changed = true;
    }
    void run_delayed() {
      if (delayed) delayed();
    }

    cow_engine& engine;
    node_pointer seen;
    node_pointer* kept = nullptr;  // what a lost attempt prepared
    std::uint64_t hash = 0;
    bool* lose_once = nullptr;
    node_pointer next;
    bool changed = false;
    bool erased = false;
    bool lost = false;
    bool fresh = false;
    std::function<void()> delayed;
  };

  struct slot {
    template <class K, class... Args>
    element& emplace(K&& key, Args&&... args) {
      if (!prepared) prepared = engine.make(std::forward<K>(key), std::forward<Args>(args)...);
      return fill();
    }
    template <class K, class V>
    element& put(K&& key, V&& value) {
      if (prepared) {
        prepared = engine.make(prepared->first, std::forward<V>(value));
      } else {
        prepared = engine.make(std::forward<K>(key), std::forward<V>(value));
      }
      return fill();
    }
    element& fill() {
      filled = true;
      fresh.emplace(engine, prepared, nullptr);
      fresh->fresh = true;
      return *fresh;
    }

    cow_engine& engine;
    node_pointer& prepared;
    bool filled;
    std::optional<element> fresh;
  };

  template <class K, class... Args>
  node_pointer make(K&& key, Args&&... args) const {
    return std::allocate_shared<value_type>(allocator_, std::piecewise_construct,
                                            std::forward_as_tuple(std::forward<K>(key)),
                                            std::forward_as_tuple(std::forward<Args>(args)...));
  }

  template <class K>
  node_pointer current(std::uint64_t hash, const K& key) const {
    const std::lock_guard lock(mutex_);
    auto [at, end] = nodes_.equal_range(hash);
    while (at != end && !equal_(at->second->first, key)) ++at;
    return at == end ? nullptr : at->second;
  }

  bool add(std::uint64_t hash, const node_pointer& node) {
    const std::lock_guard lock(mutex_);
    auto [at, end] = nodes_.equal_range(hash);
    for (; at != end; ++at) {
      if (equal_(at->second->first, node->first)) return false;
    }
    nodes_.emplace(hash, node);
    return true;
  }

  /// The compare-and-swap: `to` in place of `from`, if that is still there; nullptr erases.
  bool replace(std::uint64_t hash, const node_pointer& from, node_pointer to) {
    const std::lock_guard lock(mutex_);
    auto [at, end] = nodes_.equal_range(hash);
    while (at != end && at->second != from) ++at;
    if (at == end) return false;
    if (to) {
      at->second.swap(to);
    } else {
      nodes_.erase(at);
    }
    return true;
  }

  bool still_there(std::uint64_t hash, node_pointer& node) const {
    node = current(hash, node->first);
    return node != nullptr;
  }

  std::vector<std::pair<std::uint64_t, node_pointer>> nodes_in(
      concur::detail::hash_range range) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::uint64_t, node_pointer>> found;
    for (auto at = nodes_.lower_bound(range.first); at != nodes_.end() && at->first <= range.last;
         ++at) {
      found.emplace_back(at->first, at->second);
    }
    return found;
  }

  CONCUR_NO_UNIQUE_ADDRESS Hash hash_;
  CONCUR_NO_UNIQUE_ADDRESS KeyEqual equal_;
  Allocator allocator_;
  mutable std::mutex mutex_;
  tree nodes_;
};

}  // namespace concur_test
