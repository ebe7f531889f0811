// SPDX-License-Identifier: MIT
/// \file
/// A shared fixed map for tests of the vocabulary: in pages of its own, with keys of any size, with
/// room for all that they insert, and with the constructors of the other maps, copies among them.
#pragma once

#include "conformance/roomy_fixed_map.hpp"
#include "support/shared_pages.hpp"

#include <concur/fixed_map.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

namespace concur_test {

/// Any hasher, as one that is made from a seed.
template <class Hash>
struct from_seed : Hash {
  from_seed() = default;
  explicit from_seed(std::uint64_t) {}
  explicit from_seed(const Hash&) {}
  static std::uint64_t seed() noexcept { return 0; }
};
template <concur::detail::seedable_hasher Hash>
struct from_seed<Hash> : Hash {
  using Hash::Hash;
  explicit from_seed(const Hash& hash) : Hash(hash) {}
};

template <class Key, class T, class Hash, class KeyEqual>
using shared_map_of =
    concur::detail::basic_shared_fixed_map<Key, T, from_seed<Hash>, KeyEqual,
                                           concur::detail::fixed_map::system_processes>;

struct owned_pages {
  explicit owned_pages(std::size_t bytes) : pages(std::make_unique<shared_pages>(bytes)) {}
  std::unique_ptr<shared_pages> pages;
};

template <class Key, class T, class Hash = concur::hash<Key>, class KeyEqual = std::equal_to<>,
          class Allocator = std::allocator<std::pair<const Key, T>>>
class roomy_shared_fixed_map : private owned_pages, public shared_map_of<Key, T, Hash, KeyEqual> {
  using base = shared_map_of<Key, T, Hash, KeyEqual>;
  using seeded = from_seed<Hash>;

  static seeded some_hash() { return concur::detail::make_default_hasher<seeded>(); }

 public:
  using value_type = std::pair<const Key, T>;

  roomy_shared_fixed_map() : roomy_shared_fixed_map(0, some_hash()) {}
  explicit roomy_shared_fixed_map(std::size_t) : roomy_shared_fixed_map() {}
  roomy_shared_fixed_map(std::size_t, const seeded& hash, const KeyEqual& = KeyEqual(),
                         const Allocator& = Allocator())
      : owned_pages(base::bytes_for(roomy)),
        base(base::format(this->pages->span(), roomy, hash.seed())) {}
  explicit roomy_shared_fixed_map(const Allocator&) : roomy_shared_fixed_map() {}

  template <std::input_iterator It>
  roomy_shared_fixed_map(It first, It last, std::size_t = 0, const seeded& hash = some_hash(),
                         const KeyEqual& = KeyEqual(), const Allocator& = Allocator())
      : roomy_shared_fixed_map(0, hash) {
    this->insert(first, last);
  }
  roomy_shared_fixed_map(std::initializer_list<value_type> values, std::size_t = 0,
                         const seeded& hash = some_hash(), const KeyEqual& = KeyEqual(),
                         const Allocator& = Allocator())
      : roomy_shared_fixed_map(values.begin(), values.end(), 0, hash) {}

  roomy_shared_fixed_map(const roomy_shared_fixed_map& other)
      : roomy_shared_fixed_map(0, other.hash_function()) {
    other.cvisit_all([this](const auto& e) { this->try_emplace(e.first, e.second); });
  }
  roomy_shared_fixed_map(roomy_shared_fixed_map&& other)
      : roomy_shared_fixed_map(0, other.hash_function()) {
    swap(other);
  }
  roomy_shared_fixed_map& operator=(const roomy_shared_fixed_map& other) {
    roomy_shared_fixed_map copy(other);
    swap(copy);
    return *this;
  }
  roomy_shared_fixed_map& operator=(roomy_shared_fixed_map&& other) {
    roomy_shared_fixed_map moved(std::move(other));
    swap(moved);
    return *this;
  }
  roomy_shared_fixed_map& operator=(std::initializer_list<value_type> values) {
    roomy_shared_fixed_map made(values, 0, this->hash_function());
    swap(made);
    return *this;
  }
  ~roomy_shared_fixed_map() = default;

  void swap(roomy_shared_fixed_map& other) noexcept {
    base::swap(other);
    this->pages.swap(other.pages);
  }
};

}  // namespace concur_test
