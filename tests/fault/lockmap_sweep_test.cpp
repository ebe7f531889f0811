// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a lockmap: hasher, equality, conversions, callbacks and
/// allocations throw, one after the other. After each fault an operation has had no effect, or,
/// where it does many things, some of its effect on whole elements; no key is left locked, no state
/// without a value is left behind, and all memory comes back.
#include "support/catch.hpp"
#include "support/fault_sweep.hpp"

#include <concur/lockmap.hpp>

#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;
using model_type = std::map<number, number>;

struct tiny_tuning : concur::detail::lockmap::default_tuning {
  static constexpr unsigned log2_shards = 1;
  static constexpr std::size_t retire_batch = 2;
};

number scattered(number i) {
  return (i + 1) * 0x9E3779B97F4A7C15;
}

template <class V, class KeyEqual>
class life {
 public:
  using allocator = sweep_allocator<std::pair<const number, V>>;
  using map_type =
      concur::detail::basic_lockmap<number, V, sweep_hash, KeyEqual, allocator, tiny_tuning>;

  explicit life(allocation_account& account) : map_(allocator(account)), account_(account) {}

  std::size_t run() {
    fill();
    operations_by_key();
    guards();
    many_keys();
    whole_maps();
    const auto left = std::exchange(fault_countdown, 0);
    check();
    fault_countdown = left;
    return wrong_;
  }

 private:
  static void point() { fault_at(fault_kind::callback); }
  void expect(bool ok) { wrong_ += ok ? 0U : 1U; }

  /// `run(map)`; `then(model)` is what it does if it gets through.
  template <class Run, class Then>
  void step(Run run, Then then) {
    model_type after = model_;
    then(after);
    if (got_through([&] { run(map_); })) {
      model_ = after;
      return;
    }
    resynchronise(after);
    check();
  }
  template <class Run>
  void step(Run run) {
    step(run, [](model_type&) {});
  }

  /// Each key has the value from before or from after, or is absent as before or after.
  void resynchronise(const model_type& after) {
    model_type now;
    map_.cvisit_all([&](const auto& e) { now.emplace(e.first, number_of(e.second)); });
    const auto at = [](const model_type& m, number k) {
      const auto found = m.find(k);
      return found == m.end() ? std::nullopt : std::optional<number>(found->second);
    };
    for (const model_type* keys :
         {static_cast<const model_type*>(&model_), &after, static_cast<const model_type*>(&now)}) {
      for (const auto& element : *keys) {
        const auto v = at(now, element.first);
        expect(v == at(model_, element.first) || v == at(after, element.first));
      }
    }
    model_ = std::move(now);
  }

  void check() {
    expect(map_.size() == model_.size());
    expect(map_.stats().keys == model_.size());
    for (const auto& [k, v] : model_) {
      const auto entry = map_.try_lock(k);
      expect(entry && entry.has_value() && number_of(*entry) == v);
    }
  }

  void fill() {
    for (number i = 0; i < 20; ++i) {
      const number k = scattered(i);
      step([&](auto& m) { m.try_emplace(k, sweep_number{i}); }, [&](auto& m) { m.emplace(k, i); });
    }
  }

  void operations_by_key() {
    const auto change = [](V& v) {
      point();
      v = V(number_of(v) + 1);
      point();
    };
    for (const number k : {scattered(3), number{77}}) {
      step([&](auto& m) { m.update(k, change); },
           [&](auto& m) {
             if (const auto f = m.find(k); f != m.end()) ++f->second;
           });
      step([&](auto& m) { m.upsert(k, change, sweep_number{9}); },
           [&](auto& m) {
             if (!m.emplace(k, 9).second) ++m[k];
           });
      step([&](auto& m) { m.insert_or_assign(k, V(5)); }, [&](auto& m) { m[k] = 5; });
      step([&](auto& m) { m.exchange(k, V(6)); }, [&](auto& m) { m[k] = 6; });
      step([&](auto& m) { expect(m.find(k).has_value() == (model_.count(k) == 1)); });
      step(
          [&](auto& m) {
            m.compute(k, [](std::optional<V>& v) {
              point();
              v.reset();
              point();
            });
          },
          [&](auto& m) { m.erase(k); });
      step([&](auto& m) { m.erase(k); }, [&](auto& m) { m.erase(k); });
    }
  }

  void guards() {
    for (const number k : {scattered(4), number{78}}) {
      step(
          [&](auto& m) {
            auto entry = m.lock(k);
            entry.value_or_emplace(sweep_number{1});
          },
          [&](auto& m) { m.emplace(k, 1); });
      step([&](auto& m) {
        auto shared = m.lock_shared(k);
        point();
        if (auto entry = shared.try_upgrade()) {
          point();
          shared = entry.downgrade();
        }
        point();
      });
      step([&](auto& m) {
        const auto absent = m.lock(k + 1);
        point();
      });
      step(
          [&](auto& m) {
            auto entry = m.lock(k);
            point();
            entry.reset();
          },
          [&](auto& m) { m.erase(k); });
      step(
          [&](auto& m) {
            m.get_or_compute(k, [] {
              point();
              return V(3);
            });
          },
          [&](auto& m) { m.emplace(k, 3); });
    }
  }

  void many_keys() {
    const std::vector<number> keys{scattered(5), 80, 81, scattered(6), 80, 82, 83, 84, 85, 86, 87};
    step(
        [&](auto& m) {
          auto all = m.lock_all(keys);
          point();
          expect(all.size() == 10);
          all[80].value_or_emplace(V(8));
        },
        [&](auto& m) { m.emplace(80, 8); });
    step([&](auto& m) {
      const auto one = m.lock(number{99});
      const auto all = m.try_lock_all(keys);
      expect(static_cast<bool>(all));
      expect(!m.try_lock_all({number{80}, number{99}}));
    });
  }

  void whole_maps() {
    step([&](auto& m) { m.reserve(200); });
    step(
        [&](auto& m) {
          m.visit_all([&](auto& e) {
            point();
            e.second = V(number_of(e.second) + 1);
          });
        },
        [](auto& m) {
          for (auto& e : m) ++e.second;
        });
    step([&](auto& m) {
      std::size_t seen = 0;
      std::uint64_t cursor = 0;
      do {
        cursor = m.scan(cursor, 3, [&](const auto&) {
          point();
          ++seen;
        });
      } while (cursor != 0);
      expect(seen == model_.size());
    });
    step([&](auto& m) {
      const map_type copy(m);
      expect(copy == m);
    });
    step(
        [&](auto& m) {
          map_type source{allocator(account_)};
          for (number i = 18; i < 24; ++i) source.insert({scattered(i), V(i)});
          m.merge(source);
        },
        [](auto& m) {
          for (number i = 18; i < 24; ++i) m.emplace(scattered(i), i);
        });
    step(
        [&](auto& m) {
          m.erase_if([](const auto& e) {
            point();
            return e.first % 3 == 0;
          });
        },
        [](auto& m) { std::erase_if(m, [](const auto& e) { return e.first % 3 == 0; }); });
    step([&](auto& m) { m.shrink_to_fit(); });
    step([](auto& m) { m.clear(); }, [](auto& m) { m.clear(); });
  }

  map_type map_;
  model_type model_;
  allocation_account& account_;
  std::size_t wrong_ = 0;
};

template <class V, class KeyEqual>
void sweep(std::size_t least) {
  std::size_t wrong = 0;
  std::size_t lost = 0;
  const std::size_t points = sweep_script(
      [&](allocation_account& account) {
        life<V, KeyEqual> one(account);
        wrong += one.run();
      },
      lost);
  CHECK(points >= least);
  CHECK(wrong == 0);
  CHECK(lost == 0);
}

}  // namespace

TEST_CASE("every fault in a life of a lockmap of small values", "[lockmap][fault]") {
  sweep<number, std::equal_to<>>(200);
}
TEST_CASE("every fault in a life of a lockmap of wide values", "[lockmap][fault]") {
  sweep<sweep_value, std::equal_to<>>(200);
}
TEST_CASE("every fault in a life of a lockmap whose equality throws", "[lockmap][fault]") {
  sweep<sweep_value, sweep_equal>(300);
}
