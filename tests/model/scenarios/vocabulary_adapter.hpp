// SPDX-License-Identifier: MIT
/// \file
/// Makes a map of the vocabulary answer the scenarios. Values are coded: several equal words, so
/// that a torn value is noticed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "scenarios/map_scenarios.hpp"

namespace scenarios {

/// A value of n words, all equal.
template <class T>
struct coder {
  static T make(std::uint64_t v) { return static_cast<T>(v); }
  static std::uint64_t read(const T& v) { return static_cast<std::uint64_t>(v); }
};
template <std::size_t N>
struct coder<std::array<std::uint64_t, N>> {
  using value = std::array<std::uint64_t, N>;
  static value make(std::uint64_t v) {
    value a;
    a.fill(v);
    return a;
  }
  static std::uint64_t read(const value& a) {
    for (std::uint64_t w : a) mc::require(w == a[0], "a torn value");
    return a[0];
  }
};

/// Keys with the same upper bits have the same home; the lower bits tell them apart. Keys 1 to 4
/// share a place in every table that the scenarios make, the others spread.
struct placed_hash {
  using is_avalanching = void;
  static std::uint64_t place(std::uint64_t k) {
    const std::uint64_t home = k <= 4 ? 0 : k;
    return home << 60 | k << 40 | (k / 2) << 6;  // keys 2 and 3 have equal tags
  }
  template <class K>
  std::uint64_t operator()(const K& k) const {
    return place(coder<K>::read(k));
  }
};

template <class Map, class Key, class T>
class vocabulary_adapter {
 public:
  static constexpr bool has_fetch_add = requires(Map & map, Key key, T n) {
    map.fetch_add(key, n);
  };
  static constexpr bool can(kind k) { return k != kind::fetch_add || has_fetch_add; }

  std::uint64_t call(const scenarios::call& c) {
    const Key key = coder<Key>::make(c.key);
    const T value = coder<T>::make(c.argument);
    switch (c.what) {
      case kind::find:
        return optional(map_.find(key));
      case kind::insert:
        return map_.insert({key, value}) ? 1 : 0;
      case kind::assign:
        return optional(map_.exchange(key, value));
      case kind::put:
        return map_.insert_or_assign(key, value) ? 1 : 0;
      case kind::erase:
        return map_.erase(key);
      case kind::take:
        return optional(map_.take(key));
      case kind::replace:
        return map_.replace_if_equal(key, value, coder<T>::make(c.argument2)) ? 1 : 0;
      case kind::erase_equal:
        return map_.erase_if_equal(key, value);
      case kind::add:
        return add(key, c.argument);
      case kind::fetch_add:
        if constexpr (has_fetch_add) return map_.fetch_add(key, value);
        return absent;
      case kind::remove:
      case kind::set:
      case kind::ensure:
        break;
    }
    mc::fail("no such call");
  }
  template <class F>
  void iterate(F&& f) {
    map_.cvisit_all([&](const auto& e) { f(coder<Key>::read(e.first), coder<T>::read(e.second)); });
  }
  std::uint64_t size() { return map_.size(); }
  void grow(std::size_t n) { map_.reserve(n); }
  void shrink() { map_.shrink_to_fit(); }
  void clear() { map_.clear(); }

  Map& map() { return map_; }

 private:
  std::uint64_t add(const Key& key, std::uint64_t n) {
    std::uint64_t before = absent;
    // A callback that may run again may have run in vain.
    const auto updated = map_.update(key, [&](T& v) {
      before = coder<T>::read(v);
      v = coder<T>::make(before + n);
    });
    return updated == 1 ? before : absent;
  }
  template <class O>
  static std::uint64_t optional(const O& o) {
    return o ? coder<T>::read(*o) : absent;
  }

  Map map_;
};

}  // namespace scenarios
