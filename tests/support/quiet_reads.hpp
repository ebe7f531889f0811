// SPDX-License-Identifier: MIT
/// \file
/// Reads write nothing that is shared: a map and all its nodes lie in pages that may not be written
/// to, while several threads read everything in it and what is not in it.
#pragma once

#include "support/catch.hpp"
#include "support/scattered.hpp"
#include "support/sealed_pages.hpp"
#include "support/threads.hpp"

#if defined(CONCUR_TEST_HAS_SEALED_PAGES)

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace concur_test {

template <class T>
T value_for(number n) {
  if constexpr (std::is_same_v<T, std::string>) {
    return std::to_string(n);
  } else {
    return T{n};
  }
}

/// Looks for 2n keys, of which the first n are there, in every way; returns how many answers were
/// wrong.
template <class Map>
std::size_t wrong_answers(const Map& map, number n) {
  using T = typename Map::mapped_type;
  std::size_t wrong = 0;
  std::vector<number> keys;
  for (number i = 0; i < 2 * n; ++i) {
    const number k = scattered(i);
    const bool is_there = i < n;
    keys.push_back(k);
    wrong += map.contains(k) == is_there ? 0U : 1U;
    wrong += map.count(k) == (is_there ? 1U : 0U) ? 0U : 1U;
    std::size_t equal = 0;
    const auto compare = [&](const auto& e) { equal += e.second == value_for<T>(i) ? 1U : 0U; };
    wrong += map.cvisit(k, compare) + map.visit(k, compare) == equal ? 0U : 1U;
    if (is_there) {
      wrong += equal == 2 && map.find(k) == value_for<T>(i) ? 0U : 1U;
    } else {
      wrong += equal == 0 && !map.find(k) && map.find_or(k, value_for<T>(7)) == value_for<T>(7)
                   ? 0U
                   : 1U;
    }
  }
  std::vector<std::optional<T>> found;
  map.find_each(keys, std::back_inserter(found));
  for (std::size_t i = 0; i < found.size(); ++i) wrong += found[i].has_value() != (i < n) ? 1U : 0U;
  std::size_t shown = 0;
  map.visit(keys.begin(), keys.end(), [&](const auto&) { ++shown; });
  return wrong + (shown == n ? 0U : 1U) + (map.size() == n && map.empty() == (n == 0) ? 0U : 1U);
}

template <class Map>
using sealed_map = std::shared_ptr<Map>;

/// The map object lies in the pages, too.
template <class Map, class Hash = typename Map::hasher>
sealed_map<Map> make_sealed(sealed_pages& pages, Hash hash = Hash()) {
  return std::allocate_shared<Map>(sealed_allocator<Map>(pages), std::size_t{0}, hash,
                                   typename Map::key_equal(), typename Map::allocator_type(pages));
}

/// `read()` returns how often it found something wrong; the threads are new ones and the caller's.
template <class Read>
void require_nothing_written(sealed_pages& pages, Read read) {
  failures found;
  std::size_t wrong = 0;
  pages.seal(sealed_pages::may::read);
  on_threads(2, found, [&](int) { MT_CHECK(found, read() == 0); });
  wrong += read();
  const std::size_t written = pages.unseal();
  found.require();
  REQUIRE(wrong == 0);
  REQUIRE(written == 0);
}

}  // namespace concur_test

#endif
