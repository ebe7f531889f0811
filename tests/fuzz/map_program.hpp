// SPDX-License-Identifier: MIT
/// \file
/// A program of operations on a map, each compared with std::map. The keys are one class modulo
/// `classes`: of other keys nothing is expected, so that several programs can run on one map.
#pragma once

#include "fuzz/fuzz.hpp"

#include <concur/concepts.hpp>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace concur_fuzz {

template <class Map>
class map_program {
  using V = typename Map::mapped_type;

 public:
  using model_type = std::map<number, number>;

  map_program(Map& map, number residue, number classes)
      : map_(map), residue_(residue), classes_(classes) {}

  void run(bytes input) {
    while (!input.empty()) step(input);
    check();
  }

  /// One operation, of those that every map has.
  void step(bytes& input) {
    const unsigned op = input.next();
    const number key = input.next() * classes_ + residue_;
    if (op < 192) {
      one_key(op % 16, key, input);
    } else {
      many_keys(op % 12, key, input);
    }
  }

  /// All keys of this program, by lookup and by traversal.
  void check() const {
    for (const auto& [k, v] : model_) {
      const std::optional<V> found = map_.find(k);
      FUZZ_CHECK(found && number_of(*found) == v);
    }
    std::size_t seen = 0;
    map_.cvisit_all([&](const auto& e) { seen += count(e); });
    FUZZ_CHECK(seen == model_.size());
    if (is_alone()) {
      FUZZ_CHECK(map_.size() == model_.size());
      if constexpr (requires { map_.validate(); }) {
        FUZZ_CHECK(map_.validate().error == nullptr);
      }
    }
  }

  const model_type& model() const noexcept { return model_; }
  /// The caller has put this into the map.
  void has_now(const model_type& model) { model_ = model; }

 private:
  bool is_alone() const noexcept { return classes_ == 1; }
  bool is_mine(number key) const noexcept { return key % classes_ == residue_; }

  template <class Element>
  std::size_t count(const Element& e) const {
    if (!is_mine(e.first)) return 0;
    const auto found = model_.find(e.first);
    FUZZ_CHECK(found != model_.end() && found->second == number_of(e.second));
    return 1;
  }

  std::optional<number> modelled(number key) const {
    const auto found = model_.find(key);
    return found == model_.end() ? std::nullopt : std::optional<number>(found->second);
  }
  static std::optional<number> plain(const std::optional<V>& v) {
    return v ? std::optional<number>(number_of(*v)) : std::nullopt;
  }

  void one_key(unsigned op, number key, bytes& input) {
    const number value = input.next();
    const bool was_there = model_.count(key) == 1;
    switch (op) {
      case 0:
      case 1:
      case 2:
      case 3:
        FUZZ_CHECK(static_cast<bool>(map_.insert({key, V(value)})) != was_there);
        model_.emplace(key, value);
        break;
      case 4:
      case 5:
      case 6:
        FUZZ_CHECK(map_.erase(key) == model_.erase(key));
        break;
      case 7:
        FUZZ_CHECK(static_cast<bool>(map_.insert_or_assign(key, V(value))) != was_there);
        model_[key] = value;
        break;
      case 8:
        FUZZ_CHECK(plain(map_.take(key)) == modelled(key));
        model_.erase(key);
        break;
      case 9:
        FUZZ_CHECK(map_.update(key, [&](V& v) { v = V(number_of(v) + value); }) == was_there);
        if (was_there) model_[key] += value;
        break;
      case 10:
        map_.upsert(
            key, [&](V& v) { v = V(number_of(v) + 1); }, V(value));
        if (was_there) {
          ++model_[key];
        } else {
          model_[key] = value;
        }
        break;
      case 11:
        FUZZ_CHECK(plain(map_.exchange(key, V(value))) == modelled(key));
        model_[key] = value;
        break;
      case 12:
        compute(key, value);
        break;
      case 13: {
        const bool is_equal = modelled(key) == value;
        FUZZ_CHECK(map_.replace_if_equal(key, V(value), V(value + 1)) == is_equal);
        if (is_equal) model_[key] = value + 1;
        break;
      }
      case 14: {
        const bool is_equal = modelled(key) == value;
        FUZZ_CHECK((map_.erase_if_equal(key, V(value)) == 1) == is_equal);
        if (is_equal) model_.erase(key);
        break;
      }
      default:
        FUZZ_CHECK(plain(map_.find(key)) == modelled(key));
    }
  }

  /// Removes what is there if the value is odd, and else sets it.
  void compute(number key, number value) {
    map_.compute(key, [&](std::optional<V>& v) {
      FUZZ_CHECK(plain(v) == modelled(key));
      if (v && value % 2 == 1) {
        v.reset();
      } else {
        v = V(value);
      }
    });
    if (model_.count(key) == 1 && value % 2 == 1) {
      model_.erase(key);
    } else {
      model_[key] = value;
    }
  }

  void many_keys(unsigned op, number key, bytes& input) {
    switch (op) {
      case 0:
        map_.reserve(key * 2);
        break;
      case 1:
        map_.shrink_to_fit();
        break;
      case 2:
        if (is_alone()) {
          map_.clear();
          model_.clear();
        }
        break;
      case 3: {
        const number divisor = 2 + input.next() % 4;
        const auto goes = [&](const auto& e) {
          return is_mine(e.first) && (e.first / classes_) % divisor == 0;
        };
        const std::size_t removed = map_.erase_if(goes);
        FUZZ_CHECK(removed == std::erase_if(model_, goes));
        break;
      }
      case 4:
        scan(1 + input.next() % 16);
        break;
      case 5:
        two_keys(key, input.next() * classes_ + residue_);
        break;
      case 6:
        run_of_keys(key, input.next() % 64, true);
        break;
      case 7:
        run_of_keys(key, input.next() % 64, false);
        break;
      case 8:
        change_all();
        break;
      case 9: {
        const Map copy(map_);
        std::size_t seen = 0;
        copy.cvisit_all([&](const auto& e) { seen += count(e); });
        FUZZ_CHECK(seen == model_.size());
        break;
      }
      case 10:
        if (is_alone()) {
          Map copy(map_);
          FUZZ_CHECK(copy == map_);
          map_.swap(copy);
          copy.clear();
        }
        break;
      default:
        check();
    }
  }

  /// Both by whatever reads several.
  void two_keys(number key, number other) {
    if constexpr (requires { map_.read_together(key, other); }) {
      const auto both = map_.read_together(key, other);
      FUZZ_CHECK(plain(std::get<0>(both)) == modelled(key));
      FUZZ_CHECK(plain(std::get<1>(both)) == modelled(other));
    } else if constexpr (requires { map_.pin(); }) {
      // What a guard found stays, whatever is written.
      const auto guard = map_.pin();
      const V* const found = map_.find(guard, key);
      FUZZ_CHECK((found != nullptr) == (model_.count(key) == 1));
      const std::optional<number> before = modelled(key);
      map_.erase(key);
      model_.erase(key);
      map_.insert_or_assign(other, V(other));
      model_[other] = other;
      if (found != nullptr) FUZZ_CHECK(number_of(*found) == before);
    } else if constexpr (requires { map_.snapshot(); }) {
      // So does what is in a snapshot.
      const auto before = map_.snapshot();
      const std::optional<number> was = modelled(key);
      map_.erase(key);
      model_.erase(key);
      map_.insert_or_assign(other, V(other));
      model_[other] = other;
      const V* const found = before.find(key);
      FUZZ_CHECK((found != nullptr ? std::optional<number>(number_of(*found)) : std::nullopt) ==
                 was);
    } else {
      FUZZ_CHECK(plain(map_.find(other)) == modelled(other));
    }
  }

  /// One more for every value: where elements are lent to be read only, by an update from inside.
  void change_all() {
    if constexpr (concur::guarantees<Map>::callback_is_exclusive) {
      map_.visit_all([&](auto& e) {
        if (is_mine(e.first)) e.second = V(number_of(e.second) + 1);
      });
    } else {
      map_.visit_all([&](const auto& e) {
        if (!is_mine(e.first)) return;
        const std::size_t changed = map_.update(e.first, [](V& v) { v = V(number_of(v) + 1); });
        FUZZ_CHECK(changed == 1);
      });
    }
    for (auto& element : model_) ++element.second;
  }

  void scan(std::size_t at_once) {
    std::size_t seen = 0;
    std::uint64_t cursor = 0;
    do {
      cursor = map_.scan(cursor, at_once, [&](const auto& e) { seen += count(e); });
    } while (cursor != 0);
    FUZZ_CHECK(seen == model_.size());
  }

  void run_of_keys(number first, number n, bool is_insertion) {
    for (number key = first; key < first + n * classes_; key += classes_) {
      if (is_insertion) {
        FUZZ_CHECK(static_cast<bool>(map_.insert({key, V(key)})) ==
                   model_.emplace(key, key).second);
      } else {
        FUZZ_CHECK(map_.erase(key) == model_.erase(key));
      }
    }
  }

  Map& map_;
  number residue_;
  number classes_;
  model_type model_;
};

}  // namespace concur_fuzz
