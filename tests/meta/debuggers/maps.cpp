// SPDX-License-Identifier: MIT
/// \file
/// Every map with contents that debuggers.sh knows, at one place where a debugger stops.
#include <concur/concur.hpp>
#include <cstdint>
#include <cstdio>
#include <new>
#include <span>
#include <string>

namespace {

struct alignas(16) wide {
  std::int64_t a, b, c;
};

struct constant_hash {
  std::uint64_t operator()(int) const { return 7; }
};

template <class Map>
void fill(Map& map, int n) {
  for (int i = 0; i < n; ++i) map.insert_or_assign(i, i * i);
}

[[gnu::noinline]] void stop_here(int n) {
  std::printf("%d\n", n);
}

alignas(64) std::byte region[1 << 16];

}  // namespace

int main() {
  concur::cmap<int, int> cmap_none;
  concur::cmap<int, int> cmap_small{{1, 10}, {2, 20}};
  concur::cmap<std::string, std::string> cmap_strings{{"one", "1"}, {"two", "2"}, {"three", "3"}};
  concur::cmap<int, wide> cmap_wide{{1, wide{2, 3, 4}}};
  concur::cmap<int, int> cmap_large;
  fill(cmap_large, 20000);
  concur::cmap<int, int, constant_hash> cmap_list(0, constant_hash());
  fill(cmap_list, 20);

  concur::seqmap<int, int> seqmap_none;
  concur::seqmap<int, int> seqmap_small{{1, 10}, {2, 20}};
  concur::seqmap<int, wide> seqmap_wide{{1, wide{2, 3, 4}}};
  concur::seqmap<int, int> seqmap_large;
  fill(seqmap_large, 20000);
  concur::seqmap<int, int, constant_hash> seqmap_crowded(0, constant_hash());
  fill(seqmap_crowded, 2000);

  concur::seq_array<int> array_small(3, 7);
  concur::seq_array<wide> array_wide;
  array_wide.push_back(wide{2, 3, 4});
  concur::seq_array<int> array_large;
  for (int i = 0; i < 30000; ++i) array_large.push_back(i);

  concur::fixed_map<int> fixed_small(8);
  concur::key32 key{};
  key[0] = std::byte{5};
  fixed_small.insert(key, 50);
  concur::fixed_map<std::string> fixed_strings(512);
  fixed_strings.insert(key, "fifty");
  concur::shared_fixed_map<int>::format(region, 16);
  concur::shared_fixed_map<int> shared = concur::shared_fixed_map<int>::attach(region);
  shared.insert(key, 51);
  shared.insert_or_assign(key, 52);

  concur::lockmap<int, int> lockmap_none;
  concur::lockmap<std::string, int> lockmap_small{{"one", 1}, {"two", 2}};
  auto held = lockmap_small.lock("absent");
  concur::lockmap<int, wide> lockmap_wide{{1, wide{2, 3, 4}}};
  concur::lockmap<int, int> lockmap_large;
  fill(lockmap_large, 5000);

  concur::lru_lockmap<int, int> lru_none(10);
  concur::lru_lockmap<std::string, int> lru_small(10);
  lru_small.insert_or_assign("one", 1);
  lru_small.insert_or_assign("two", 2);

  concur::hamt<int, int> hamt_none;
  concur::hamt<int, int> hamt_small{{1, 10}, {2, 20}};
  auto hamt_before = hamt_small.snapshot();
  hamt_small.insert_or_assign(3, 30);
  concur::hamt<std::string, std::string> hamt_strings{{"one", "1"}, {"two", "2"}};
  concur::hamt<int, int> hamt_large;
  fill(hamt_large, 5000);
  concur::hamt<int, std::string, constant_hash> hamt_collision(0, constant_hash());
  hamt_collision.insert({1, "a"});
  hamt_collision.insert({2, "b"});

  stop_here(held ? 1 : 0);
  return 0;
}
