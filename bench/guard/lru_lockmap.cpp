// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <concur/lru_lockmap.hpp>

void concur_guard::count_lru_lockmap() {
  using map = concur::lru_lockmap<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>,
                                  std::equal_to<>,
                                  arena_allocator<std::pair<const std::uint64_t, std::uint64_t>>>;
  map m(elements, concur::hash<std::uint64_t>(seed));
  for (std::uint64_t i = 0; i != elements; ++i) m.try_emplace(word_key(i), i);
  count("lru_lockmap/u64/find hit", elements,
        [&](std::uint64_t i) { keep(m.find(word_key(scattered(i)))); });
  // Puts those that were hit where they belong, one for each insertion.
  count("lru_lockmap/u64/insert evicting after hits", elements,
        [&](std::uint64_t i) { m.try_emplace(word_key(elements + i), i); });
  count("lru_lockmap/u64/insert evicting", elements,
        [&](std::uint64_t i) { m.try_emplace(word_key(2 * elements + i), i); });
  expect(m.size() <= elements, "lru_lockmap/u64");
}
