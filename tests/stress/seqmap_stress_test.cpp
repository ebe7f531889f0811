// SPDX-License-Identifier: MIT
/// \file
/// Random operations of many threads on maps where every event is frequent: what each thread did to
/// keys of its own is checked exactly, what all did to shared keys by what must hold at every
/// moment. Values say whose they are in every byte, so that half of one, or one of another key, is
/// seen.
#include "stress/random_writes.hpp"

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/sanitizers.hpp"
#include "support/seqmap_access.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <concur/parallel.hpp>
#include <cstring>
#include <map>
#include <thread>
#include <vector>

using namespace concur_test;

namespace {

constexpr number scale = has_sanitizer ? 1 : 4;

/// `Size` bytes made from a key and a version: the first ones are the version.
template <std::size_t Size>
struct signed_value {
  unsigned char data[Size];

  static signed_value of(number key, unsigned some) noexcept {
    const auto version = static_cast<unsigned char>(some);
    signed_value v;
    v.data[0] = version;
    for (std::size_t i = 1; i < Size; ++i) {
      v.data[i] = static_cast<unsigned char>(scattered(key * 256 + version) >> (i % 8 * 8));
    }
    return v;
  }
  bool is_of(number key) const noexcept {
    const signed_value expected = of(key, data[0]);
    return std::memcmp(data, expected.data, Size) == 0;
  }
  friend bool operator==(const signed_value& a, const signed_value& b) noexcept {
    return std::memcmp(a.data, b.data, Size) == 0;
  }
};

/// Two threads write, two read; keys come and go, tables too.
template <std::size_t Size, class Hash = concur::hash<number>, class KeyEqual = std::equal_to<>>
void no_value_is_torn() {
  using value = signed_value<Size>;
  tiny_map<number, value, Hash, KeyEqual> map;
  const seed s;
  INFO("seed " << s.value() << ", size " << Size);
  failures found;
  std::atomic<int> writers{2};
  on_threads(4, found, [&](int index) {
    auto random = s.engine(index);
    if (index < 2) {
      for (number i = 0; i < 4000 * scale; ++i) {
        write_a_value<value>(map, random, found);
      }
      --writers;
      return;
    }
    while (writers != 0) {
      for (int i = 0; i < 200; ++i) {
        const number k = random() % keys_of_values;
        if (const auto v = map.find(k)) MT_CHECK(found, v->is_of(k));
      }
      if (index == 2) {
        map.cvisit_all([&](const auto& e) { MT_CHECK(found, e.second.is_of(e.first)); });
      } else {
        const number a = random() % keys_of_values;
        const number b = random() % keys_of_values;
        const auto [x, y] = map.read_together(a, b);
        if (x) MT_CHECK(found, x->is_of(a));
        if (y) MT_CHECK(found, y->is_of(b));
      }
    }
  });
  found.require();
  std::size_t n = 0;
  map.cvisit_all([&](const auto&) { ++n; });
  REQUIRE(n == map.size());
}

/// Not the standard's: keys are compared by a call, under tags.
struct own_equal {
  bool operator()(number a, number b) const noexcept { return a == b; }
};

/// A hash that sends everything to a few homes: spilled elements, annex pages.
struct crowded_hash {
  using is_avalanching = std::true_type;
  number operator()(number k) const noexcept { return scattered(k % 5) & ~number{255}; }
};

/// Every thread has keys of its own and a model of them; the tables are everybody's.
template <class Map>
void every_thread_finds_its_own(number universe, number steps) {
  const seed s;
  INFO("seed " << s.value());
  failures found;
  Map map;
  std::atomic<std::size_t> left{0};
  on_threads(4, found, [&](int index) {
    auto random = s.engine(index);
    std::map<number, number> model;
    const auto mine = [&](number i) { return i * 4 + static_cast<number>(index); };
    number high = universe;
    for (number i = 0; i < steps; ++i) {
      if (i % 2000 == 0) high = 1 + random() % universe;  // grows and shrinks
      const number k = mine(random() % high);
      const number v = random();
      switch (random() % 10) {
        case 0:
          MT_CHECK(found, map.insert({k, v}) == model.emplace(k, v).second);
          break;
        case 1:
          MT_CHECK(found, map.insert_or_assign(k, v) == model.insert_or_assign(k, v).second);
          break;
        case 2:
          MT_CHECK(found, map.erase(k) == model.erase(k));
          break;
        case 3: {
          const auto it = model.find(k);
          const auto before = map.fetch_add(k, v);
          MT_CHECK(found, before == (it == model.end() ? 0 : it->second));
          model[k] += v;
          break;
        }
        case 4: {
          const bool present = map.compute(k, [&](auto& value) {
            if (value) {
              value.reset();
            } else {
              value = v;
            }
          });
          if (model.erase(k) == 0) model.emplace(k, v);
          MT_CHECK(found, present == (model.count(k) == 1));
          break;
        }
        case 5:
          if (random() % 64 == 0) {
            // Its own elements of the higher half go at once.
            const number from = mine(high / 2);
            map.erase_if([&](const auto& e) { return e.first % 4 == k % 4 && e.first >= from; });
            model.erase(model.lower_bound(from), model.end());
          }
          break;
        default: {
          const auto it = model.find(k);
          const auto value = map.find(k);
          MT_CHECK(found, value.has_value() == (it != model.end()));
          if (value && it != model.end()) MT_CHECK(found, *value == it->second);
          break;
        }
      }
    }
    for (const auto& [k, v] : model) MT_CHECK(found, map.find(k) == v);
    left += model.size();
  });
  found.require();
  REQUIRE(map.size() == left);
  std::size_t n = 0;
  map.cvisit_all([&](const auto&) { ++n; });
  REQUIRE(n == left);
}

}  // namespace

TEST_CASE("seqmap: no reader sees half a value or that of another key") {
  no_value_is_torn<2>();
  no_value_is_torn<8>();
  no_value_is_torn<9>();
  no_value_is_torn<16>();
  no_value_is_torn<33>();
  no_value_is_torn<64>();
  no_value_is_torn<200>();
}

TEST_CASE("seqmap: no reader sees half a value where keys are compared by the user") {
  no_value_is_torn<8, concur::hash<number>, own_equal>();
  no_value_is_torn<40, concur::hash<number>, own_equal>();
}

TEST_CASE("seqmap: no reader sees half a value where keys crowd in a few homes") {
  no_value_is_torn<8, crowded_hash>();
  no_value_is_torn<24, crowded_hash, own_equal>();
}

TEST_CASE("seqmap: every thread finds what it left") {
  every_thread_finds_its_own<tiny_map<number, number>>(600, 15'000 * scale);
  every_thread_finds_its_own<tiny_map<number, number, concur::hash<number>, own_equal>>(
      600, 10'000 * scale);
  every_thread_finds_its_own<concur::seqmap<number, number>>(4000, 15'000 * scale);
  every_thread_finds_its_own<tiny_map_by_four<number, number>>(600, 15'000 * scale);
  every_thread_finds_its_own<tiny_map_by_four<number, number, concur::hash<number>, own_equal>>(
      600, 10'000 * scale);
}

TEST_CASE("seqmap: every thread finds what it left where keys crowd in a few homes") {
  every_thread_finds_its_own<tiny_map<number, number, crowded_hash>>(60, 6000 * scale);
  every_thread_finds_its_own<tiny_map_by_four<number, number, crowded_hash>>(60, 6000 * scale);
}

TEST_CASE("seqmap: exclusive traversals and writers of displaced elements do not lock each other") {
  tiny_map<number, number> map;
  map.max_load_factor(0.95F);
  failures found;
  std::atomic<int> running{2};
  std::atomic<number> added{0};
  for (number i = 0; i < 400; ++i) map.insert({i, 0});
  on_threads(4, found, [&](int index) {
    if (index < 2) {
      for (number i = 0; i < 60 * scale; ++i) {
        const auto n = map.visit_all([](auto& e) { ++e.second; });
        added += n;
        MT_CHECK(found, n >= 400);
      }
      --running;
    } else {
      number mine = 0;
      for (number i = 0; running != 0; ++i) {
        mine += map.update(scattered(i) % 400, [](number& v) { ++v; });
        const number k = 1000 + scattered(i) % 100 + 1000 * static_cast<number>(index);
        map.insert({k, 0});
        mine -= map.take(k + i % 2).value_or(0);
      }
      added += mine;
    }
  });
  found.require();
  number sum = 0;
  map.cvisit_all([&](const auto& e) { sum += e.second; });
  REQUIRE(sum == added);
}

TEST_CASE("seqmap: size never lies about what is done, and all memory comes back") {
  using allocator = counting_allocator<std::pair<const number, number>>;
  allocation_account account;
  {
    tiny_map<number, number, concur::hash<number>, std::equal_to<>, allocator> map{
        allocator(account)};
    require_true_size(map, 10 * scale);
    // The last writer may have left a replacement half done: every write does a share of it.
    for (number i = 0; i < 500; ++i) {
      map.insert({residents, i});
      map.erase(residents);
    }
    REQUIRE(account.live_bytes() <= 64 * 1024);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("seqmap: copies, parallel traversals and clear beside writers") {
  tiny_map<number, number> map;
  constexpr number resident = 200;
  for (number i = 0; i < resident; ++i) map.insert({i, 1});
  failures found;
  std::atomic<bool> stop{false};
  on_threads(3, found, [&](int index) {
    if (index == 0) {
      for (number round = 0; round < 5 * scale; ++round) {
        const tiny_map<number, number> copy(map);
        for (number i = 0; i < resident; ++i) MT_CHECK(found, copy.find(i) == 1);
        std::atomic<number> seen{0};
        map.cvisit_all(concur::parallel{2}, [&](const auto& e) { seen += e.second == 1; });
        MT_CHECK(found, seen == resident);
        map.erase_if(concur::parallel{2}, [](const auto& e) { return e.second == 2; });
      }
      stop = true;
    } else if (index == 1) {
      for (number i = 0; !stop; ++i) {
        map.insert({1000 + i % 700, 0});
        map.erase(1000 + (i * 7) % 700);
        map.insert({2000 + i % 50, 2});
      }
    } else {
      while (!stop) map.erase_if([](const auto& e) { return e.second == 0; });
    }
  });
  found.require();
  map.clear();
  REQUIRE(map.empty());
}
