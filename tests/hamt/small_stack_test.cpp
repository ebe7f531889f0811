// SPDX-License-Identifier: MIT
/// \file
/// Destruction does not recurse deeply, and equal hashes cost a list, not a stack: maps with long
/// lists, with deep trees and with many versions live and die on a thread that has next to no
/// stack. Who recurses by elements runs out of it, and the program ends there.
#include "support/catch.hpp"
#include "support/hamt_access.hpp"
#include "support/sanitizers.hpp"
#include "support/scattered.hpp"
#include "support/tally.hpp"
#include "support/tries.hpp"

#if defined(__unix__) || defined(__APPLE__)

#include <pthread.h>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// What the system asks for, and a few pages for what is called here; what sanitizers need more.
constexpr std::size_t own_stack = has_sanitizer ? 1024 * 1024 : 48 * 1024;

/// Runs `f` on a thread with a small stack; false if there is none to be had.
template <class F>
bool on_a_small_stack(F f) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  const auto least = static_cast<std::size_t>(PTHREAD_STACK_MIN);
  pthread_t thread;
  const bool is_started = pthread_attr_setstacksize(&attributes, least + own_stack) == 0 &&
                          pthread_create(
                              &thread, &attributes,
                              [](void* g) -> void* {
                                (*static_cast<F*>(g))();
                                return nullptr;
                              },
                              &f) == 0;
  pthread_attr_destroy(&attributes);
  return is_started && pthread_join(thread, nullptr) == 0;
}

/// So many keys in a row have one hash, and the hashes are small numbers: a tree as deep as can be,
/// with a list at each end.
template <number Equal>
struct crowded_hash {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const noexcept { return key / Equal; }
};

template <class T>
T value_for(number n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::to_string(n);
  } else {
    return n;
  }
}

/// A life of `n` elements: false where something was wrong. All of it dies at the end, the map
/// last.
template <class Map>
bool live(tally& book, number n) {
  using T = typename Map::mapped_type;
  Map map{typename Map::allocator_type(book)};
  for (number i = 0; i < n; ++i) map.try_emplace(i, value_for<T>(i));
  const auto full = map.snapshot();
  bool is_right = full.size() == n && map.size() == n;
  is_right &= map.find(n - 1) == value_for<T>(n - 1) && !map.contains(n);
  std::size_t shown = 0;
  for (const auto& element : full) shown += element.second == value_for<T>(element.first) ? 1U : 0U;
  is_right &= shown == n;
  // Versions of versions, each with a change of its own.
  std::vector<typename Map::snapshot_type> versions;
  for (number i = 0; i < 200; ++i) {
    Map fork(i == 0 ? full : versions.back());
    fork.erase(i);
    versions.push_back(fork.snapshot());
  }
  is_right &= versions.back().size() == n - 200 && full.size() == n;
  for (number i = 0; i < 200; ++i) is_right &= map.erase(n - 1 - i) == 1;
  versions.clear();
  Map other(full);
  other.clear();
  return is_right && other.empty() && map.size() == n - 200;
}

template <class Map>
void require_small_stack(number n) {
  tally book;
  bool is_right = false;
  REQUIRE(on_a_small_stack([&] { is_right = live<Map>(book, n); }));
  REQUIRE(is_right);
  REQUIRE(book.blocks == 0);
}

template <class T>
using allocator = tallying_allocator<std::pair<const number, T>>;
template <class T, number Equal>
using crowded = concur::hamt<number, T, crowded_hash<Equal>, std::equal_to<>, allocator<T>>;
template <class T, number Equal>
using deep = tiny_hamt<number, T, crowded_hash<Equal>, std::equal_to<>, allocator<T>>;

/// In one list: an insertion copies it.
constexpr number in_one_list = has_sanitizer ? 2'000 : 6'000;
constexpr number in_many_lists = has_sanitizer ? 20'000 : 300'000;

}  // namespace

TEST_CASE("hamt: one list of thousands of equal hashes lives and dies on a small stack",
          "[hamt][stack]") {
  require_small_stack<crowded<number, in_one_list>>(in_one_list);
  require_small_stack<crowded<std::string, in_one_list>>(in_one_list);
}

TEST_CASE("hamt: lists of equal hashes below deep trees live and die on a small stack",
          "[hamt][stack]") {
  require_small_stack<crowded<number, 100>>(in_many_lists);
  require_small_stack<crowded<std::string, 100>>(in_many_lists / 2);
  require_small_stack<deep<number, 50>>(in_many_lists);
  require_small_stack<deep<std::string, 50>>(in_many_lists / 2);
}

TEST_CASE("hamt: hundreds of thousands of elements live and die on a small stack",
          "[hamt][stack]") {
  require_small_stack<deep<number, 1>>(in_many_lists);
  require_small_stack<deep<std::string, 1>>(in_many_lists / 2);
}

#endif
