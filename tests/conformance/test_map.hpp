// SPDX-License-Identifier: MIT
/// \file
/// A face over an engine of the tests: what every map of the library declares itself, with the
/// constructors of the interface, and the rest from `map_interface`.
#pragma once

#include "conformance/cow_engine.hpp"
#include "conformance/locked_engine.hpp"

#include <concur/detail/map/guarantees.hpp>
#include <concur/detail/map/map_interface.hpp>
#include <concur/detail/map/stats.hpp>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

namespace concur_test {

struct test_map_stats {
  std::size_t size;

  template <class Out>
  friend Out& operator<<(Out& out, const test_map_stats& stats) {
    return concur::detail::print_stats(out, "test_map", concur::detail::stat{"size", stats.size});
  }
};

template <template <class, class, class, class, class> class Engine, class Key, class T,
          class Hash = std::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class test_map
    : public concur::detail::map_interface<test_map<Engine, Key, T, Hash, KeyEqual, Allocator>, Key,
                                           T> {
  using engine_type = Engine<Key, T, Hash, KeyEqual, Allocator>;
  friend struct concur::detail::map_access;

 public:
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using guarantees_type = typename engine_type::guarantees;

  test_map() : test_map(0) {}
  explicit test_map(size_type, const Hash& hash = Hash(), const KeyEqual& equal = KeyEqual(),
                    const Allocator& allocator = Allocator())
      : engine_(hash, equal, allocator) {}
  test_map(size_type n, const Allocator& allocator) : test_map(n, Hash(), KeyEqual(), allocator) {}
  test_map(size_type n, const Hash& hash, const Allocator& allocator)
      : test_map(n, hash, KeyEqual(), allocator) {}
  explicit test_map(const Allocator& allocator) : test_map(0, allocator) {}

  template <std::input_iterator It>
  test_map(It first, It last, size_type n = 0, const Hash& hash = Hash(),
           const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : test_map(n, hash, equal, allocator) {
    this->insert(first, last);
  }
  template <std::input_iterator It>
  test_map(It first, It last, const Allocator& allocator)
      : test_map(first, last, 0, Hash(), KeyEqual(), allocator) {}
  test_map(std::initializer_list<value_type> values, size_type n = 0, const Hash& hash = Hash(),
           const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : test_map(values.begin(), values.end(), n, hash, equal, allocator) {}
  test_map(std::initializer_list<value_type> values, const Allocator& allocator)
      : test_map(values, 0, Hash(), KeyEqual(), allocator) {}

  test_map(const test_map& other)
      : test_map(other, std::allocator_traits<Allocator>::select_on_container_copy_construction(
                            other.get_allocator())) {}
  test_map(const test_map& other, const Allocator& allocator)
      : test_map(0, other.hash_function(), other.key_eq(), allocator) {
    other.cvisit_all([&](const auto& element) { this->insert(element); });
  }
  test_map(test_map&& other)
      : test_map(0, other.hash_function(), other.key_eq(), other.get_allocator()) {
    engine_.steal(other.engine_);
  }
  test_map(test_map&& other, const Allocator& allocator)
      : test_map(0, other.hash_function(), other.key_eq(), allocator) {
    if (!engine_.steal(other.engine_)) this->merge(other);
  }
  test_map& operator=(const test_map& other) {
    if (this != &other) {
      test_map copy(other, get_allocator());
      swap(copy);
    }
    return *this;
  }
  test_map& operator=(test_map&& other) {
    if (this != &other) {
      test_map moved(std::move(other), get_allocator());
      swap(moved);
    }
    return *this;
  }
  test_map& operator=(std::initializer_list<value_type> values) {
    test_map made(values, get_allocator());
    swap(made);
    return *this;
  }
  ~test_map() = default;

  void swap(test_map& other) { engine_.swap(other.engine_); }
  hasher hash_function() const { return engine_.hash_function(); }
  key_equal key_eq() const { return engine_.key_eq(); }
  allocator_type get_allocator() const noexcept { return engine_.allocator(); }
  test_map_stats stats() const { return {this->size()}; }

 private:
  engine_type& engine() noexcept { return engine_; }
  const engine_type& engine() const noexcept { return engine_; }

  engine_type engine_;
};

}  // namespace concur_test
