// SPDX-License-Identifier: MIT
/// \file
/// What a cache of one shard with exact LRU does, written to be read: a list in the order of use,
/// searched from one end to the other.
#pragma once

#include "lru_lockmap/cache_kinds.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <utility>
#include <vector>

namespace concur_test {

class reference_cache {
 public:
  struct element {
    number key;
    number value;
    std::uint64_t weight;
    std::int64_t expires;
    std::int64_t used;
    bool is_held = false;
  };
  using reports = std::vector<witness<number, number>::report>;

  static constexpr std::int64_t never = INT64_MAX;

  std::uint64_t capacity = ~std::uint64_t{0};
  std::int64_t time_to_live = 0;
  std::int64_t time_to_idle = 0;
  bool weighs = false;  ///< by the value modulo 7
  std::int64_t now = 0;
  reports reported;

  bool is_valid(const element& e) const {
    return (e.expires == never || now < e.expires) &&
           (time_to_idle == 0 || now - e.used < time_to_idle);
  }

  /// A lookup that promotes: the value.
  std::optional<number> find(number key) {
    const auto at = position(key);
    if (at == order_.end() || !is_valid(*at)) return std::nullopt;
    use(at);
    return order_.back().value;
  }
  std::optional<number> peek(number key) const {
    for (const element& e : order_) {
      if (e.key == key && is_valid(e)) return e.value;
    }
    return std::nullopt;
  }
  bool try_emplace(number key, number value) {
    remove_if_expired(key);
    if (const auto at = position(key); at != order_.end()) {
      use(at);
      return false;
    }
    insert(key, value);
    return true;
  }
  bool insert_or_assign(number key, number value) {
    remove_if_expired(key);
    const auto at = position(key);
    if (at == order_.end()) {
      insert(key, value);
      return true;
    }
    use(at);
    element& e = order_.back();
    write(e, value, &e.value);
    return false;
  }
  bool update(number key) {
    remove_if_expired(key);
    const auto at = position(key);
    if (at == order_.end()) return false;
    use(at);
    write(order_.back(), order_.back().value + 1, nullptr);
    return true;
  }
  bool erase(number key) {
    remove_if_expired(key);
    const auto at = position(key);
    if (at == order_.end()) return false;
    leave(at, cause::erased);
    return true;
  }
  std::optional<number> take(number key) {
    remove_if_expired(key);
    const auto at = position(key);
    if (at == order_.end()) return std::nullopt;
    const number value = at->value;
    order_.erase(at);
    return value;
  }
  bool set_expiry(number key, std::int64_t t) {
    remove_if_expired(key);
    const auto at = position(key);
    if (at == order_.end()) return false;
    use(at);
    order_.back().expires = now + t;
    has_deadlines_ = true;
    return true;
  }
  std::optional<std::pair<number, number>> pop_lru() {
    while (!order_.empty()) {
      const element coldest = order_.front();
      if (is_valid(coldest)) {
        order_.pop_front();
        return std::pair(coldest.key, coldest.value);
      }
      leave(order_.begin(), cause::expired);
    }
    return std::nullopt;
  }
  void set_capacity(std::uint64_t n) {
    capacity = n;
    trim();
  }
  void clear() {
    while (!order_.empty()) {
      leave(order_.begin(), is_valid(order_.front()) ? cause::cleared : cause::expired);
    }
  }
  std::size_t remove_expired() {
    std::size_t n = 0;
    for (auto at = order_.begin(); at != order_.end();) {
      const auto next = std::next(at);
      if (!is_valid(*at)) {
        leave(at, cause::expired);
        ++n;
      }
      at = next;
    }
    return n;
  }
  std::size_t size() const { return order_.size(); }
  std::uint64_t weight() const {
    std::uint64_t sum = 0;
    for (const element& e : order_) sum += e.weight;
    return sum;
  }
  std::vector<number> keys() const {
    std::vector<number> found;
    for (const element& e : order_) {
      if (is_valid(e)) found.push_back(e.key);
    }
    return found;
  }

 private:
  using iterator = std::list<element>::iterator;

  iterator position(number key) {
    return std::find_if(order_.begin(), order_.end(),
                        [&](const element& e) { return e.key == key; });
  }
  std::uint64_t weight_of(number value) const { return weighs ? value % 7 : 1; }
  void use(iterator at) {
    if (time_to_idle != 0) at->used = std::max(at->used, now);
    order_.splice(order_.end(), order_, at);
  }
  void remove_if_expired(number key) {
    const auto at = position(key);
    if (at != order_.end() && !is_valid(*at)) leave(at, cause::expired);
  }
  void leave(iterator at, cause why) {
    reported.push_back({at->key, at->value, why});
    order_.erase(at);
  }
  std::int64_t deadline() const { return time_to_live == 0 ? never : now + time_to_live; }

  void insert(number key, number value) {
    const element made{key, value, weight_of(value), deadline(), now};
    if (made.weight > capacity) {
      reported.push_back({key, value, cause::capacity});
      return;
    }
    order_.push_back(made);
    sweep_cold(&order_.back());
    trim();
  }
  /// The value of the hottest, which is in the caller's hands. What leaves is reported after what
  /// makes room for it, because the key is given back first.
  void write(element& e, number value, const number* replaced) {
    const number old = e.value;
    e.value = value;
    e.expires = deadline();
    if (time_to_live != 0 || time_to_idle != 0) e.used = now;
    const std::uint64_t weight = weight_of(value);
    if (weight > capacity) {
      const auto self = std::prev(order_.end());
      leave(self, cause::capacity);
    } else if (weight != e.weight) {
      e.weight = weight;
      sweep_cold(&e);
      trim();
    }
    if (replaced != nullptr) reported.push_back({e_key(e, old), old, cause::replaced});
  }
  static number e_key(const element&, number old) { return old / 1000; }

  void sweep_cold(const element* own) {
    if (time_to_live == 0 && time_to_idle == 0 && !has_deadlines_) return;
    for (int looks = 0; looks < 2 && !order_.empty(); ++looks) {
      if (&order_.front() == own || is_valid(order_.front())) return;
      leave(order_.begin(), cause::expired);
    }
  }
  void trim() {
    while (weight() > capacity) {
      leave(order_.begin(), is_valid(order_.front()) ? cause::capacity : cause::expired);
    }
  }

  std::list<element> order_;  ///< the coldest first
  bool has_deadlines_ = false;
};

}  // namespace concur_test
