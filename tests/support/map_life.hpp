// SPDX-License-Identifier: MIT
/// \file
/// The life of a map, with all operations that change something or call something, and every fault
/// at every point of it: after each fault an operation has had no effect, or, where it does many
/// things, some of its effect on whole elements; and the map goes on.
#pragma once

#include "support/catch.hpp"
#include "support/fault_sweep.hpp"
#include "support/scattered.hpp"

#include <concur/concepts.hpp>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace concur_test {

enum class effect { all_or_nothing, in_part };

/// `Map` has a `sweep_allocator`.
template <class Map>
class map_life {
  using map_type = Map;
  using K = typename Map::key_type;
  using V = typename Map::mapped_type;
  using allocator = typename Map::allocator_type;
  using model_type = std::map<number, number>;
  static constexpr bool is_exclusive = concur::guarantees<Map>::callback_is_exclusive;
  // A callback that throws has changed a value in place, or not.
  static constexpr effect changing =
      concur::guarantees<Map>::callback_keeps_old_value ? effect::all_or_nothing : effect::in_part;

 public:
  explicit map_life(allocation_account& account)
      : map_(made_in_peace(account)), account_(account) {}

  /// The number of the step after which something was wrong for the first time.
  std::size_t first_wrong() const noexcept { return first_wrong_; }

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
  /// A bounded map takes its memory when it is made.
  static map_type made_in_peace(allocation_account& account) {
    const peace until_made;
    return map_type(allocator(account));
  }
  struct peace {
    std::size_t countdown = std::exchange(fault_countdown, 0);
    peace() = default;
    peace(const peace&) = delete;
    peace& operator=(const peace&) = delete;
    ~peace() { fault_countdown = countdown; }
  };

  static K key(number n) { return K(n); }
  static V value(number n) { return V(n); }

  /// `run(map)`, and `then(model)` is what it does if it gets through.
  template <class Run, class Then>
  void step(effect parts, Run run, Then then) {
    ++step_;
    const bool is_armed = fault_countdown != 0;
    if (got_through([&] { run(map_); })) {
      then(model_);
      // A fault that did not come out was in work that can be done later.
      if (is_armed && fault_countdown == 0) check();
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
  void step(Run run) {
    step(effect::all_or_nothing, run, [](model_type&) {});
  }
  void expect(bool ok) {
    if (ok) return;
    if (wrong_++ == 0) first_wrong_ = step_;
  }

  /// Each key has the value from before or that from after, or is absent as before or after.
  void resynchronise(const model_type& after) {
    model_type now;
    map_.cvisit_all([&](const auto& e) { now.emplace(number_of(e.first), number_of(e.second)); });
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

  void check() { expect(is_as(map_, model_)); }

  static bool is_as(const map_type& map, const model_type& model) {
    if (map.size() != model.size()) return false;
    for (const auto& [k, v] : model) {
      const auto found = map.find(key(k));
      if (!found || number_of(*found) != v) return false;
    }
    std::size_t seen = 0;
    map.cvisit_all([&](const auto& e) { seen += model.count(number_of(e.first)); });
    return seen == model.size();
  }

  void fill() {
    for (number i = 0; i < 30; ++i) {
      const number k = scattered(i);
      step(
          effect::all_or_nothing, [&](auto& m) { m.emplace(sweep_number{k}, sweep_number{i}); },
          [&](auto& m) { m.emplace(k, i); });
    }
    // These share a home of most tables: they are displaced, and then go to annex pages.
    for (number i = 0; i < 40; ++i) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert({key(i), value(i)});
          },
          [&](auto& m) { m.emplace(i, i); });
    }
  }

  void look() {
    if constexpr (requires(const Map& m) { m.read_together(number{1}); }) {
      step([&](auto& m) {
        const auto both = m.read_together(number{1}, scattered(2), number{1'000'000});
        expect(std::get<0>(both).has_value() == (model_.count(1) == 1));
        expect(std::get<1>(both).has_value() == (model_.count(scattered(2)) == 1));
        expect(!std::get<2>(both));
      });
    }
    if constexpr (requires(const Map& m) { m.pin(); }) {
      step([&](auto& m) {
        const auto guard = m.pin();
        const V* const found = m.find(guard, key(1));
        expect((found != nullptr) == (model_.count(1) == 1));
        expect(m.find(guard, key(1'000'000)) == nullptr);
      });
    }
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
      const std::vector<number> numbers{0, 1, 2, scattered(3), 77'777};
      std::vector<K> keys;
      keys.reserve(numbers.size());
      for (const number k : numbers) keys.emplace_back(k);
      std::vector<std::optional<V>> found;
      m.find_each(keys, std::back_inserter(found));
      expect(found.size() == 5 && !found[4]);
      std::size_t hits = 0;
      for (const number k : numbers) hits += model_.count(k);
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
          changing, [&](auto& m) { m.update(key(k), change); }, [&](auto& m) { changed(m, k); });
      step(
          changing, [&](auto& m) { m.upsert(key(k), change, sweep_number{9}); },
          [&](auto& m) {
            if (!m.emplace(k, 9).second) changed(m, k);
          });
      step(
          effect::all_or_nothing, [&](auto& m) { m.insert_or_assign(key(k), sweep_number{k + 1}); },
          [&](auto& m) { m[k] = k + 1; });
      step(
          effect::all_or_nothing, [&](auto& m) { m.exchange(key(k), sweep_number{k + 2}); },
          [&](auto& m) { m[k] = k + 2; });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            expect(m.replace_if_equal(key(k), value(k + 2), value(k + 3)) ==
                   (model_.count(k) == 1 && model_.at(k) == k + 2));
          },
          [&](auto& m) {
            if (const auto f = m.find(k); f != m.end() && f->second == k + 2) f->second = k + 3;
          });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.compute(key(k), [](std::optional<V>& v) {
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
          effect::all_or_nothing, [&](auto& m) { m.take(key(k)); }, [&](auto& m) { m.erase(k); });
    }
  }

  void visits() {
    const auto look_at = [](const auto&) { fault_at(fault_kind::callback); };
    // Where elements are lent to be read only, it reads.
    const auto change = [](auto& e) {
      fault_at(fault_kind::callback);
      if constexpr (is_exclusive) e.second = V(number_of(e.second) + 1);
    };
    constexpr number added = is_exclusive ? 1 : 0;
    for (const number k : {number{5}, scattered(6), scattered(600)}) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert_or_visit({key(k), value(1)}, change);
          },
          [&](auto& m) {
            if (const auto [at, is_new] = m.emplace(k, 1); !is_new) at->second += added;
          });
      // A callback for the new element that throws leaves it there.
      step(
          effect::in_part,
          [&](auto& m) { m.try_emplace_and_visit(key(k + 1), value(2), look_at, change); },
          [&](auto& m) {
            if (const auto [at, is_new] = m.emplace(k + 1, 2); !is_new) at->second += added;
          });
      step(
          effect::all_or_nothing, [&](auto& m) { m.visit(key(k), change); },
          [&](auto& m) {
            if (const auto found = m.find(k); found != m.end()) found->second += added;
          });
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.erase_if(key(k), [](const auto&) {
              fault_at(fault_kind::callback);
              return true;
            });
          },
          [&](auto& m) { m.erase(k); });
    }
    step(
        effect::in_part, [&](auto& m) { m.visit_all(change); },
        [](auto& m) {
          for (auto& element : m) element.second += added;
        });
  }

  void whole_maps() {
    step([&](auto& m) { m.reserve(300); });
    const std::initializer_list<std::pair<number, number>> numbers{
        {scattered(40), 1}, {41, 2}, {scattered(0), 3}, {42, 4}};
    std::vector<std::pair<K, V>> more;
    {
      const peace until_made;
      more.reserve(numbers.size());
      for (const auto& [k, v] : numbers) more.emplace_back(k, v);
    }
    step(
        effect::in_part, [&](auto& m) { m.insert(more.begin(), more.end()); },
        [&](auto& m) {
          for (const auto& [k, v] : numbers) m.emplace(k, v);
        });
    step([&](auto& m) {
      const map_type copy(m);
      expect(copy == m);
    });
    step([&](auto& m) {
      map_type other{allocator(account_)};
      other.insert({key(7), value(7)});
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
          for (number i = 50; i < 60; ++i) {
            source.insert({key(scattered(i)), value(i)});
          }
          source.insert({key(1), value(100)});
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
          copy.erase_if([](const auto& e) { return number_of(e.first) % 2 == 0; });
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
            return number_of(e.first) % 3 == 0;
          });
        },
        [](auto& m) { std::erase_if(m, [](const auto& e) { return e.first % 3 == 0; }); });
    step([&](auto& m) { m.shrink_to_fit(); });
    for (number i = 0; i < 30; ++i) {
      step(
          effect::all_or_nothing, [&](auto& m) { m.erase(key(scattered(i))); },
          [&](auto& m) { m.erase(scattered(i)); });
    }
    step([&](auto& m) { m.shrink_to_fit(); });
    step(
        effect::in_part, [](auto& m) { m.clear(); }, [](auto& m) { m.clear(); });
    for (number i = 0; i < 12; ++i) {
      step(
          effect::all_or_nothing,
          [&](auto& m) {
            m.insert({key(scattered(i)), value(i)});
          },
          [&](auto& m) { m.emplace(scattered(i), i); });
    }
  }

  model_type model_;
  map_type map_;
  allocation_account& account_;
  std::size_t wrong_ = 0;
  std::size_t step_ = 0;
  std::size_t first_wrong_ = 0;
  std::size_t fault_countdown_at_end_ = 0;
};

/// Returns how many points there were.
template <class Map>
std::size_t sweep_life() {
  faults_thrown = {};
  std::size_t lost = 0;
  std::size_t wrong = 0;
  const std::size_t points = sweep_script(
      [&](allocation_account& account) {
        const std::size_t point = fault_countdown;
        {
          map_life<Map> life(account);
          const std::size_t found = life.run();
          if (found != 0) {
            UNSCOPED_INFO(found << " wrong when point " << point << " throws, from step "
                                << life.first_wrong() << " on");
          }
          wrong += found;
        }
        wrong += sweep_text::alive == 0 ? 0U : 1U;
      },
      lost);
  CHECK(wrong == 0);
  CHECK(lost == 0);
  return points;
}

}  // namespace concur_test
