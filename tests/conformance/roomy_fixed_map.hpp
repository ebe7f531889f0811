// SPDX-License-Identifier: MIT
/// \file
/// A fixed map for tests of the vocabulary: keys of any size, and room for all that they insert,
/// whatever the constructor is told.
#pragma once

#include <concur/fixed_map.hpp>
#include <concur/policy/hash.hpp>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

namespace concur_test {

inline constexpr std::size_t roomy = 32768;

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class roomy_fixed_map : public concur::detail::basic_fixed_map<Key, T, Hash, KeyEqual, Allocator> {
  using base = concur::detail::basic_fixed_map<Key, T, Hash, KeyEqual, Allocator>;

  static Hash some_hash() { return concur::detail::make_default_hasher<Hash>(); }

 public:
  using value_type = std::pair<const Key, T>;

  roomy_fixed_map() : base(roomy) {}
  explicit roomy_fixed_map(std::size_t) : base(roomy) {}
  roomy_fixed_map(std::size_t, const Hash& hash, const KeyEqual& = KeyEqual(),
                  const Allocator& allocator = Allocator())
      : base(roomy, hash, allocator) {}
  roomy_fixed_map(std::size_t, const Allocator& allocator) : base(roomy, allocator) {}
  roomy_fixed_map(std::size_t, const Hash& hash, const Allocator& allocator)
      : base(roomy, hash, allocator) {}
  explicit roomy_fixed_map(const Allocator& allocator) : base(roomy, allocator) {}

  template <std::input_iterator It>
  roomy_fixed_map(It first, It last, std::size_t = 0, const Hash& hash = some_hash(),
                  const KeyEqual& = KeyEqual(), const Allocator& allocator = Allocator())
      : base(first, last, roomy, hash, allocator) {}
  template <std::input_iterator It>
  roomy_fixed_map(It first, It last, const Allocator& allocator)
      : base(first, last, roomy, some_hash(), allocator) {}
  roomy_fixed_map(std::initializer_list<value_type> values, std::size_t = 0,
                  const Hash& hash = some_hash(), const KeyEqual& = KeyEqual(),
                  const Allocator& allocator = Allocator())
      : base(values, roomy, hash, allocator) {}
  roomy_fixed_map(std::initializer_list<value_type> values, const Allocator& allocator)
      : base(values, roomy, some_hash(), allocator) {}

  roomy_fixed_map(const roomy_fixed_map&) = default;
  roomy_fixed_map(const roomy_fixed_map& other, const Allocator& allocator)
      : base(other, allocator) {}
  roomy_fixed_map(roomy_fixed_map&& other)
      : base(roomy, other.hash_function(), other.get_allocator()) {
    this->swap(other);
  }
  roomy_fixed_map(roomy_fixed_map&& other, const Allocator& allocator)
      : base(std::move(other), allocator) {}
  roomy_fixed_map& operator=(const roomy_fixed_map&) = default;
  roomy_fixed_map& operator=(roomy_fixed_map&&) = default;
  roomy_fixed_map& operator=(std::initializer_list<value_type> values) {
    roomy_fixed_map made(values, 0, this->hash_function(), KeyEqual(), this->get_allocator());
    this->swap(made);
    return *this;
  }
  ~roomy_fixed_map() = default;
};

}  // namespace concur_test
