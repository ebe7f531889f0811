// SPDX-License-Identifier: MIT
/// \file
/// A cache for tests of the vocabulary, where the number of the constructors is a capacity: it is
/// as large as a test may want, whatever the constructor is told; or unbounded.
#pragma once

#include <concur/lru_lockmap.hpp>
#include <concur/policy/hash.hpp>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

namespace concur_test {

template <std::size_t Capacity, class Policy, class Key, class T, class Hash = concur::hash<Key>,
          class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class roomy_lru_lockmap : public concur::lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy> {
  using base = concur::lru_lockmap<Key, T, Hash, KeyEqual, Allocator, Policy>;

 public:
  using value_type = std::pair<const Key, T>;

  roomy_lru_lockmap() : base(Capacity) {}
  explicit roomy_lru_lockmap(std::size_t) : base(Capacity) {}
  roomy_lru_lockmap(std::size_t, const Hash& hash, const KeyEqual& equal = KeyEqual(),
                    const Allocator& allocator = Allocator())
      : base(Capacity, hash, equal, allocator) {}
  roomy_lru_lockmap(std::size_t, const Allocator& allocator) : base(Capacity, allocator) {}
  roomy_lru_lockmap(std::size_t, const Hash& hash, const Allocator& allocator)
      : base(Capacity, hash, allocator) {}
  explicit roomy_lru_lockmap(const Allocator& allocator) : base(Capacity, allocator) {}

  template <std::input_iterator It>
  roomy_lru_lockmap(It first, It last, std::size_t = 0) : base(first, last, Capacity) {}
  template <std::input_iterator It>
  roomy_lru_lockmap(It first, It last, std::size_t, const Hash& hash,
                    const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : base(first, last, Capacity, hash, equal, allocator) {}
  template <std::input_iterator It>
  roomy_lru_lockmap(It first, It last, const Allocator& allocator)
      : base(first, last, Capacity, allocator) {}
  template <std::input_iterator It>
  roomy_lru_lockmap(It first, It last, std::size_t, const Allocator& allocator)
      : base(first, last, Capacity, allocator) {}
  template <std::input_iterator It>
  roomy_lru_lockmap(It first, It last, std::size_t, const Hash& hash, const Allocator& allocator)
      : base(first, last, Capacity, hash, allocator) {}

  roomy_lru_lockmap(std::initializer_list<value_type> values, std::size_t = 0)
      : base(values, Capacity) {}
  roomy_lru_lockmap(std::initializer_list<value_type> values, std::size_t, const Hash& hash,
                    const KeyEqual& equal = KeyEqual(), const Allocator& allocator = Allocator())
      : base(values, Capacity, hash, equal, allocator) {}
  roomy_lru_lockmap(std::initializer_list<value_type> values, const Allocator& allocator)
      : base(values, Capacity, allocator) {}
  roomy_lru_lockmap(std::initializer_list<value_type> values, std::size_t,
                    const Allocator& allocator)
      : base(values, Capacity, allocator) {}
  roomy_lru_lockmap(std::initializer_list<value_type> values, std::size_t, const Hash& hash,
                    const Allocator& allocator)
      : base(values, Capacity, hash, allocator) {}

  roomy_lru_lockmap(const roomy_lru_lockmap&) = default;
  roomy_lru_lockmap(const roomy_lru_lockmap& other, const Allocator& allocator)
      : base(other, allocator) {}
  roomy_lru_lockmap(roomy_lru_lockmap&&) = default;
  roomy_lru_lockmap(roomy_lru_lockmap&& other, const Allocator& allocator)
      : base(std::move(other), allocator) {}
  roomy_lru_lockmap& operator=(const roomy_lru_lockmap&) = default;
  roomy_lru_lockmap& operator=(roomy_lru_lockmap&&) = default;
  roomy_lru_lockmap& operator=(std::initializer_list<value_type> values) {
    base::operator=(values);
    return *this;
  }
  ~roomy_lru_lockmap() = default;
};

}  // namespace concur_test
