// SPDX-License-Identifier: MIT
/// \file
/// Two shared objects that share one map, a seqmap, a cmap and a hamt: one makes it, the other
/// writes to it while the first one reads, and the program has a copy of the library of its own.
#include "object.hpp"

#include <atomic>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstdio>
#include <thread>

namespace {

int failed = 0;

void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "not so: %s\n", what);
  ++failed;
}

/// An empty map of one object is empty for the other, and dies there.
void empty_maps(const object_functions& maker, const object_functions& user) {
  std::uint64_t hits = 0;
  shared_map* const unused = maker.create();
  check(user.read(*unused, 0, 10, hits) && hits == 0, "a foreign empty map reads as empty");
  unused->clear();
  check(unused->size() == 0 && unused->capacity() == 0, "it has no memory");
  user.destroy(unused);

  shared_map* const used = maker.create();
  check(user.write(*used, 0, 10), "a foreign empty map is written to");
  check(maker.read(*used, 0, 10, hits) && hits == 10, "and the maker finds it");
  user.destroy(used);
}

void one_writes_one_reads(const object_functions& maker, const object_functions& writer) {
  constexpr std::uint64_t count = 6'000;
  shared_map* const map = maker.create();
  std::atomic<bool> is_over{false};
  bool is_whole = true;
  bool is_same = true;
  std::thread reader([&] {
    std::uint64_t hits = 0;
    is_same = maker.thread_slot() == writer.thread_slot();
    do {
      is_whole = is_whole && maker.read(*map, 0, 2 * count, hits);
    } while (!is_over.load());
  });
  std::thread second([&] {
    if (!maker.write(*map, count, count)) check(false, "the maker writes");
  });
  check(writer.write(*map, 0, count), "the other one writes");
  second.join();
  is_over = true;
  reader.join();
  check(is_whole, "what is read is whole");
  check(is_same, "a thread has one slot in both");
  check(map->size() == 2 * count, "both counted right");

  struct argument {
    const object_functions& other;
    shared_map& map;
    bool is_refused;
  } in{maker, *map, false};
  writer.in_callback(
      *map,
      [](void* p) {
        auto& a = *static_cast<argument*>(p);
        // A write that is not refused would wait for this thread, for ever.
        a.is_refused = a.other.write_is_refused(a.map);
      },
      &in);
  check(in.is_refused, "a write from inside a callback of the other is refused");
  maker.destroy(map);
}

/// A cmap or hamt that one object made: the other writes, and frees nothing that the first one
/// reads.
template <class Map>
void trie_of_both(const trie_functions<Map>& maker, const trie_functions<Map>& writer) {
  constexpr std::uint64_t count = 3'000;
  std::uint64_t hits = 0;
  Map* const unused = maker.create();
  check(writer.read(*unused, 0, 10, hits) && hits == 0, "a foreign empty trie is empty");
  writer.destroy(unused);

  Map* const map = maker.create();
  std::atomic<bool> is_over{false};
  bool is_whole = true;
  std::thread reader([&] {
    std::uint64_t ignored = 0;
    do {
      is_whole = is_whole && maker.read(*map, 0, 2 * count, ignored);
    } while (!is_over.load());
  });
  std::thread second([&] {
    if (!maker.write(*map, count, count)) check(false, "the maker writes to the trie");
  });
  check(writer.write(*map, 0, count), "the other one writes to the trie");
  second.join();
  is_over = true;
  reader.join();
  check(is_whole, "what is read of the trie is whole");
  check(map->size() == 2 * count, "both counted right in the trie");

  struct argument {
    const trie_functions<Map>& other;
    Map& map;
    bool is_written;
  } in{writer, *map, false};
  const auto overwrite = [](void* p) {
    auto& a = *static_cast<argument*>(p);
    a.map.erase(0);
    a.map.clear();
    a.is_written = a.other.write(a.map, 10 * count, count);
  };
  check(maker.in_visit(*map, overwrite, &in), "what is being read stays");
  check(in.is_written, "and the other one writes meanwhile");
  writer.destroy(map);
}

/// One takes a snapshot of the other's hamt, the other reads it while it writes on, and the
/// snapshot outlives the map.
void snapshot_of_both(const object_functions& maker, const object_functions& taker) {
  constexpr std::uint64_t count = 2'000;
  shared_hamt* const map = maker.hamt.create();
  check(maker.hamt.write(*map, 0, count), "the maker writes to the hamt");
  shared_snapshot snapshot = taker.take_snapshot(*map);
  bool is_whole = false;
  std::thread reader([&] { is_whole = maker.read_snapshot(snapshot, 0, count); });
  map->clear();
  check(taker.hamt.write(*map, 0, 2 * count), "the taker writes after its snapshot");
  reader.join();
  check(is_whole, "the maker reads what the taker has taken");
  maker.hamt.destroy(map);
  check(taker.read_snapshot(snapshot, 0, count), "a snapshot outlives the map");
  maker.drop_snapshot(snapshot);
}

}  // namespace

int main() {
  const object_functions one = concur_object_one();
  const object_functions two = concur_object_two();
  const void* const mine = &concur::detail::thread_slots::mine();
  check(one.thread_slot() == mine && two.thread_slot() == mine, "one slot for this thread");
  if (failed != 0) return 1;  // the rest could hang
  empty_maps(one, two);
  empty_maps(two, one);
  one_writes_one_reads(one, two);
  one_writes_one_reads(two, one);
  trie_of_both(one.cmap, two.cmap);
  trie_of_both(two.cmap, one.cmap);
  trie_of_both(one.hamt, two.hamt);
  trie_of_both(two.hamt, one.hamt);
  snapshot_of_both(one, two);
  snapshot_of_both(two, one);
  return failed == 0 ? 0 : 1;
}
