// SPDX-License-Identifier: MIT
/// \file
/// Every map used by four threads, without a test framework: for compilers, processors and systems
/// that the suite is not built for. Ends with 0 if everything adds up.
#include <array>
#include <atomic>
#include <chrono>
#include <concur/concur.hpp>
#include <concur/lockmap_async.hpp>
#include <concur/lockmap_stop.hpp>
#include <concur/parallel.hpp>
#include <concur/pmr.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <vector>
#include <version>

namespace {

constexpr int thread_count = 4;
constexpr int rounds = 4000;
constexpr int total = thread_count * rounds;

struct wide {
  std::int64_t a, b, c;
};

std::atomic<int> failed{0};

void expect(bool right, const char* what) {
  if (right) return;
  std::printf("WRONG: %s\n", what);
  failed = 1;
}

template <class F>
void on_threads(F f) {
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) threads.emplace_back(f, t);
  for (std::thread& t : threads) t.join();
}

/// Increments of few keys, and insertions and erasures of many: it grows and shrinks beside that.
template <class Map, class MakeKey>
void count_in(Map& map, MakeKey key, const char* what) {
  on_threads([&](int t) {
    for (int i = 0; i < rounds; ++i) {
      map.upsert(
          key(i % 10), [](int& n) { ++n; }, 1);
      const int own = 1000 + t * rounds + i;
      map.insert_or_assign(key(own), -own);
      if (i % 4 != 0) map.erase(key(own));
    }
  });
  int sum = 0;
  map.cvisit_all([&](const auto& e) { sum += e.second > 0 ? e.second : 0; });
  expect(sum == total && map.find_or(key(3), 0) == total / 10, what);
  expect(map.size() == 10 + total / 4, what);
  expect(map.erase_if([](const auto& e) { return e.second == total / 10; }) == 10, what);
}

int same(int i) {
  return i;
}
std::string text(int i) {
  return "the key of the number " + std::to_string(i);
}

void torn_reads() {
  concur::seqmap<int, wide> map{{1, wide{1, 2, 3}}};
  concur::seq_array<wide> array(1, wide{1, 2, 3});
  std::vector<int> torn(thread_count, 0);
  on_threads([&](int t) {
    for (int i = 0; i < rounds; ++i) {
      if (t == 0) {
        map.insert_or_assign(1, wide{i, 2 * i, 3 * i});
        array.store(0, wide{i, 2 * i, 3 * i});
      } else {
        const wide m = *map.find(1);
        const wide a = array.load(0);
        torn[static_cast<std::size_t>(t)] += m.b != 2 * m.a || m.c != 3 * m.a || a.b != 2 * a.a;
      }
    }
  });
  for (const int n : torn) expect(n == 0, "a value is read whole");
}

void snapshots() {
  concur::hamt<int, int> map{{0, 0}, {1, 0}};
  on_threads([&](int t) {
    for (int i = 1; i <= rounds; ++i) {
      if (t == 0) {
        map.insert_or_assign(0, i);
        map.insert_or_assign(1, i);
      } else {
        const auto s = map.snapshot();
        const int first = *s.find(0);
        const int second = *s.find(1);
        expect(first == second || first == second + 1, "a snapshot is of one moment");
      }
    }
  });
}

void locks() {
  concur::lockmap<int, long> accounts{{1, total}, {2, total}};
  on_threads([&](int t) {
    for (int i = 0; i < rounds; ++i) {
      auto both = accounts.lock_all({1, 2});
      *both[t % 2 + 1] -= 1;
      *both[2 - t % 2] += 1;
    }
  });
  expect(*accounts.find(1) + *accounts.find(2) == 2 * total,
         "what is moved under two locks is not lost");
}

/// Who waits for a key until a moment, until it is there, and until it is told to stop.
void waiting() {
  using namespace std::chrono_literals;
  concur::lockmap<int, int> map{{1, 0}};
  auto held = map.lock(1);
  std::thread([&] { expect(!map.try_lock_for(1, 20ms), "a time limit ends"); }).join();
#if defined(__cpp_lib_jthread)
  std::stop_source source;
  std::thread stopped(
      [&] { expect(!map.lock(1, source.get_token()), "who is told to stop does not wait on"); });
  std::this_thread::sleep_for(10ms);
  source.request_stop();
  stopped.join();
#endif
  std::thread patient([&] { *map.lock(1) += 1; });
  std::this_thread::sleep_for(10ms);
  held.unlock();
  patient.join();
  expect(*map.find(1) == 1, "who waits is woken");
}

void times() {
  using namespace std::chrono_literals;
  concur::lru_lockmap<int, int> cache({.capacity = 100, .time_to_live = 1h});
  cache.insert_or_assign(1, 1);
  cache.insert_or_assign(2, 2);
  cache.set_expiry(1, 10ms);
  std::this_thread::sleep_for(20ms);
  expect(!cache.find(1) && cache.find(2), "what has expired is gone, and only that");
}

#if !defined(_WIN32)
void shared_tables() {
  using table = concur::shared_fixed_map<int>;
  alignas(128) static std::array<std::byte, 1 << 16> memory;
  const std::span<std::byte> region(memory);
  expect(table::bytes_for(128) <= region.size(), "room for the table");
  table counted = table::format(region, 128);
  on_threads([&](int) {
    table map = table::attach(region);
    for (int i = 0; i < rounds; ++i) {
      concur::key32 key{};
      key[0] = static_cast<std::byte>(i % 50);
      map.upsert(
          key, [](int& n) { ++n; }, 1);
    }
  });
  expect(counted.size() == 50 && counted.find_or(concur::key32{}, 0) == total / 50,
         "what all that are attached have counted");
}
#endif

void digests() {
  concur::fixed_map<int> map(1024);
  on_threads([&](int) {
    for (int i = 0; i < rounds; ++i) {
      concur::key32 key{};
      key[0] = static_cast<std::byte>(i % 200);
      map.upsert(
          key, [](int& n) { ++n; }, 1);
    }
  });
  expect(map.size() == 200, "each digest once");
  expect(map.find_or(concur::key32{}, 0) == total / 200, "and none lost");
}

}  // namespace

int main() {
  concur::cmap<int, int> cmap;
  count_in(cmap, same, "cmap");
  concur::cmap<std::string, int> strings;
  count_in(strings, text, "cmap of strings");
  concur::seqmap<int, int> seqmap;
  count_in(seqmap, same, "seqmap");
  concur::hamt<int, int> hamt;
  count_in(hamt, same, "hamt");
  concur::lockmap<int, int> lockmap;
  count_in(lockmap, same, "lockmap");
  concur::lru_lockmap<int, int> cache;
  count_in(cache, same, "lru_lockmap");
  torn_reads();
  snapshots();
  locks();
  digests();
  waiting();
  times();
#if !defined(_WIN32)
  shared_tables();
#endif
  std::printf(
      "%s, %s\n", failed == 0 ? "right" : "WRONG",
      concur::detail::asymmetric_fence::prepare() ? "asymmetric fences" : "symmetric fences");
  return failed;
}
