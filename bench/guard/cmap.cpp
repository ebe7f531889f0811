// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <concur/cmap.hpp>

void concur_guard::count_cmap() {
  using map =
      concur::cmap<std::uint64_t, std::uint64_t, concur::hash<std::uint64_t>, std::equal_to<>,
                   arena_allocator<std::pair<const std::uint64_t, std::uint64_t>>>;
  map m(0, concur::hash<std::uint64_t>(seed));
  count_map("cmap/u64", m, word_key);
  for (std::uint64_t i = 0; i != elements; ++i) m.try_emplace(word_key(i), i);
  const auto guard = m.pin();
  count("cmap/u64/find pinned", elements,
        [&](std::uint64_t i) { keep(m.find(guard, word_key(scattered(i)))); });
}
