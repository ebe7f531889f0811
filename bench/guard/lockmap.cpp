// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <concur/lockmap.hpp>

void concur_guard::count_lockmap() {
  using map =
      concur::lockmap<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>, std::equal_to<>,
                      arena_allocator<std::pair<const std::uint64_t, std::uint64_t>>>;
  map m(0, concur::hash<std::uint64_t>(seed));
  count_map("lockmap/u64", m, word_key);
  for (std::uint64_t i = 0; i != elements; ++i) m.try_emplace(word_key(i), i);
  count("lockmap/u64/lock present", elements, [&](std::uint64_t i) {
    const auto entry = m.lock(word_key(scattered(i)));
    keep(entry);
  });
  count("lockmap/u64/lock absent", elements, [&](std::uint64_t i) {
    const auto entry = m.lock(word_key(elements + scattered(i)));
    keep(entry);
  });
}
