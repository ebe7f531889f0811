// SPDX-License-Identifier: MIT
/// \file
/// One thread on one cache of one shard: results, contents, order, weight and reports are those of
/// the slow reference of tests/lru_lockmap. The first byte chooses what the cache has: a listener
/// (without one, victims leave by a shorter way), weights, times to live and to idle, the hash; the
/// second its capacity.
#include "fuzz/fuzz.hpp"
#include "lru_lockmap/reference_cache.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using namespace concur_fuzz;
using concur_test::reference_cache;
using std::chrono::nanoseconds;

/// Few shards, and without the walk through the table, whose order is that of the hashes.
struct tiny_cache : concur::detail::lru::default_tuning {
  static constexpr unsigned log2_shards = 1;
  static constexpr std::size_t retire_batch = 2;
  static constexpr std::size_t spare_states = 3;
  static constexpr std::size_t swept_homes = 0;
  static constexpr unsigned timer_steps = 0;
};
template <class KeyEqual>
using fuzzed_cache =
    concur::detail::basic_lru_lockmap<number, number, any_hash, KeyEqual,
                                      std::allocator<std::pair<const number, number>>,
                                      concur::eviction::exact_lru, tiny_cache>;

template <class KeyEqual>
class program {
 public:
  program(unsigned kind, unsigned capacity)
      : reports_((kind & 1) != 0), map_(options(kind, capacity), any_hash{kind >> 5}) {
    slow_.now = clock_.now().count();
  }

  void run(bytes input) {
    while (!input.empty()) {
      step(input);
      compare();
    }
    compare_order();
  }

 private:
  concur::cache_options<number, number> options(unsigned kind, unsigned capacity) {
    concur::cache_options<number, number> made;
    made.capacity = slow_.capacity = capacity;
    slow_.weighs = (kind & 2) != 0;
    slow_.time_to_live = (kind & 4) != 0 ? 60 : 0;
    slow_.time_to_idle = (kind & 8) != 0 ? 40 : 0;
    made.time_to_live = nanoseconds(slow_.time_to_live);
    made.time_to_idle = nanoseconds(slow_.time_to_idle);
    if (slow_.weighs) made.weigher = [](number, number v) { return v % 7; };
    if (reports_) made.on_evict = seen_.listener();
    made.clock = clock_.reader();
    return made;
  }

  void step(bytes& input) {
    const unsigned op = input.next();
    const number k = input.next() % 40;
    const number v = k * 1000 + op * 3 + k % 7;  // a value says whose it is
    switch (op % 16) {
      case 0:
        FUZZ_CHECK(map_.insert_or_assign(k, v) == slow_.insert_or_assign(k, v));
        break;
      case 1:
        FUZZ_CHECK(map_.update(k, [](number& n) { ++n; }) == (slow_.update(k) ? 1U : 0U));
        break;
      case 2:
        FUZZ_CHECK(map_.erase(k) == (slow_.erase(k) ? 1U : 0U));
        break;
      case 3:
        FUZZ_CHECK(map_.take(k) == slow_.take(k));
        break;
      case 4:
        FUZZ_CHECK(map_.peek(k) == slow_.peek(k));
        break;
      case 5:
        clock_.advance(nanoseconds(k));
        slow_.now += static_cast<std::int64_t>(k);
        break;
      case 6:
        FUZZ_CHECK(map_.pop_lru() == slow_.pop_lru());
        break;
      case 7:
        map_.set_capacity(k);
        slow_.set_capacity(k);
        break;
      case 8:
        FUZZ_CHECK(map_.remove_expired() == slow_.remove_expired());
        break;
      case 9: {
        const auto t = static_cast<std::int64_t>(op);
        FUZZ_CHECK(map_.set_expiry(k, nanoseconds(t)) == slow_.set_expiry(k, t));
        break;
      }
      case 10:
        compare_order();
        break;
      case 11:
        hold(k);
        break;
      case 12:
      case 13:
        FUZZ_CHECK(map_.find(k) == slow_.find(k));
        break;
      default:
        FUZZ_CHECK(map_.try_emplace(k, v) == slow_.try_emplace(k, v));
    }
  }
  /// A key that is locked while it is absent changes nothing.
  void hold(number k) {
    if (slow_.peek(k)) return;
    static_cast<void>(slow_.erase(k));  // one that has expired is removed by whoever takes the key
    const auto entry = map_.lock(k);
    FUZZ_CHECK(!entry.has_value());
  }

  void compare() {
    FUZZ_CHECK(map_.size() == slow_.size());
    FUZZ_CHECK(map_.stats().keys == map_.size());
    auto here = seen_.take();
    auto there = std::exchange(slow_.reported, {});
    if (!reports_) return;
    const auto by_key = [](const auto& a, const auto& b) {
      return std::tuple(a.key, a.value) < std::tuple(b.key, b.value);
    };
    std::sort(here.begin(), here.end(), by_key);
    std::sort(there.begin(), there.end(), by_key);
    FUZZ_CHECK(here == there);
  }
  void compare_order() {
    std::vector<number> keys;
    map_.cvisit_coldest(1000, [&](const auto& e) { keys.push_back(e.first); });
    FUZZ_CHECK(keys == slow_.keys());
    FUZZ_CHECK(map_.stats().weight == slow_.weight());
  }

  const bool reports_;
  concur_test::hand_clock clock_;
  concur_test::witness<number, number> seen_;
  reference_cache slow_;
  fuzzed_cache<KeyEqual> map_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes input(data, size);
  const unsigned kind = input.next();
  const unsigned capacity = input.next() % 32;
  if ((kind & 16) == 0) {
    program<std::equal_to<>>(kind, capacity).run(input);
  } else {
    program<any_equal>(kind, capacity).run(input);
  }
  return 0;
}
