// SPDX-License-Identifier: MIT
#include "wide_key.hpp"

#include <concur/seqmap.hpp>

namespace {

template <class Key, class Hash>
using map = concur::seqmap<Key, std::uint64_t, Hash, std::equal_to<>,
                           concur_guard::arena_allocator<std::pair<const Key, std::uint64_t>>>;

}  // namespace

void concur_guard::count_seqmap() {
  map<std::uint64_t, concur::hash<std::uint64_t>> words(0, concur::hash<std::uint64_t>(seed));
  count_map("seqmap/u64", words, word_key);
  for (std::uint64_t i = 0; i != elements; ++i) words.try_emplace(word_key(i), i);
  count("seqmap/u64/fetch_add", elements,
        [&](std::uint64_t i) { keep(words.fetch_add(word_key(scattered(i)), 1)); });

  map<concur::key32, concur::digest_hash> wide(0, concur::digest_hash(seed));
  count_map("seqmap/k32", wide, wide_key);
}
