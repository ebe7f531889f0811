// SPDX-License-Identifier: MIT
/// \file
/// The eviction policies once more, slow and plain: keys in standard lists, found by searching.
/// What `simulated_shard` has to equal, operation by operation.
#pragma once

#include <algorithm>
#include <concur/policy/detail/frequency_sketch.hpp>
#include <concur/policy/detail/ghosts.hpp>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace concur_test {

struct model_item {
  std::uint64_t key = 0;
  std::uint64_t hash = 0;
  std::uint64_t weight = 1;
  unsigned hits = 0;
};
using model_list = std::list<model_item>;

inline std::uint64_t weight_of(const model_list& list) {
  std::uint64_t sum = 0;
  for (const model_item& item : list) sum += item.weight;
  return sum;
}
inline model_list::iterator find_in(model_list& list, std::uint64_t key) {
  return std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.key == key; });
}
inline void move_oldest(model_list& from, model_list& to) {
  to.splice(to.end(), from, from.begin());
}

/// What the models share: lists, each from the oldest to the newest, and the newcomer, which is in
/// none of them until the next one comes. `Model` has `coldness`: its lists in the order of
/// for_each; `list_for(item)`, `hit(key)`, `make_room()`: evicts one.
template <class Model, std::size_t N>
class model_base {
 public:
  explicit model_base(std::uint64_t capacity) : capacity_(capacity) {}

  bool access(std::uint64_t key, std::uint64_t hash, std::uint32_t weight = 1) {
    if (newcomer_ && newcomer_->key == key) {
      self().hit(*newcomer_);
      return true;
    }
    for (model_list& list : lists_) {
      const auto found = find_in(list, key);
      if (found == list.end()) continue;
      self().hit(*found);
      return true;
    }
    add({.key = key, .hash = hash, .weight = weight}, self().list_for_new(hash));
    evict_surplus();
    return false;
  }
  bool erase(std::uint64_t key) { return take(key).has_value(); }
  void reweigh(std::uint64_t key, std::uint32_t weight) {
    if (newcomer_ && newcomer_->key == key) newcomer_->weight = weight;
    for (model_list& list : lists_) {
      const auto found = find_in(list, key);
      if (found != list.end()) found->weight = weight;
    }
    evict_surplus();
  }
  void set_capacity(std::uint64_t capacity) {
    capacity_ = capacity;
    evict_surplus();
  }
  void hold(std::uint64_t key) { held_.push_back(*take(key)); }
  void release(std::uint64_t key) {
    const auto found = find_in(held_, key);
    add(*found, Model::list_for_held);
    held_.erase(found);
    evict_surplus();
  }
  std::optional<std::uint64_t> pop() { return self().evict_one(); }

  std::vector<std::uint64_t> keys() const {
    std::vector<std::uint64_t> all;
    for (const std::size_t i : Model::coldness) {
      for (const model_item& item : lists_[i]) all.push_back(item.key);
      if (newcomer_ && newcomer_list_ == i) all.push_back(newcomer_->key);
    }
    return all;
  }

 protected:
  std::uint64_t weight() const {
    std::uint64_t sum = newcomer_ ? newcomer_->weight : 0;
    for (const model_list& list : lists_) sum += weight_of(list);
    return sum;
  }
  std::size_t size() const {
    std::size_t sum = newcomer_ ? 1 : 0;
    for (const model_list& list : lists_) sum += list.size();
    return sum;
  }
  std::size_t fitting(std::uint64_t capacity) const {
    if (weight() == size()) return capacity;
    return static_cast<std::size_t>(static_cast<double>(capacity) / static_cast<double>(weight()) *
                                    static_cast<double>(size()));
  }
  std::uint64_t evict_newcomer() {
    const std::uint64_t key = newcomer_->key;
    newcomer_.reset();
    return key;
  }
  static std::uint64_t evict_oldest(model_list& list) {
    const std::uint64_t key = list.front().key;
    list.pop_front();
    return key;
  }

  std::uint64_t capacity_;
  model_list lists_[N];
  std::optional<model_item> newcomer_;
  std::size_t newcomer_list_ = 0;

 private:
  Model& self() { return static_cast<Model&>(*this); }
  void add(model_item item, std::size_t list) {
    if (newcomer_) lists_[newcomer_list_].push_back(*newcomer_);
    newcomer_ = item;
    newcomer_list_ = list;
    self().added();
  }
  std::optional<model_item> take(std::uint64_t key) {
    std::optional<model_item> taken;
    if (newcomer_ && newcomer_->key == key) {
      taken.swap(newcomer_);
      return taken;
    }
    for (model_list& list : lists_) {
      const auto found = find_in(list, key);
      if (found == list.end()) continue;
      taken = *found;
      list.erase(found);
    }
    return taken;
  }
  void evict_surplus() {
    while (weight() > capacity_) self().evict_one();
  }

  model_list held_;
};

/// Of the exact order; the newest is a newcomer only until it is hit.
class lru_model : public model_base<lru_model, 1> {
 public:
  static constexpr std::size_t coldness[] = {0};
  static constexpr std::size_t list_for_held = 0;
  using model_base::model_base;

  std::size_t list_for_new(std::uint64_t) const { return 0; }
  void added() {
    lists_[0].push_back(*newcomer_);
    newcomer_.reset();
  }
  void hit(model_item& item) {
    lists_[0].splice(lists_[0].end(), lists_[0], find_in(lists_[0], item.key));
  }
  std::optional<std::uint64_t> evict_one() {
    if (lists_[0].empty()) return std::nullopt;
    return evict_oldest(lists_[0]);
  }
};

class s3fifo_model : public model_base<s3fifo_model, 2> {
 public:
  static constexpr std::size_t small = 0, main = 1;
  static constexpr std::size_t coldness[] = {small, main};
  static constexpr std::size_t list_for_held = main;
  using model_base::model_base;

  std::size_t list_for_new(std::uint64_t hash) {
    const auto ghost = std::find(ghosts_.begin(), ghosts_.end(), hash);
    if (ghost == ghosts_.end()) return small;
    ghosts_.erase(ghost);
    return main;
  }
  void added() {
    newcomer_->hits = 0;
    // When there is memory for ghosts, and how much.
    using table = concur::detail::ghosts<std::allocator<std::byte>>;
    if (capacity_ == 0 || weight() < capacity_ - capacity_ / 8) return;
    const std::size_t words = table::words_for(limit());
    if (words <= words_) return;
    words_ = weight() == size() ? words : words + words / 4;
    places_ = (words_ - std::bit_floor(words_ / 6)) / 5;
    ghosts_.clear();
  }
  static void hit(model_item& item) { item.hits = std::min(item.hits + 1, 3U); }
  std::optional<std::uint64_t> evict_one() {
    if (weight_of(lists_[main]) <= main_share()) {
      while (!lists_[small].empty()) {
        model_item& oldest = lists_[small].front();
        if (oldest.hits == 0) {
          remember(oldest.hash);
          return evict_oldest(lists_[small]);
        }
        oldest.hits = 0;
        move_oldest(lists_[small], lists_[main]);
      }
    }
    while (!lists_[main].empty()) {
      model_item& oldest = lists_[main].front();
      if (oldest.hits == 0) return evict_oldest(lists_[main]);
      --oldest.hits;
      move_oldest(lists_[main], lists_[main]);
    }
    if (!newcomer_) return std::nullopt;
    if (newcomer_list_ == small) remember(newcomer_->hash);
    return evict_newcomer();
  }

 private:
  std::uint64_t main_share() const {
    return capacity_ < 10 ? capacity_ - (capacity_ != 0) : capacity_ - capacity_ / 10;
  }
  std::size_t limit() const { return fitting(capacity_ - (capacity_ + 9) / 10); }
  void remember(std::uint64_t hash) {
    const std::size_t most = std::min(limit(), places_);
    while (!ghosts_.empty() && ghosts_.size() >= most) ghosts_.pop_front();
    if (most != 0) ghosts_.push_back(hash);
  }

  std::list<std::uint64_t> ghosts_;
  std::size_t words_ = 0;
  std::size_t places_ = 0;
};

class w_tinylfu_model : public model_base<w_tinylfu_model, 3> {
 public:
  static constexpr std::size_t window = 0, probation = 1, safe = 2;
  static constexpr std::size_t coldness[] = {probation, window, safe};
  static constexpr std::size_t list_for_held = safe;
  using model_base::model_base;

  std::size_t list_for_new(std::uint64_t hash) {
    count(hash, 1);
    return window;
  }
  void added() {
    while (window_is_over() && weight() <= capacity_) {
      go_round(window);
      move_oldest(lists_[window], lists_[probation]);
    }
    if (capacity_ == 0 || weight() < capacity_ / 2) return;
    const std::size_t words = sketch::words_for(fitting(capacity_));
    if (words <= sketch_.words()) return;
    concur::eviction::memory<allocator> fresh(allocator{}, words);
    sketch_.exchange_memory(fresh);
  }
  static void hit(model_item& item) { item.hits = std::min(item.hits + 1, 15U); }
  std::optional<std::uint64_t> evict_one() {
    const std::optional<std::size_t> from = main_victim();
    if (from && !window_is_over()) return evict_oldest(lists_[*from]);
    go_round(window);
    if (!lists_[window].empty()) {
      const std::uint64_t candidate = lists_[window].front().hash;
      if (!from || (sketch_.words() != 0 &&
                    sketch_.estimate(candidate) <= sketch_.estimate(lists_[*from].front().hash))) {
        return evict_oldest(lists_[window]);
      }
      const std::uint64_t evicted = evict_oldest(lists_[*from]);
      move_oldest(lists_[window], lists_[probation]);
      return evicted;
    }
    if (from) return evict_oldest(lists_[*from]);
    return newcomer_ ? std::optional(evict_newcomer()) : std::nullopt;
  }

 private:
  using allocator = std::allocator<std::byte>;
  using sketch = concur::detail::frequency_sketch<allocator>;

  std::uint64_t window_share() const { return capacity_ < 6 ? capacity_ != 0 : capacity_ / 6; }
  bool window_is_over() const {
    const bool coming = newcomer_ && newcomer_list_ == window;
    return !lists_[window].empty() &&
           weight_of(lists_[window]) + (coming ? newcomer_->weight : 0) > window_share();
  }
  void count(std::uint64_t hash, unsigned uses) {
    sketch_.add(hash, uses, 10 * fitting(capacity_));
  }
  /// Hits of the oldest go into the sketch; whether there were any.
  bool settle_oldest(std::size_t list) {
    model_item& oldest = lists_[list].front();
    if (oldest.hits == 0) return false;
    count(oldest.hash, oldest.hits);
    oldest.hits = 0;
    return true;
  }
  /// Those that were hit go round, but not all of them.
  void go_round(std::size_t list) {
    for (std::size_t n = lists_[list].size(); n > 1 && settle_oldest(list); --n) {
      move_oldest(lists_[list], lists_[list]);
    }
  }
  std::optional<std::size_t> main_victim() {
    const std::uint64_t share = capacity_ - window_share();
    const auto demote_surplus = [&] {
      while (weight_of(lists_[safe]) > share - share / 5) {
        go_round(safe);
        move_oldest(lists_[safe], lists_[probation]);
      }
    };
    std::size_t n = lists_[probation].size() + lists_[safe].size();
    demote_surplus();
    while (n > 1 && !lists_[probation].empty() && settle_oldest(probation)) {
      move_oldest(lists_[probation], lists_[safe]);
      demote_surplus();
      --n;
    }
    if (!lists_[probation].empty()) return probation;
    if (lists_[safe].empty()) return std::nullopt;
    go_round(safe);
    return safe;
  }

  sketch sketch_{allocator{}};
};

}  // namespace concur_test
