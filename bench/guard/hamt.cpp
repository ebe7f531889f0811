// SPDX-License-Identifier: MIT
#include "wide_key.hpp"

#include <concur/hamt.hpp>

namespace {

template <class Key, class Hash>
using map = concur::hamt<Key, std::uint64_t, Hash, std::equal_to<>,
                         concur_guard::arena_allocator<std::pair<const Key, std::uint64_t>>>;

}  // namespace

void concur_guard::count_hamt() {
  map<std::uint64_t, concur::hash<std::uint64_t>> words(0, concur::hash<std::uint64_t>(seed));
  count_map("hamt/u64", words, word_key);
  for (std::uint64_t i = 0; i != elements; ++i) words.try_emplace(word_key(i), i);
  const auto snapshot = words.snapshot();
  count("hamt/u64/find in a snapshot", elements,
        [&](std::uint64_t i) { keep(snapshot.find(word_key(scattered(i)))); });
  count("hamt/u64/overwrite beside a snapshot", elements,
        [&](std::uint64_t i) { words.insert_or_assign(word_key(scattered(i)), i); });

  map<concur::key32, concur::digest_hash> wide(0, concur::digest_hash(seed));
  count_map("hamt/k32", wide, wide_key);
}
