// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a cache: hasher, equality, conversions, copies, moves,
/// loaders, weighers, callbacks and allocations throw, one after the other. After each fault the
/// bound holds, no key is left locked, every element is in the order of eviction, no value left
/// twice or unseen, and all memory comes back.
#include "support/catch.hpp"
#include "support/fault_sweep.hpp"

#include <concur/lru_lockmap.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;

struct tiny_tuning : concur::detail::lru::default_tuning {
  static constexpr unsigned log2_shards = 1;
  static constexpr std::size_t retire_batch = 2;
};

number scattered(number i) {
  return (i + 1) * 0x9E3779B97F4A7C15;
}

/// Copies and moves may throw, and then they have done nothing.
class shaky {
 public:
  explicit shaky(number n) noexcept : n_(n) { ++alive; }
  shaky(const shaky& other) : n_(other.n_) {
    fault_at(fault_kind::copy);
    ++alive;
  }
  shaky(shaky&& other) : n_(other.n_) {  // NOLINT: that it may throw is what it is for
    fault_at(fault_kind::move);
    ++alive;
  }
  shaky& operator=(const shaky& other) {
    fault_at(fault_kind::copy);
    n_ = other.n_;
    return *this;
  }
  shaky& operator=(shaky&& other) {  // NOLINT
    fault_at(fault_kind::move);
    n_ = other.n_;
    return *this;
  }
  ~shaky() { --alive; }

  static inline long alive = 0;
  friend number number_of(const shaky& s) noexcept { return s.n_; }

 private:
  number n_;
};

template <class V>
V made_of(number n) {
  return V(n);
}

template <class V, class KeyEqual, class Policy>
class life {
 public:
  using allocator = sweep_allocator<std::pair<const number, V>>;
  using map_type = concur::detail::basic_lru_lockmap<number, V, sweep_hash, KeyEqual, allocator,
                                                     Policy, tiny_tuning>;
  using options = concur::cache_options<number, V>;

  explicit life(allocation_account& account) : map_(some_options(), allocator(account)) {}

  std::size_t run() {
    fill();
    operations_by_key();
    guards();
    order();
    whole_maps();
    const auto left = std::exchange(fault_countdown, 0);
    map_.set_capacity(100);
    map_.clear();
    check();
    fault_countdown = left;
    return wrong_;
  }

 private:
  static constexpr std::size_t room = 8;

  options some_options() {
    options made;
    made.capacity = room;
    made.shards = 2;
    made.weigher = [](const number& key, const V&) {
      point();
      return key % 5 == 0 ? 2 : 1;
    };
    made.on_evict = [this](const number& key, V&& value, concur::eviction_cause) {
      ++reported_;
      expect(number_of(value) / 1000 == key % 1000);
    };
    return made;
  }

  static void point() { fault_at(fault_kind::callback); }
  void expect(bool ok) { wrong_ += ok ? 0U : 1U; }
  static V value(number key) { return made_of<V>(key % 1000 * 1000 + 7); }

  template <class Run>
  void step(Run run) {
    if (!got_through([&] { run(map_); })) check();
  }

  void check() {
    const auto left = std::exchange(fault_countdown, 0);
    const auto stats = map_.stats();
    expect(stats.weight <= stats.capacity);
    expect(stats.size <= stats.weight);
    expect(stats.keys == stats.size);
    std::size_t shown = 0;
    map_.cvisit_coldest(100, [&](const auto& e) {
      ++shown;
      expect(number_of(e.second) / 1000 == e.first % 1000);
    });
    expect(shown == stats.size);
    std::size_t free = 0;
    std::vector<number> keys;
    map_.cvisit_all([&](const auto& e) { keys.push_back(e.first); });
    for (const number k : keys) {
      const auto entry = map_.try_lock(k);
      free += entry && entry.has_value() ? 1U : 0U;
    }
    expect(free == stats.size);
    fault_countdown = left;
  }

  void fill() {
    for (number i = 0; i < 20; ++i) {
      step([&](auto& m) { m.try_emplace(scattered(i), value(scattered(i))); });
    }
  }

  void operations_by_key() {
    for (const number k : {scattered(18), scattered(19), number{77}, number{75}}) {
      step([&](auto& m) { m.insert_or_assign(k, value(k)); });
      step([&](auto& m) {
        m.update(k, [&](V& v) {
          point();
          v = value(k);
          point();
        });
      });
      step([&](auto& m) { m.exchange(k, value(k)); });
      step([&](auto& m) { static_cast<void>(m.find(k)); });
      step([&](auto& m) { static_cast<void>(m.peek(k)); });
      step([&](auto& m) { m.set_expiry(k, concur::cache_duration::forever()); });
      step([&](auto& m) {
        m.compute(k, [](std::optional<V>& v) {
          point();
          v.reset();
          point();
        });
      });
      step([&](auto& m) {
        m.get_or_compute(k, [&] {
          point();
          return value(k);
        });
      });
      step([&](auto& m) { m.take(k); });
      step([&](auto& m) { m.try_emplace(k, value(k)); });
    }
  }

  void guards() {
    for (const number k : {scattered(17), number{78}}) {
      step([&](auto& m) {
        auto entry = m.lock(k);
        point();
        entry.value_or_emplace(value(k));
        for (number i = 0; i < 16; ++i) m.try_emplace(scattered(i), value(scattered(i)));
        entry.exchange(value(k));
        point();
      });
      step([&](auto& m) {
        auto shared = m.lock_shared(k);
        point();
        for (number i = 0; i < 16; ++i) m.try_emplace(scattered(i), value(scattered(i)));
        if (auto entry = shared.try_upgrade()) {
          entry.emplace(value(k));
          shared = entry.downgrade();
        }
        point();
      });
      step([&](auto& m) {
        auto all = m.lock_all({k, number{80}, number{81}});
        point();
        all[80].value_or_emplace(value(80));
      });
      step([&](auto& m) {
        auto entry = m.lock(k);
        point();
        entry.reset();
      });
    }
  }

  void order() {
    for (int i = 0; i < 3; ++i) {
      step([&](auto& m) { static_cast<void>(m.pop_lru()); });
    }
    fill();
    std::vector<std::pair<number, V>> saved;
    step([&](auto& m) {
      m.save([&](const number& k, const V& v, concur::cache_duration) {
        point();
        saved.emplace_back(k, v);
      });
    });
    std::size_t at = 0;
    step([&](auto& m) {
      m.restore([&]() -> std::optional<concur::cache_record<number, V>> {
        if (at == saved.size()) return std::nullopt;
        const auto& next = saved[at++];
        return concur::cache_record<number, V>{next.first, next.second};
      });
    });
    step([&](auto& m) { m.cvisit_hottest(3, [](const auto&) { point(); }); });
  }

  void whole_maps() {
    step([&](auto& m) { m.reserve(100); });
    step([&](auto& m) {
      m.visit_all([&](auto& e) {
        point();
        e.second = value(e.first);
      });
    });
    step([&](auto& m) {
      map_type copy(m);
      copy.erase(number{1});
    });
    step([&](auto& m) { m.set_capacity(3); });
    step([&](auto& m) { m.set_capacity(room); });
    fill();
    step([&](auto& m) {
      m.erase_if([](const auto& e) {
        point();
        return e.first % 3 == 0;
      });
    });
    step([](auto& m) { m.clear(); });
  }

  std::size_t wrong_ = 0;
  std::size_t reported_ = 0;
  map_type map_;
};

template <class V, class KeyEqual, class Policy>
void sweep(std::size_t least) {
  std::size_t wrong = 0;
  std::size_t lost = 0;
  const std::size_t points = sweep_script(
      [&](allocation_account& account) {
        life<V, KeyEqual, Policy> one(account);
        wrong += one.run();
      },
      lost);
  CHECK(points >= least);
  CHECK(wrong == 0);
  CHECK(lost == 0);
}

}  // namespace

TEST_CASE("every fault in a life of a cache of small values", "[lru][fault]") {
  sweep<number, std::equal_to<>, concur::eviction::lru>(300);
}
TEST_CASE("every fault in a life of a cache of wide values", "[lru][fault]") {
  sweep<sweep_value, sweep_equal, concur::eviction::s3fifo>(300);
}
TEST_CASE("every fault in a life of a cache whose values throw as they are copied and moved",
          "[lru][fault]") {
  const long before = shaky::alive;
  sweep<shaky, std::equal_to<>, concur::eviction::exact_lru>(300);
  CHECK(shaky::alive == before);
}
