// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a hamt, with all operations that change something or
/// call something, snapshots among them, in a tuning in which branches come and go all the time:
/// after each fault an operation has had no effect, or, where it does many things, some of its
/// effect on whole elements; and the map goes on.

#include <concur/hamt.hpp>

#include "support/catch.hpp"
#include "support/fault_sweep.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;

/// Keys that spread over the whole tree, and differ from small numbers.
constexpr number scattered(number i) {
  return (i + 1) * 0x9E3779B97F4A7C15ULL;
}

using model_type = std::map<number, number>;

/// Branches of four slots, leaves of two pairs, everything retired is looked at once.
template <std::size_t InlineBytes>
struct sweep_tuning {
  static constexpr unsigned bits(unsigned) noexcept { return 2; }
  static constexpr std::uint32_t max_leaf = 2;
  static constexpr std::size_t inline_bytes = InlineBytes;
  static constexpr std::uint32_t retire_batch = 1;
  static constexpr std::uint32_t spare_leaves = 2;
};

/// Four hashes for all keys: lists, long ones.
struct few_hashes {
  using is_avalanching = std::true_type;
  std::uint64_t operator()(number key) const {
    fault_at(fault_kind::hash);
    return key % 4 << 62;
  }
};

enum class effect { all_or_nothing, in_part };

template <class V, class KeyEqual, std::size_t InlineBytes, class Hash>
class life {
 public:
  using allocator = sweep_allocator<std::pair<const number, V>>;
  using map_type =
      concur::detail::basic_hamt<number, V, Hash, KeyEqual, allocator, sweep_tuning<InlineBytes>>;

  explicit life(allocation_account& account) : map_(allocator(account)), account_(account) {}

  /// Returns what went wrong, 0 if nothing.
  std::size_t run() {
    fill();
    look();
    single_elements();
    visits();
    whole_maps();
    drain();
    fault_countdown_at_end_ = fault_countdown;
    fault_countdown = 0;
    check();
    fault_countdown = fault_countdown_at_end_;
    return wrong_;
  }

 private:
  static V value(number n) { return V(n); }

  /// `run(map)`, and `then(model)` is what it does if it gets through.
  template <class Run, class Then>
  void step(effect parts, Run run, Then then) {
    if (got_through([&] { run(map_); })) {
      then(model_);
      return;
    }
    if (parts == effect::in_part) {
      model_type after = model_;
      then(after);
      resynchronise(after);
    }
    check();
  }
  template <class Run>
  void step(Run run, effect parts = effect::all_or_nothing) {
    step(parts, run, [](model_type&) {});
  }
  void expect(bool ok) { wrong_ += ok ? 0U : 1U; }

  /// Each key has the value from before or that from after, or is absent as before or after.
  void resynchronise(const model_type& after) {
    model_type now;
    map_.cvisit_all([&](const auto& e) { now.emplace(e.first, number_of(e.second)); });
    const auto at = [](const model_type& m, number k) {
      const auto found = m.find(k);
      return found == m.end() ? std::nullopt : std::optional<number>(found->second);
    };
    for (const model_type* keys : std::initializer_list<const model_type*>{&model_, &after, &now}) {
      for (const auto& element : *keys) {
        const auto v = at(now, element.first);
        expect(v == at(model_, element.first) || v == at(after, element.first));
      }
    }
    model_ = std::move(now);
  }

  void check() {
    expect(is_as(map_, model_));
    expect(map_.validate().error == nullptr);
  }

  static bool is_as(const map_type& map, const model_type& model) {
    if (map.size() != model.size()) return false;
    for (const auto& [k, v] : model) {
      const auto found = map.find(k);
      if (!found || number_of(*found) != v) return false;
    }
    std::size_t seen = 0;
    map.cvisit_all([&](const auto& e) { seen += model.count(e.first); });
    return seen == model.size();
  }

  void fill() {
    for (number i = 0; i < 30; ++i) {
      const number k = scattered(i);
      step(
          effect::all_or_nothing, [&](auto& m) { m.emplace(sweep_number{k}, sweep_number{i}); },
          [&](auto& m) { m.emplace(k, i); });
    }
    // These agree in all but the lowest bits of their hashes.
    for (number i = 0; i < 40; ++i) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert({i, value(i)});
          },
          [&](auto& m) { m.emplace(i, i); });
    }
  }

  void look() {
    step([&](auto& m) {
      const auto first = m.snapshot();
      map_type fork(first);
      expect(first.size() == model_.size() && fork.size() == model_.size());
      fork.insert_or_assign(1'000'000, value(1));
      const auto second = fork.snapshot();
      std::size_t changes = 0;
      concur::diff(first, second, [&](const number& k, const V*, const V*) {
        fault_at(fault_kind::callback);
        changes += k == 1'000'000;
      });
      expect(changes == 1);
    });
    step([&](auto& m) {
      const auto base = m.snapshot();
      map_type left(base);
      map_type right(base);
      left.insert_or_assign(1'000'000, value(1));
      right.insert_or_assign(1'000'000, value(2));
      right.insert_or_assign(1'000'001, value(3));
      right.erase(scattered(0));
      const auto merged = concur::merge(base, left.snapshot(), right.snapshot(),
                                        [](const number&, const V*, const V* ours, const V*) {
                                          fault_at(fault_kind::callback);
                                          return std::optional<V>(*ours);
                                        });
      expect(number_of(*merged.find(1'000'000)) == 1 && number_of(*merged.find(1'000'001)) == 3);
      expect(merged.size() == model_.size() + 2 - model_.count(scattered(0)));
      expect(!(merged == base) && base.size() == model_.size());
    });
    step([&](auto& m) {
      std::size_t seen = 0;
      std::uint64_t cursor = 0;
      do {
        cursor = m.scan(cursor, 4, [&](const auto&) {
          fault_at(fault_kind::callback);
          ++seen;
        });
      } while (cursor != 0);
      expect(seen == model_.size());
    });
    step([&](auto& m) {
      const std::size_t seen = m.cvisit_all([](const auto&) { fault_at(fault_kind::callback); });
      expect(seen == model_.size());
    });
    step([&](auto& m) {
      const std::vector<number> keys{0, 1, 2, scattered(3), 77'777};
      std::vector<std::optional<V>> found;
      m.find_each(keys, std::back_inserter(found));
      expect(found.size() == 5 && !found[4]);
      std::size_t hits = 0;
      for (const number k : keys) hits += model_.count(k);
      expect(hits == m.cvisit(keys.begin(), keys.end(),
                              [](const auto&) { fault_at(fault_kind::callback); }));
    });
  }

  void single_elements() {
    const auto change = [](V& v) {
      fault_at(fault_kind::callback);
      v = V(number_of(v) + 1);
      fault_at(fault_kind::callback);
    };
    const auto changed = [](model_type& m, number k) {
      if (const auto found = m.find(k); found != m.end()) ++found->second;
    };
    for (const number k : {number{3}, scattered(4), number{39}, scattered(500)}) {
      step(
          effect::all_or_nothing, [&](auto& m) { m.update(k, change); },
          [&](auto& m) { changed(m, k); });
      step(
          effect::all_or_nothing, [&](auto& m) { m.upsert(k, change, sweep_number{9}); },
          [&](auto& m) {
            if (!m.emplace(k, 9).second) changed(m, k);
          });
      step(
          effect::all_or_nothing, [&](auto& m) { m.insert_or_assign(k, sweep_number{k + 1}); },
          [&](auto& m) { m[k] = k + 1; });
      step(
          effect::all_or_nothing, [&](auto& m) { m.exchange(k, sweep_number{k + 2}); },
          [&](auto& m) { m[k] = k + 2; });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            expect(m.replace_if_equal(k, value(k + 2), value(k + 3)) ==
                   (model_.count(k) == 1 && model_.at(k) == k + 2));
          },
          [&](auto& m) {
            if (const auto f = m.find(k); f != m.end() && f->second == k + 2) f->second = k + 3;
          });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.compute(k, [](std::optional<V>& v) {
              fault_at(fault_kind::callback);
              if (v) {
                v.reset();
              } else {
                v.emplace(8);
              }
              fault_at(fault_kind::callback);
            });
          },
          [&](auto& m) {
            if (m.erase(k) == 0) m.emplace(k, 8);
          });
      step(
          effect::all_or_nothing, [&](auto& m) { m.take(k); }, [&](auto& m) { m.erase(k); });
    }
  }

  void visits() {
    const auto look_at = [](const auto&) { fault_at(fault_kind::callback); };
    for (const number k : {number{5}, scattered(6), scattered(600)}) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert_or_visit({k, value(1)}, look_at);
          },
          [&](auto& m) { m.emplace(k, 1); });
      // A callback for the new element that throws leaves it there.
      step(
          effect::in_part,
          [&](auto& m) { m.try_emplace_and_visit(k + 1, value(2), look_at, look_at); },
          [&](auto& m) { m.emplace(k + 1, 2); });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.erase_if(k, [](const auto&) {
              fault_at(fault_kind::callback);
              return true;
            });
          },
          [&](auto& m) { m.erase(k); });
    }
  }

  void whole_maps() {
    step([&](auto& m) { m.reserve(300); });
    // Made in peace: copies of the initializers are not the map's.
    const std::size_t countdown = std::exchange(fault_countdown, 0);
    const std::vector<std::pair<number, V>> more{
        {scattered(40), value(1)}, {41, value(2)}, {scattered(0), value(3)}, {42, value(4)}};
    fault_countdown = countdown;
    step(
        effect::in_part, [&](auto& m) { m.insert(more.begin(), more.end()); },
        [&](auto& m) {
          for (const auto& [k, v] : more) m.emplace(k, number_of(v));
        });
    step([&](auto& m) {
      const map_type copy(m);
      expect(copy == m);
    });
    step([&](auto& m) {
      map_type other{allocator(account_)};
      other.insert({7, value(7)});
      map_type assigned{allocator(account_)};
      assigned = m;
      assigned.swap(other);
      expect(assigned.size() == 1 && other.size() == model_.size());
      assigned = std::move(other);
      expect(assigned.size() == model_.size());
      const allocation_account* const mine = &account_;
      expect(mine == &assigned.get_allocator().account());
    });
    step(
        effect::in_part,
        [&](auto& m) {
          map_type source{allocator(account_)};
          for (number i = 50; i < 60; ++i) source.insert({scattered(i), value(i)});
          source.insert({1, value(100)});
          m.merge(source);
        },
        [](auto& m) {
          for (number i = 50; i < 60; ++i) m.emplace(scattered(i), i);
          m.emplace(1, 100);
        });
    step(
        effect::all_or_nothing,
        [&](auto& m) {
          map_type copy(m);
          copy.erase_if([](const auto& e) { return e.first % 2 == 0; });
          m.swap(copy);
        },
        [](auto& m) { std::erase_if(m, [](const auto& e) { return e.first % 2 == 0; }); });
  }

  void drain() {
    step(
        effect::in_part,
        [&](auto& m) {
          m.erase_if([](const auto& e) {
            fault_at(fault_kind::callback);
            return e.first % 3 == 0;
          });
        },
        [](auto& m) { std::erase_if(m, [](const auto& e) { return e.first % 3 == 0; }); });
    step([&](auto& m) { m.shrink_to_fit(); });
    for (number i = 0; i < 30; ++i) {
      step(
          effect::all_or_nothing, [&](auto& m) { m.erase(scattered(i)); },
          [&](auto& m) { m.erase(scattered(i)); });
    }
    step([&](auto& m) { m.shrink_to_fit(); });
    step(
        effect::in_part, [](auto& m) { m.clear(); }, [](auto& m) { m.clear(); });
    for (number i = 0; i < 12; ++i) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert({scattered(i), value(i)});
          },
          [&](auto& m) { m.emplace(scattered(i), i); });
    }
  }

  model_type model_;
  map_type map_;
  allocation_account& account_;
  std::size_t wrong_ = 0;
  std::size_t fault_countdown_at_end_ = 0;
};

template <class V, class KeyEqual, std::size_t InlineBytes, class Hash = sweep_hash>
std::size_t sweep_life() {
  faults_thrown = {};
  std::size_t lost = 0;
  std::size_t wrong = 0;
  const std::size_t points = sweep_script(
      [&](allocation_account& account) {
        const std::size_t found = life<V, KeyEqual, InlineBytes, Hash>(account).run();
        if (found != 0) UNSCOPED_INFO(found << " wrong in run " << fault_countdown);
        wrong += found;
      },
      lost);
  CHECK(wrong == 0);
  CHECK(lost == 0);
  return points;
}

}  // namespace

TEST_CASE("a fault at any point of a life leaves a hamt whole: pairs in leaves", "[fault][hamt]") {
  const std::size_t points = sweep_life<number, std::equal_to<>, 32>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::hash) > 100);
  REQUIRE(faults_of(fault_kind::conversion) > 10);
  REQUIRE(faults_of(fault_kind::callback) > 100);
  REQUIRE(faults_of(fault_kind::allocation) > 10);
}

TEST_CASE("a fault at any point of a life leaves a hamt whole: elements", "[fault][hamt]") {
  const std::size_t points = sweep_life<number, sweep_equal, 0>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::equality) > 50);
}

TEST_CASE("a fault at any point of a life leaves a hamt whole: wide pairs in leaves",
          "[fault][hamt]") {
  const std::size_t points = sweep_life<sweep_value, sweep_equal, 32>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::equality) > 50);
}

TEST_CASE("a fault at any point of a life leaves a hamt whole: lists of equal hashes, in leaves",
          "[fault][hamt]") {
  const std::size_t points = sweep_life<number, sweep_equal, 32, few_hashes>();
  REQUIRE(points > 500);
  REQUIRE(faults_of(fault_kind::equality) > 200);
}

TEST_CASE(
    "a fault at any point of a life leaves a hamt whole: lists of elements whose copies throw",
    "[fault][hamt]") {
  const std::size_t points = sweep_life<sweep_text, sweep_equal, 0, few_hashes>();
  REQUIRE(points > 1000);
  REQUIRE(faults_of(fault_kind::equality) > 200);
  REQUIRE(faults_of(fault_kind::copy) > 30);
  REQUIRE(faults_of(fault_kind::allocation) > 100);
  REQUIRE(sweep_text::alive == 0);
}
