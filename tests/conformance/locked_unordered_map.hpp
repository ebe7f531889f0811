// SPDX-License-Identifier: MIT
/// \file
/// The oracle: a `std::unordered_map` under a mutex with the core of the vocabulary written by
/// hand, on nothing of the library. Where this map fails a test, the test is wrong.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace concur_test {

template <class Key, class T, class Hash = std::hash<Key>, class KeyEqual = std::equal_to<Key>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class locked_unordered_map {
  using map_type = std::unordered_map<Key, T, Hash, KeyEqual, Allocator>;

 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using init_type = std::pair<Key, T>;
  using size_type = std::size_t;

  locked_unordered_map() = default;
  explicit locked_unordered_map(size_type n, const Hash& hash = Hash(),
                                const KeyEqual& equal = KeyEqual(),
                                const Allocator& allocator = Allocator())
      : map_(n, hash, equal, allocator) {}
  template <std::input_iterator It>
  locked_unordered_map(It first, It last) : map_(first, last) {}
  locked_unordered_map(std::initializer_list<value_type> values) : map_(values) {}
  locked_unordered_map(const locked_unordered_map& other) : map_(other.copy()) {}

  std::optional<T> find(const Key& key) const {
    const lock guard(mutex_);
    const auto at = map_.find(key);
    return at == map_.end() ? std::nullopt : std::optional<T>(at->second);
  }
  T find_or(const Key& key, const T& fallback) const { return find(key).value_or(fallback); }
  bool contains(const Key& key) const { return count(key) == 1; }
  size_type count(const Key& key) const {
    const lock guard(mutex_);
    return map_.count(key);
  }
  template <class F>
  size_type visit(const Key& key, F f) {
    return with(map_, key, f);
  }
  template <class F>
  size_type visit(const Key& key, F f) const {
    return with(map_, key, f);
  }
  template <class F>
  size_type cvisit(const Key& key, F f) const {
    return with(map_, key, f);
  }
  template <class It, class F>
  size_type visit(It first, It last, F f) {
    size_type visited = 0;
    for (; first != last; ++first) visited += visit(*first, f);
    return visited;
  }
  template <class It, class F>
  size_type cvisit(It first, It last, F f) const {
    size_type visited = 0;
    for (; first != last; ++first) visited += cvisit(*first, f);
    return visited;
  }

  template <std::same_as<value_type> P>
  bool insert(const P& value) {
    return try_emplace(value.first, value.second);
  }
  bool insert(init_type&& value) { return try_emplace(value.first, std::move(value.second)); }
  template <std::input_iterator It>
  size_type insert(It first, It last) {
    size_type inserted = 0;
    for (; first != last; ++first) inserted += try_emplace(first->first, first->second) ? 1u : 0u;
    return inserted;
  }
  size_type insert(std::initializer_list<value_type> values) {
    return insert(values.begin(), values.end());
  }
  template <class Range>
  size_type insert_range(const Range& values) {
    return insert(std::begin(values), std::end(values));
  }
  template <class... Args>
  bool emplace(Args&&... args) {
    const lock guard(mutex_);
    return map_.emplace(std::forward<Args>(args)...).second;
  }
  template <class... Args>
  bool try_emplace(const Key& key, Args&&... args) {
    const lock guard(mutex_);
    return map_.try_emplace(key, std::forward<Args>(args)...).second;
  }
  template <class V>
  bool insert_or_assign(const Key& key, V&& value) {
    const lock guard(mutex_);
    return map_.insert_or_assign(key, std::forward<V>(value)).second;
  }
  std::optional<T> exchange(const Key& key, T value) {
    const lock guard(mutex_);
    const auto at = map_.find(key);
    if (at == map_.end()) return map_.emplace(key, std::move(value)), std::nullopt;
    return std::exchange(at->second, std::move(value));
  }
  template <class F>
  bool insert_or_visit(init_type value, F f) {
    return insert_and_visit(
        std::move(value), [](auto&) {}, f);
  }
  template <class F>
  bool insert_or_cvisit(init_type value, F f) {
    return insert_and_cvisit(
        std::move(value), [](auto&) {}, f);
  }
  template <class F1, class F2>
  bool insert_and_visit(init_type value, F1 on_new, F2 on_present) {
    const lock guard(mutex_);
    const auto [at, inserted] = map_.insert(std::move(value));
    inserted ? on_new(*at) : on_present(*at);
    return inserted;
  }
  template <class F1, class F2>
  bool insert_and_cvisit(init_type value, F1 on_new, F2 on_present) {
    const lock guard(mutex_);
    const auto [at, inserted] = map_.insert(std::move(value));
    inserted ? on_new(std::as_const(*at)) : on_present(std::as_const(*at));
    return inserted;
  }

  template <class F>
  size_type update(const Key& key, F f) {
    return visit(key, [&](auto& element) { f(element.second); });
  }
  template <class F, class... Args>
  bool upsert(const Key& key, F f, Args&&... args) {
    const lock guard(mutex_);
    const auto at = map_.find(key);
    if (at == map_.end()) return map_.try_emplace(key, std::forward<Args>(args)...).second;
    f(at->second);
    return false;
  }
  template <class F>
  bool compute(const Key& key, F f) {
    const lock guard(mutex_);
    std::optional<T> value = find(key);
    f(value);
    if (value) {
      map_.insert_or_assign(key, *value);
    } else {
      map_.erase(key);
    }
    return value.has_value();
  }
  bool replace_if_equal(const Key& key, const T& expected, const T& desired) {
    const lock guard(mutex_);
    const auto at = map_.find(key);
    if (at == map_.end() || !(at->second == expected)) return false;
    at->second = desired;
    return true;
  }

  size_type erase(const Key& key) {
    const lock guard(mutex_);
    return map_.erase(key);
  }
  template <class Pred>
  size_type erase_if(const Key& key, Pred pred) {
    const lock guard(mutex_);
    const auto at = map_.find(key);
    if (at == map_.end() || !pred(std::as_const(*at))) return 0;
    map_.erase(at);
    return 1;
  }
  template <class Pred>
  size_type erase_if(Pred pred) {
    const lock guard(mutex_);
    return std::erase_if(map_, [&](const auto& element) { return pred(element); });
  }
  template <class Pred>
  friend size_type erase_if(locked_unordered_map& map, Pred pred) {
    return map.erase_if(pred);
  }
  size_type erase_if_equal(const Key& key, const T& value) {
    return erase_if(key, [&](const auto& element) { return element.second == value; });
  }
  std::optional<T> take(const Key& key) {
    const lock guard(mutex_);
    auto node = map_.extract(key);
    return node.empty() ? std::nullopt : std::optional<T>(std::move(node.mapped()));
  }

  template <class F>
  size_type visit_all(F f) {
    return visit_while([&](auto& element) { return f(element), true; }) ? size() : 0;
  }
  template <class F>
  size_type cvisit_all(F f) const {
    return cvisit_while([&](auto& element) { return f(element), true; }) ? size() : 0;
  }
  template <class F>
  size_type visit_all(F f) const {
    return cvisit_all(f);
  }
  template <class F>
  bool visit_while(F f) {
    const lock guard(mutex_);
    for (auto& element : map_) {
      if (!f(element)) return false;
    }
    return true;
  }
  template <class F>
  bool cvisit_while(F f) const {
    const lock guard(mutex_);
    for (const auto& element : map_) {
      if (!f(element)) return false;
    }
    return true;
  }

  size_type size() const {
    const lock guard(mutex_);
    return map_.size();
  }
  bool empty() const { return size() == 0; }
  void clear() {
    const lock guard(mutex_);
    map_.clear();
  }
  void reserve(size_type n) {
    const lock guard(mutex_);
    map_.reserve(n);
  }
  void swap(locked_unordered_map& other) { map_.swap(other.map_); }
  friend bool operator==(const locked_unordered_map& a, const locked_unordered_map& b) {
    return a.copy() == b.copy();
  }

 private:
  using lock = std::lock_guard<std::recursive_mutex>;

  map_type copy() const {
    const lock guard(mutex_);
    return map_;
  }

  template <class Map, class F>
  size_type with(Map& map, const Key& key, F& f) const {
    const lock guard(mutex_);
    const auto at = map.find(key);
    if (at == map.end()) return 0;
    f(*at);
    return 1;
  }

  mutable std::recursive_mutex mutex_;
  map_type map_;
};

}  // namespace concur_test
