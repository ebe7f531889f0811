// SPDX-License-Identifier: MIT
/// \file
/// Reading a version that does not change any more, by whoever has a link to it. Nothing has to be
/// protected: the version keeps what it links to. Only a proposal that a snapshot overtook has
/// to be protected while it is undone.
///
/// Elements are in the order of their hashes, so that a position is a hash: a walk goes on from the
/// first leaf that ends at or after it.
#pragma once

#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/tree.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// A slot of an immutable version.
inline word settled_word(slot& s) noexcept {
  const word w = s.load(std::memory_order_acquire);  // acquire: pairs with tree (3)
  if (is_plain(w)) [[likely]]
    return thawed(w);
  hazard_frame frame(thread_slots::mine());
  return load_settled(frame, s);
}

/// A leaf or a collision, and the hashes that would be in it.
struct found_leaf {
  const node* leaf = nullptr;
  std::uint64_t last = 0;  ///< of the interval
};

/// The first leaf or collision whose interval ends at or after `from`.
inline found_leaf seek(version* v, std::uint64_t from) noexcept {
  for (;;) {
    slot* at = &v->top;
    unsigned shift = 64;
    bool passed_an_end = false;
    while (!passed_an_end) {
      const word w = settled_word(*at);
      // All hashes that agree with `from` in the bits above `shift`.
      const std::uint64_t low = shift == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << shift) - 1;
      node* const n = node_of(w);
      if (n == nullptr) {
        if ((from | low) == ~std::uint64_t{0}) return {};
        from = (from | low) + 1;
        passed_an_end = true;
        // Often the next slot of the same branch is not empty; the walk from the top is short.
      } else if (!is_branch(w)) {
        return {n, from | low};
      } else {
        auto* const b = static_cast<branch*>(n);
        shift -= b->number();
        std::size_t i = b->index(from, shift);
        // Skips what is empty here without going back to the top.
        while (i + 1 < b->width() && node_of(settled_word(b->slots()[i])) == nullptr) {
          ++i;
          from = ((from >> shift) + 1) << shift;
        }
        at = b->slots() + i;
      }
    }
  }
}

/// The word of the leaf or collision where `hash` would be; may be nothing.
inline word leaf_for(version* v, std::uint64_t hash) noexcept {
  slot* at = &v->top;
  unsigned shift = 64;
  for (;;) {
    const word w = settled_word(*at);
    if (!is_branch(w)) return w;
    auto* const b = branch_of(w);
    shift -= b->number();
    at = b->slots() + b->index(hash, shift);
  }
}

/// The elements below a word of an immutable version. Remembers it in branches that do not change
/// any more: counting the next snapshot costs what has changed.
inline std::uint64_t count_below(word w) noexcept {
  node* const n = node_of(w);
  if (n == nullptr) return 0;
  if (!is_branch(w)) return n->number();
  auto* const b = static_cast<branch*>(n);
  std::uint64_t sum = b->size.load(std::memory_order_relaxed);  // relaxed: a number
  if (sum != owner::unknown) return sum;
  sum = 0;
  for (std::size_t i = 0; i < b->width(); ++i) sum += count_below(settled_word(b->slots()[i]));
  b->size.store(sum, std::memory_order_relaxed);  // relaxed: everybody finds the same
  return sum;
}
inline std::uint64_t count(version* v) noexcept {
  std::uint64_t sum = v->size.load(std::memory_order_relaxed);  // relaxed: as above
  if (sum == owner::unknown) {
    sum = count_below(settled_word(v->top));
    v->size.store(sum, std::memory_order_relaxed);  // relaxed: as above
  }
  return sum;
}

/// The pair of `key` in a leaf or collision, or null.
template <class Types, class K, class Equal>
CONCUR_FORCEINLINE const typename Types::value_type* find_pair(word w, std::uint64_t hash,
                                                               const K& key, const Equal& equal) {
  using marks = typename Types::marks;
  if (!marks::may_hold(w, hash)) return nullptr;
  const node* const n = node_of(w);
  if constexpr (!marks::rules_out_nothing) {
    if (n == nullptr) return nullptr;
  }
  if constexpr (Types::is_inline) {
    const auto* const pairs = Types::pairs(n);
    for (auto candidates = marks::candidates(w, hash); candidates.has_any(); candidates.drop()) {
      const auto* const pair = pairs + candidates.first();
      if (keys_are_equal(equal, pair->first, key)) [[likely]]
        return pair;
    }
    if (!marks::may_be_beyond(w)) return nullptr;
    const std::uint32_t count = n->number();
    for (std::uint32_t i = marks::capacity; i < count; ++i) {
      if (keys_are_equal(equal, pairs[i].first, key)) return pairs + i;
    }
    return nullptr;
  } else if (n->kind() == node_kind::leaf) {
    if (Types::hash_in(n) != hash) return nullptr;
    const auto* const pair = Types::pairs(n);
    return keys_are_equal(equal, pair->first, key) ? pair : nullptr;
  } else {
    if (Types::hash_in(Types::entries(n)[0]) != hash) return nullptr;
    for (std::uint32_t i = 0; i < n->number(); ++i) {
      const auto* const pair = Types::pairs(Types::entries(n)[i]);
      if (keys_are_equal(equal, pair->first, key)) return pair;
    }
    return nullptr;
  }
}

/// A link to a version that does not change any more, and to the core.
template <class Types>
class held_version {
 public:
  using core_type = core<Types>;

  held_version() noexcept = default;
  /// Takes over a link to `v`; the core gets one more owner.
  held_version(core_type& c, version* v) noexcept : core_(&c), version_(v) { c.acquire(); }
  held_version(held_version&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)),
        version_(std::exchange(other.version_, nullptr)) {}
  held_version& operator=(held_version&& other) noexcept {
    held_version(std::move(other)).swap(*this);
    return *this;
  }
  ~held_version() {
    if (version_ == nullptr) return;
    thread_slot& me = thread_slots::mine();
    // If it was the last link, then much may have become free with it.
    core_->drop_link(version_, me);
    core_->collect_now(me);
    core_->release();
  }
  void swap(held_version& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(version_, other.version_);
  }
  held_version share() const noexcept {
    if (version_ == nullptr) return {};
    core_type::add_link(version_);
    return held_version(*core_, version_);
  }

  version* get() const noexcept { return version_; }
  core_type* shared() const noexcept { return core_; }
  explicit operator bool() const noexcept { return version_ != nullptr; }

  std::uint64_t size() const noexcept { return version_ == nullptr ? 0 : count(version_); }

  template <class K>
  const typename Types::value_type* find(const K& key) const {
    if (version_ == nullptr) return nullptr;
    const std::uint64_t hash = mixed_hash(core_->hash_function(), key);
    return find_pair<Types>(leaf_for(version_, hash), hash, key, core_->key_eq());
  }

  /// f(leaf or collision, last hash of its interval) -> bool go on, from `first` on in the order
  /// of hashes, while the interval begins at or before `last`. False when stopped.
  template <class F>
  bool for_each_leaf(std::uint64_t first, std::uint64_t last, F&& f) const {
    if (version_ == nullptr) return true;
    for (std::uint64_t from = first;;) {
      const found_leaf found = seek(version_, from);
      if (found.leaf == nullptr) return true;
      if (!f(found.leaf, found.last)) return false;
      if (found.last >= last) return true;
      from = found.last + 1;
    }
  }

  std::uint64_t hash_of(const node* leaf, std::uint32_t i) const {
    if constexpr (Types::is_inline) {
      return mixed_hash(core_->hash_function(), Types::pairs(leaf)[i].first);
    } else {
      return Types::hash_in(leaf->kind() == node_kind::leaf ? leaf : Types::entries(leaf)[i]);
    }
  }

 private:
  core_type* core_ = nullptr;
  version* version_ = nullptr;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
