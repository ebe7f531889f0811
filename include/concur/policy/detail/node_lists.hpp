// SPDX-License-Identifier: MIT
/// \file
/// What the eviction policies of more than one list have in common: which list an element is in,
/// and the place of the one that came last.
#pragma once

#include <concur/detail/assert.hpp>
#include <concur/detail/bits/extremes.hpp>
#include <concur/policy/eviction/node.hpp>
#include <cstddef>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// One of `n` parts of the capacity, and at least 1 of what there is.
constexpr std::uint64_t part_of(std::uint64_t capacity, std::uint64_t n) noexcept {
  return greatest(capacity / n, least(capacity, std::uint64_t{1}));
}

/// When memory was denied: not to be asked for again at every insertion.
class memory_retry {
 public:
  void after(std::size_t insertions) noexcept { left_ = insertions; }
  void count_insertion() noexcept { left_ -= left_ == 0 ? 0 : 1; }
  bool is_too_early() const noexcept { return left_ != 0; }

 private:
  std::size_t left_ = 0;
};

/// `N` lists; `node::where` is the number of an element's list, counted from 1.
///
/// The element that was inserted last, the newcomer, takes its place when the next one comes. So
/// the one for which room is made is never in the way while there is another, and nothing that is
/// decided about those that were there before depends on it.
template <std::size_t N>
class node_lists {
 public:
  static constexpr std::uint8_t in_none = 0;

  eviction::node_list& list(std::uint8_t where) noexcept {
    CONCUR_ASSERT(where != in_none && where <= N);
    return lists_[where - 1U];
  }
  const eviction::node_list& list(std::uint8_t where) const noexcept { return lists_[where - 1U]; }
  eviction::node* newcomer() const noexcept { return newcomer_; }

  void insert(eviction::node& fresh, std::uint8_t where) noexcept {
    CONCUR_ASSERT(!fresh.is_listed());
    if (eviction::node* const settled = newcomer_) {
      take_newcomer_out();
      list(settled->where).push_newest(*settled);
    }
    fresh.where = where;
    fresh.older = fresh.newer = &fresh;  // a list of its own
    newcomer_ = &fresh;
    weight_ += fresh.weight;
    ++size_;
  }
  /// `where` stays, for the case that it comes back.
  void erase(eviction::node& gone) noexcept {
    weight_ -= gone.weight;
    --size_;
    if (&gone == newcomer_) {
      take_newcomer_out();
    } else {
      list(gone.where).erase(gone);
    }
  }
  /// One that has taken its place, to the newest end of another list or of its own.
  void move(eviction::node& moved, std::uint8_t where) noexcept {
    if (moved.where == where) {
      list(where).move_to_newest(moved);
    } else {
      list(moved.where).erase(moved);
      moved.where = where;
      list(where).push_newest(moved);
    }
  }
  void reweigh(eviction::node& changed, std::uint32_t weight) noexcept {
    weight_ += std::uint64_t{weight} - changed.weight;  // modulo 2^64, as in node_list
    if (&changed == newcomer_) {
      changed.weight = weight;
    } else {
      list(changed.where).reweigh(changed, weight);
    }
  }

  std::uint64_t weight() const noexcept { return weight_; }
  std::size_t size() const noexcept { return size_; }
  /// How many fit into `capacity` if they weigh what those here weigh, but no more than `most`.
  std::size_t fitting(std::uint64_t capacity, std::size_t most) const noexcept {
    // Exact in a cache without weights.
    if (weight_ <= size_) return static_cast<std::size_t>(least(capacity, std::uint64_t{most}));
    const double fit =
        static_cast<double>(capacity) / static_cast<double>(weight_) * static_cast<double>(size_);
    return static_cast<std::size_t>(least(fit, static_cast<double>(most)));
  }

  /// `f(node&)` from the oldest to the newest of one list, the newcomer in its place, while it
  /// returns true; whether it always did.
  template <class F>
  bool for_each(std::uint8_t where, F& f) {
    eviction::node* const last = newcomer_;  // `f` may erase it
    if (!list(where).for_each(f)) return false;
    return last == nullptr || last != newcomer_ || last->where != where || f(*last);
  }

 private:
  void take_newcomer_out() noexcept {
    newcomer_->older = newcomer_->newer = nullptr;
    newcomer_ = nullptr;
  }

  eviction::node_list lists_[N];
  eviction::node* newcomer_ = nullptr;
  std::uint64_t weight_ = 0;  ///< of all, the newcomer included
  std::size_t size_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail
