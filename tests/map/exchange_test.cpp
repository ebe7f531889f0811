// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>
#include <concur/fixed_map.hpp>
#include <concur/hamt.hpp>
#include <concur/lockmap.hpp>
#include <concur/seq_array.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "support/catch.hpp"

namespace {

/// Goes along when a map is moved, and only then: it can be assigned in no other way.
template <class T>
struct moving_allocator {
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;

  int number;

  explicit moving_allocator(int n) : number(n) {}
  moving_allocator(const moving_allocator&) = default;
  moving_allocator(moving_allocator&&) = default;
  template <class U>
  moving_allocator(const moving_allocator<U>& other) : number(other.number) {}
  moving_allocator& operator=(const moving_allocator&) = delete;
  moving_allocator& operator=(moving_allocator&&) = default;
  ~moving_allocator() = default;

  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* memory, std::size_t n) noexcept { std::allocator<T>().deallocate(memory, n); }
  friend bool operator==(const moving_allocator& a, const moving_allocator& b) {
    return a.number == b.number;
  }
};

using allocator = moving_allocator<std::pair<const std::uint64_t, std::uint64_t>>;
template <template <class...> class Map>
using map_of =
    Map<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>, std::equal_to<>, allocator>;

}  // namespace

TEMPLATE_TEST_CASE("an allocator that can only be moved goes along with a map that is moved",
                   "[map]", map_of<concur::cmap>, map_of<concur::hamt>, map_of<concur::seqmap>,
                   map_of<concur::lockmap>) {
  TestType to(16, allocator(1));
  TestType from(16, allocator(2));
  to.insert({1, 1});
  from.insert({2, 2});
  to = std::move(from);
  REQUIRE(to.get_allocator().number == 2);
  REQUIRE(to.size() == 1);
  REQUIRE(to.find(2) == 2U);
}

TEST_CASE("an allocator that can only be moved goes along with a fixed_map and a seq_array",
          "[map]") {
  using key = concur::key32;
  using fixed = concur::fixed_map<std::uint64_t, concur::digest_hash,
                                  moving_allocator<std::pair<const key, std::uint64_t>>>;
  fixed to(16, fixed::allocator_type(1));
  fixed from(16, fixed::allocator_type(2));
  REQUIRE(from.emplace(key{}, 2U).inserted());
  to = std::move(from);
  REQUIRE(to.get_allocator().number == 2);
  REQUIRE(to.find(key{}) == 2U);

  using array = concur::seq_array<std::uint64_t, moving_allocator<std::uint64_t>>;
  array left(array::allocator_type(1));
  array right(array::allocator_type(2));
  right.push_back(7);
  left = std::move(right);
  REQUIRE(left.get_allocator().number == 2);
  REQUIRE(left.size() == 1);
}
