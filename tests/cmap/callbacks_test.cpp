// SPDX-License-Identifier: MIT
/// \file
/// What runs inside a map's operations may use the map: callables, predicates, equalities and
/// destructors. Nothing is locked, and what a callable sees stays whole while it runs.
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using small_map = tiny_cmap<number, number>;
using text_map = tiny_cmap<number, std::string>;

std::string text(number n) {
  return "a value that a string keeps in memory of its own, " + std::to_string(n);
}

/// Every kind of write, many of them, to other keys than those below 100.
template <class Map>
void churn(Map& map, number first) {
  using V = typename Map::mapped_type;
  const auto value = [](number n) {
    if constexpr (std::is_same_v<V, std::string>) {
      return text(n);
    } else {
      return n;
    }
  };
  for (number i = first; i < first + 400; ++i) map.insert({i, value(i)});
  for (number i = first; i < first + 400; ++i) map.insert_or_assign(i, value(i + 1));
  for (number i = first; i < first + 400; ++i) map.update(i, [&](V& v) { v = value(i + 2); });
  for (number i = first; i < first + 400; ++i) map.erase(i);
}

/// Equality that looks into another map, and counts.
struct looking_equal {
  const concur::cmap<number, number>* other = nullptr;
  bool operator()(number a, number b) const {
    if (other != nullptr && !other->contains(0)) return false;
    return a == b;
  }
};

/// Its constructor says that it runs, and waits for an answer.
class slowly_made {
 public:
  slowly_made() = default;
  slowly_made(std::atomic<int>& step, std::atomic<bool>& is_gone) : is_gone_(&is_gone) {
    step = 1;
    while (step != 2) std::this_thread::yield();
  }
  slowly_made(const slowly_made&) = delete;
  slowly_made& operator=(const slowly_made&) = delete;
  ~slowly_made() {
    if (is_gone_ != nullptr) *is_gone_ = true;
  }

 private:
  std::atomic<bool>* is_gone_ = nullptr;
};

/// Calls a hook inside every allocation.
template <class T>
struct hooked_allocator : counting_allocator<T> {
  using value_type = T;
  std::function<void()>* hook;

  hooked_allocator(allocation_account& account, std::function<void()>& h)
      : counting_allocator<T>(account), hook(&h) {}
  template <class U>
  hooked_allocator(const hooked_allocator<U>& other)
      : counting_allocator<T>(other.account()), hook(other.hook) {}
  T* allocate(std::size_t n) {
    if (*hook) {
      const auto now = *hook;  // it may end itself
      now();
    }
    return counting_allocator<T>::allocate(n);
  }
};

/// Its last copy writes to a map when it dies.
class last_words {
 public:
  last_words(small_map& log, number id) : log_(&log), id_(id) {}
  last_words(const last_words&) = default;
  last_words(last_words&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), id_(other.id_) {}
  last_words& operator=(const last_words&) = default;
  ~last_words() {
    if (log_ == nullptr) return;
    log_->upsert(
        id_, [](number& n) { ++n; }, 1U);
    log_->erase(id_ + 1'000'000);
    static_cast<void>(log_->find(id_));
  }

 private:
  small_map* log_;
  number id_;
};

/// A value whose destructor uses the map that it is in.
struct user_of_its_map {
  using map_type = tiny_cmap<number, user_of_its_map>;
  map_type* map;
  const bool* is_over;
  number key;
  static inline number destroyed = 0;

  user_of_its_map(map_type& m, const bool& over, number k) : map(&m), is_over(&over), key(k) {}
  user_of_its_map(const user_of_its_map&) = default;
  user_of_its_map& operator=(const user_of_its_map&) = default;
  ~user_of_its_map() {
    ++destroyed;
    if (*is_over) return;
    static_cast<void>(map->contains(key));
    map->erase(key + 500);
  }
};

}  // namespace

TEST_CASE("cmap: a visitor erases, overwrites and inserts the element that it looks at") {
  text_map map;
  for (number i = 0; i < 50; ++i) map.insert({i, text(i)});
  REQUIRE(map.visit(1, [&](const auto& e) {
    REQUIRE(map.erase(1) == 1);
    REQUIRE_FALSE(map.contains(1));
    churn(map, 1000);
    REQUIRE(e.second == text(1));
    REQUIRE(map.insert({1, text(11)}));
    churn(map, 1000);
    REQUIRE(e.second == text(1));
    map.insert_or_assign(1, text(12));
    REQUIRE(map.update(1, [](std::string& s) { s += "!"; }) == 1);
    REQUIRE(e.second == text(1));
    REQUIRE(map.find(1) == text(12) + "!");
  }) == 1);
  REQUIRE(map.find(1) == text(12) + "!");
  REQUIRE(map.size() == 50);
  require_sound(map);
}

TEST_CASE("cmap: visitors nest") {
  small_map map;
  for (number i = 0; i < 30; ++i) map.insert({i, i});
  number depth = 0;
  const auto visit = [&](const auto& self, number k) -> void {
    map.visit(k, [&](const auto& e) {
      ++depth;
      if (k + 1 < 30) self(self, k + 1);
      map.erase(k);
      churn(map, 1000);
      REQUIRE(e.second == k);
    });
  };
  visit(visit, 0);
  REQUIRE(depth == 30);
  REQUIRE(map.empty());
  require_sound(map);
}

TEST_CASE("cmap: a visitor may clear, reserve, shrink, copy and traverse the map") {
  text_map map;
  for (number i = 0; i < 500; ++i) map.insert({i, text(i)});
  REQUIRE(map.cvisit(3, [&](const auto& e) {
    const text_map copy(map);
    REQUIRE(copy == map);
    map.reserve(20'000);
    REQUIRE(map.cvisit_all([](const auto&) {}) == 500);
    map.clear();
    map.shrink_to_fit();
    REQUIRE(map.empty());
    REQUIRE(e.second == text(3));
    for (number i = 0; i < 100; ++i) map.insert({i, text(i + 1)});
    REQUIRE(e.second == text(3));
  }) == 1);
  REQUIRE(map.size() == 100);
  REQUIRE(map.find(3) == text(4));
  require_sound(map);
}

TEST_CASE("cmap: a traversal that erases what it sees empties the map") {
  for (const number n : {1U, 7U, 100U, 3000U}) {
    small_map map;
    for (number i = 0; i < n; ++i) map.insert({i, i});
    std::size_t erased = 0;
    REQUIRE(map.visit_all([&](const auto& e) { erased += map.erase(e.first); }) == n);
    REQUIRE(erased == n);
    REQUIRE(map.empty());
    require_sound(map);
  }
}

TEST_CASE("cmap: a traversal that erases others does not see them") {
  small_map map;
  for (number i = 0; i < 2000; ++i) map.insert({i, i});
  std::vector<char> is_gone(2000, 0);
  std::size_t wrong = 0;
  map.visit_all([&](const auto& e) {
    wrong += is_gone[e.first] != 0 ? 1U : 0U;
    for (number i = 0; i < 5; ++i) {
      const number k = scattered(e.first * 5 + i) % 2000;
      if (k != e.first && map.erase(k) == 1) is_gone[k] = 1;
    }
  });
  // A leaf is shown as it was when it was reached: of its few entries some may just be gone.
  REQUIRE(wrong <= 100);
  std::size_t left = 0;
  for (const char gone : is_gone) left += gone == 0 ? 1U : 0U;
  REQUIRE(map.size() == left);
  require_sound(map);
}

TEST_CASE("cmap: a traversal that overwrites what it sees sees it once") {
  small_map map;
  for (number i = 0; i < 1000; ++i) map.insert({i, 0});
  REQUIRE(map.visit_all([&](const auto& e) { map.update(e.first, [](number& v) { ++v; }); }) ==
          1000);
  std::size_t wrong = 0;
  map.cvisit_all([&](const auto& e) { wrong += e.second == 1 ? 0U : 1U; });
  REQUIRE(wrong == 0);
}

TEST_CASE("cmap: an update whose callable writes to its own key runs again, and is not lost") {
  small_map map{{1, 10}};
  int runs = 0;
  REQUIRE(map.update(1, [&](number& v) {
    if (++runs == 1) map.insert_or_assign(1, 100U);
    v += 1;
  }) == 1);
  REQUIRE(runs == 2);
  REQUIRE(map.find(1) == 101);

  runs = 0;
  REQUIRE(map.update(1, [&](number& v) {
    if (++runs == 1) map.erase(1);
    v += 1;
  }) == 0);
  REQUIRE(runs == 1);
  REQUIRE_FALSE(map.contains(1));

  runs = 0;
  REQUIRE(map.compute(1, [&](std::optional<number>& v) {
    if (++runs == 1) map.insert({1, 7});
    v = v ? *v + 1 : 1;
  }));
  REQUIRE(runs == 2);
  REQUIRE(map.find(1) == 8);

  runs = 0;
  number last = 0;
  REQUIRE(map.erase_if(1, [&](const auto& e) {
    if (++runs == 1) map.insert_or_assign(1, 9U);
    last = e.second;
    return true;
  }) == 1);
  REQUIRE(runs == 2);
  REQUIRE(last == 9);
  REQUIRE(map.empty());
  require_sound(map);
}

TEST_CASE("cmap: callables of every operation write to other keys") {
  small_map map{{1, 1}, {2, 2}, {3, 3}};
  int calls = 0;
  const auto use = [&](const auto&...) {
    ++calls;
    churn(map, 1000 * static_cast<number>(calls));
  };
  map.update(1, use);
  map.upsert(1, use, 0U);
  map.compute(1, use);
  map.insert_or_visit({1, 0}, use);
  map.insert_and_visit({4, 4}, use, use);
  map.insert_and_cvisit({4, 4}, use, use);
  map.try_emplace_or_cvisit(4, 4U, use);
  map.visit_all(use);
  map.erase_if(2, [&](const auto& e) { return use(e), true; });
  map.erase_if([&](const auto& e) { return use(e), e.first == 3; });
  const std::vector<number> keys{1, 4, 9};
  map.visit(keys.begin(), keys.end(), use);
  std::uint64_t cursor = 0;
  do cursor = map.scan(cursor, 1, use);
  while (cursor != 0);
  REQUIRE(calls >= 18);
  REQUIRE(map.size() == 2);
  REQUIRE(map.find(1) == 1);
  REQUIRE(map.find(4) == 4);
  require_sound(map);
}

TEST_CASE("cmap: a callable that throws after it wrote leaves what it wrote") {
  small_map map{{1, 10}, {2, 20}};
  REQUIRE_THROWS_AS(map.update(1,
                               [&](number& v) {
                                 v = 0;
                                 map.erase(2);
                                 map.insert({3, 30});
                                 throw std::runtime_error("after writing");
                               }),
                    std::runtime_error);
  REQUIRE(map.find(1) == 10);
  REQUIRE_FALSE(map.contains(2));
  REQUIRE(map.find(3) == 30);
  REQUIRE_THROWS_AS(map.visit_all([&](const auto&) { throw std::runtime_error("while pinned"); }),
                    std::runtime_error);
  map.quiesce();  // nothing stays pinned
  REQUIRE(map.stats().retired == 0);
}

TEST_CASE("cmap: callables nest over two maps in both orders") {
  small_map a{{1, 1}};
  small_map b{{1, 1}};
  a.update(1, [&](number& x) {
    b.update(1, [&](number& y) {
      y += a.find(1).value();
      a.insert({2, y});
    });
    x += b.find(1).value();
  });
  REQUIRE(a.find(1) == 3);
  REQUIRE(b.find(1) == 2);
  REQUIRE(a.find(2) == 2);
  failures found;
  on_threads(2, found, [&](int index) {
    small_map& mine = index == 0 ? a : b;
    small_map& other = index == 0 ? b : a;
    for (number i = 0; i < 2000; ++i) {
      mine.visit(1, [&](const auto&) {
        other.visit(1, [&](const auto&) { mine.insert_or_assign(10 + i % 20, i); });
        other.insert_or_assign(30 + i % 20, i);
      });
    }
  });
  found.require();
  REQUIRE(a.contains(1));
  REQUIRE(b.contains(1));
}

TEST_CASE("cmap: an equality may use another map") {
  const concur::cmap<number, number> other{{0, 0}};
  tiny_cmap<number, number, shaped_hash, looking_equal> map(0, shaped_hash{shape::few},
                                                            looking_equal{&other});
  for (number i = 0; i < 200; ++i) REQUIRE(map.insert({i, i}));
  for (number i = 0; i < 200; ++i) REQUIRE(map.find(i) == i);
}

TEST_CASE("cmap: destructors of values write to another map, and no value is destroyed twice") {
  small_map log;
  constexpr number n = 300;
  {
    tiny_cmap<number, last_words> map;
    for (number i = 0; i < n; ++i) map.try_emplace(i, log, i);
    for (number i = 0; i < n; ++i) map.insert_or_assign(i, last_words(log, i + 1000));
    for (number i = 0; i < n; i += 2) map.erase(i);
    map.quiesce();
  }
  REQUIRE(log.size() == 2 * n);
  std::size_t wrong = 0;
  log.cvisit_all([&](const auto& e) { wrong += e.second == 1 ? 0U : 1U; });
  REQUIRE(wrong == 0);
}

TEST_CASE("cmap: destructors of values may use the map that the values are in") {
  bool is_over = false;
  user_of_its_map::destroyed = 0;
  {
    user_of_its_map::map_type map;
    map.set_reclaim_period(4);
    for (number round = 0; round < 5; ++round) {
      for (number i = 0; i < 1000; ++i) map.try_emplace(i, map, is_over, i);
      for (number i = 0; i < 500; ++i) {
        map.insert_or_assign(i, user_of_its_map(map, is_over, i));
      }
      for (number i = 0; i < 1000; ++i) map.erase(i);
    }
    map.quiesce();
    REQUIRE(map.empty());
    require_sound(map);
    map.try_emplace(1, map, is_over, 1U);
    is_over = true;
  }
  REQUIRE(user_of_its_map::destroyed > 5 * 1500);
}

TEST_CASE("cmap: a new element stays while it is shown, although others erase it at once") {
  // Large, so that its place is found at the first attempt, and nothing is looked up again.
  concur::cmap<number, slowly_made> map;
  map.reserve(10'000);
  for (number i = 1'000; i < 2'000; ++i) map.try_emplace(i);
  std::atomic<int> step{0};
  std::atomic<bool> is_gone{false};
  const auto wait_for = [&](int wanted) {
    while (step != wanted) std::this_thread::yield();
  };
  failures found;
  on_threads(2, found, [&](int index) {
    if (index == 0) {
      map.try_emplace_and_cvisit(
          1, step, is_gone,
          [&](const auto&) {
            step = 3;
            wait_for(4);
            MT_CHECK(found, !is_gone);
          },
          [](const auto&) {});
      return;
    }
    const auto make_others = [&] {
      for (number i = 100; i < 300; ++i) map.try_emplace(i);
      for (number i = 100; i < 300; ++i) map.erase(i);
    };
    wait_for(1);  // its place has been looked up, and its value is being made
    make_others();
    step = 2;
    wait_for(3);  // it is shown
    MT_CHECK(found, map.erase(1) == 1);
    for (int i = 0; i < 10; ++i) make_others();
    step = 4;
  });
  found.require();
  map.quiesce();
  REQUIRE(is_gone);
}

TEST_CASE("cmap: an allocator that uses the map while a thread's record is made loses nothing") {
  std::function<void()> hook;
  allocation_account account;
  {
    tiny_cmap<number, number, concur::hash<number>, std::equal_to<>,
              hooked_allocator<std::pair<const number, number>>>
        map{hooked_allocator<std::pair<const number, number>>(account, hook)};
    // Once at each of the first allocations: one of them is that of the record.
    for (number n = 0; n < 20; ++n) {
      std::thread([&] {
        number left = n;
        hook = [&] {
          if (left-- != 0) return;
          hook = nullptr;
          for (number i = 0; i < 100; ++i) map.insert_or_assign(i % 10, i);
        };
        map.insert_or_assign(50, n);
        hook = nullptr;
      }).join();
    }
    REQUIRE(map.find(50) == 19U);
    require_sound(map);
  }
  REQUIRE(account.balanced());
}
