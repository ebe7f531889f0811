// SPDX-License-Identifier: MIT
#include <cstdio>
#include <ctime>
#include <map>

#include "linearizability/intervals.hpp"
#include "linearizability/per_key.hpp"
#include "linearizability/small_history.hpp"
#include "support/catch.hpp"

// The checker is checked against histories that are linearizable by construction, against the same
// histories with one thing changed, and against a second checker that tries every order.

using namespace linearizability;

namespace {

struct random_source {
  std::uint64_t x;
  std::uint64_t operator()(std::uint64_t n) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (x >> 11) % n;
  }
};

/// Runs `threads` simulated threads over a real map: each operation takes effect at one moment
/// between its call and its return.
std::vector<operation> simulate(std::size_t n, int threads, std::uint64_t keys, random_source r,
                                bool leave_pending = false) {
  struct running {
    operation o;
    int phase = 0;  // 0 idle, 1 called, 2 took effect
  };
  std::vector<running> now(static_cast<std::size_t>(threads));
  std::vector<operation> history;
  std::map<std::uint64_t, std::uint64_t> map;
  std::uint64_t time = 1;
  std::uint64_t unique = 1;
  while (history.size() < n) {
    const auto t = static_cast<std::size_t>(r(static_cast<std::uint64_t>(threads)));
    running& me = now[t];
    ++time;
    if (me.phase == 0) {
      me.o = operation{};
      me.o.thread = static_cast<std::uint8_t>(t);
      me.o.key = r(keys);
      me.o.what = static_cast<kind>(r(10));
      me.o.argument = me.o.what == kind::replace || me.o.what == kind::erase_equal
                          ? (map.count(me.o.key) != 0 ? map[me.o.key] : 0)
                          : ++unique;
      me.o.argument2 = ++unique;
      me.o.invoked = time;
      me.phase = 1;
    } else if (me.phase == 1) {
      std::uint64_t state = map.count(me.o.key) != 0 ? map[me.o.key] : absent;
      me.o.result = apply(me.o, state);
      if (state == absent)
        map.erase(me.o.key);
      else
        map[me.o.key] = state;
      me.phase = 2;
    } else {
      me.o.returned = time;
      history.push_back(me.o);
      me.phase = 0;
    }
  }
  for (running& me : now) {
    if (me.phase == 0 || (me.phase == 1 && !leave_pending)) continue;
    me.o.returned = leave_pending ? never : ++time;
    history.push_back(me.o);
  }
  return history;
}

partial_history<operation> by_real_time(const std::vector<operation>& h) {
  partial_history<operation> p;
  p.operations = h;
  for (const operation& o : h) {
    std::uint32_t before = 0;
    for (std::size_t j = 0; j < h.size(); ++j)
      if (h[j].returned < o.invoked) before |= 1u << j;
    p.before.push_back(before);
  }
  return p;
}

}  // namespace

TEST_CASE("histories of an atomic map are accepted, whatever the threads and keys") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    random_source r{seed * 0x9E3779B97F4A7C15U};
    const auto h = simulate(400, 1 + static_cast<int>(r(6)), 1 + r(8), r, seed % 2 == 0);
    const verdict v = check_per_key(h);
    INFO(v.why);
    CHECK(v.linearizable);
    CHECK(!v.inconclusive);
    CHECK(v.operations == h.size());
  }
}

TEST_CASE("a history with two results exchanged is rejected") {
  int exchanged = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    random_source r{seed * 0x9E3779B97F4A7C15U};
    auto h = simulate(60, 1, 1, r);  // one thread: every result is determined
    std::size_t a = static_cast<std::size_t>(r(h.size()));
    std::size_t b = static_cast<std::size_t>(r(h.size()));
    if (h[a].result == h[b].result) continue;
    std::swap(h[a].result, h[b].result);
    ++exchanged;
    const verdict v = check_per_key(h);
    CHECK(!v.linearizable);
    CHECK(!v.why.empty());
  }
  CHECK(exchanged > 100);
}

TEST_CASE("a history without one of its writes is rejected when somebody read it") {
  int dropped = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    random_source r{seed * 0x9E3779B97F4A7C15U};
    auto h = simulate(60, 1, 1, r);
    for (std::size_t i = 0; i + 1 < h.size(); ++i) {
      if (h[i].what != kind::assign || h[i + 1].what != kind::find) continue;
      h.erase(h.begin() + static_cast<std::ptrdiff_t>(i));
      ++dropped;
      CHECK(!check_per_key(h).linearizable);
      break;
    }
  }
  CHECK(dropped > 20);
}

TEST_CASE("known small violations are rejected and explained") {
  const auto op = [](kind what, std::uint64_t invoked, std::uint64_t returned, std::uint64_t result,
                     std::uint64_t argument = 0) {
    operation o;
    o.what = what;
    o.invoked = invoked;
    o.returned = returned;
    o.result = result;
    o.argument = argument;
    return o;
  };
  SECTION("two winners of an insert") {
    const verdict v = check_per_key({op(kind::insert, 1, 5, 1, 10), op(kind::insert, 2, 6, 1, 20)});
    CHECK(!v.linearizable);
    CHECK(v.why.find("insert") != std::string::npos);
  }
  SECTION("a stale read after the write returned") {
    CHECK(
        !check_per_key({op(kind::insert, 1, 2, 1, 10), op(kind::find, 3, 4, absent)}).linearizable);
    CHECK(
        check_per_key({op(kind::insert, 1, 4, 1, 10), op(kind::find, 3, 5, absent)}).linearizable);
  }
  SECTION("new, then old") {
    CHECK(!check_per_key({op(kind::assign, 1, 9, absent, 10), op(kind::find, 2, 3, 10),
                          op(kind::find, 4, 5, absent)})
               .linearizable);
  }
  SECTION("an operation that never returned may have taken effect, or not, at any time") {
    const operation pending = op(kind::assign, 1, never, 0, 10);
    CHECK(check_per_key({pending, op(kind::find, 2, 3, 10)}).linearizable);
    CHECK(check_per_key({pending, op(kind::find, 2, 3, absent)}).linearizable);
    CHECK(check_per_key({pending, op(kind::find, 2, 3, absent), op(kind::find, 4, 5, 10)})
              .linearizable);
    CHECK(!check_per_key({pending, op(kind::find, 2, 3, 10), op(kind::find, 4, 5, absent)})
               .linearizable);
  }
  SECTION("equal times overlap") {
    CHECK(
        check_per_key({op(kind::insert, 1, 3, 1, 10), op(kind::find, 3, 4, absent)}).linearizable);
  }
}

TEST_CASE("both checkers agree on right and wrong histories") {
  int wrong = 0;
  for (std::uint64_t seed = 1; seed <= 4000; ++seed) {
    random_source r{seed * 0xD6E8FEB86659FD93U};
    auto h = simulate(7, 3, 1 + r(2), r, r(2) == 0);
    for (std::uint64_t changes = r(3); changes > 0; --changes) {
      operation& o = h[static_cast<std::size_t>(r(h.size()))];
      o.result = h[static_cast<std::size_t>(r(h.size()))].result;
    }
    const bool fast = check_per_key(h).linearizable;
    const bool thorough = check_small(by_real_time(h)).empty();
    CHECK(fast == thorough);
    wrong += fast ? 0 : 1;
  }
  CHECK(wrong > 400);
  CHECK(wrong < 3600);
}

TEST_CASE("a partial order constrains less than real time") {
  operation write;
  write.what = kind::assign;
  write.argument = 5;
  write.invoked = 1;
  write.returned = 2;
  write.result = absent;
  operation read;
  read.invoked = 3;
  read.returned = 4;
  read.result = absent;
  CHECK(!check_small({{write, read}, {0, 1}}).empty());
  CHECK(check_small({{write, read}, {0, 0}}).empty());
}

TEST_CASE("snapshots, reads of several keys and clear are checked on the whole map") {
  const auto put = [](std::uint64_t key, std::uint64_t value) {
    whole_operation o;
    o.single.what = kind::assign;
    o.single.key = key;
    o.single.argument = value;
    o.single.result = absent;
    o.single.returned = 1;
    return o;
  };
  whole_operation snapshot;
  snapshot.what = whole::snapshot;
  whole_operation clear;
  clear.what = whole::clear;
  // put(0, 1) then put(1, 2) in one thread; a snapshot beside them
  const std::vector<std::uint32_t> order = {0, 1, 0};
  snapshot.result = 0;
  CHECK(check_whole({{put(0, 1), put(1, 2), snapshot}, order}));
  snapshot.result = 0x01;
  CHECK(check_whole({{put(0, 1), put(1, 2), snapshot}, order}));
  snapshot.result = 0x0201;
  CHECK(check_whole({{put(0, 1), put(1, 2), snapshot}, order}));
  snapshot.result = 0x0200;
  CHECK(!check_whole({{put(0, 1), put(1, 2), snapshot}, order}));
  whole_operation some;
  some.what = whole::read_some;
  some.mask = 0xffff;
  some.result = 0x0200;
  CHECK(!check_whole({{put(0, 1), put(1, 2), some}, order}));
  some.mask = 0xff00;
  CHECK(check_whole({{put(0, 1), put(1, 2), some}, order}));
  snapshot.result = 0x0200;
  CHECK(check_whole({{put(0, 1), put(1, 2), snapshot, clear}, {0, 1, 0, 0}}));
  clear.pending = true;
  CHECK(check_whole({{put(0, 1), put(1, 2), snapshot, clear}, {0, 1, 0, 0}}));
  snapshot.result = 0x03;
  CHECK(!check_whole({{put(0, 1), put(1, 2), snapshot, clear}, {0, 1, 0, 0}}));
}

TEST_CASE("iterations and sizes are checked against intervals") {
  operation insert;
  insert.what = kind::insert;
  insert.key = 7;
  insert.argument = 70;
  insert.result = 1;
  insert.invoked = 1;
  insert.returned = 2;
  operation erase = insert;
  erase.what = kind::erase;
  erase.invoked = 12;
  erase.returned = 14;
  using elements = std::vector<seen_element>;
  const auto verdict_of = [](std::vector<operation> h, std::uint64_t from, std::uint64_t to,
                             elements seen) {
    return check_iteration(h, {from, to, seen});
  };
  CHECK(verdict_of({insert}, 3, 10, {{7, 70}}) == "");
  CHECK(verdict_of({insert}, 3, 10, {}) != "");                  // missed
  CHECK(verdict_of({insert}, 3, 10, {{7, 70}, {7, 70}}) != "");  // twice
  CHECK(verdict_of({insert}, 3, 10, {{7, 71}}) != "");           // never had that value
  CHECK(verdict_of({insert}, 3, 10, {{7, 70}, {8, 80}}) != "");  // never there
  CHECK(verdict_of({insert, erase}, 3, 13, {}) == "");           // may be gone
  CHECK(verdict_of({insert, erase}, 3, 13, {{7, 70}}) == "");
  CHECK(verdict_of({insert, erase}, 15, 20, {}) == "");
  CHECK(verdict_of({insert, erase}, 15, 20, {{7, 70}}) != "");  // erased before
  operation put = insert;
  put.what = kind::put;
  put.argument = 71;
  put.result = 0;
  put.invoked = 5;
  put.returned = 6;
  CHECK(verdict_of({insert, put}, 8, 10, {{7, 71}}) == "");
  CHECK(verdict_of({insert, put}, 6, 10, {{7, 70}}) == "");
  CHECK(verdict_of({insert, put}, 8, 10, {{7, 70}}) != "");  // overwritten before
  operation again = insert;
  again.invoked = 16;
  again.returned = 17;
  CHECK(verdict_of({again, erase, insert}, 18, 20, {}) != "");  // the order of the list is any
  CHECK(verdict_of({again, erase, insert}, 18, 20, {{7, 70}}) == "");
  CHECK(check_iteration({}, {1, 2, {}}, {{5, 50}}) != "");  // initial elements count
  CHECK(check_iteration({}, {1, 2, {{5, 50}}}, {{5, 50}}) == "");

  CHECK(check_size({insert}, 3, 4, 1));
  CHECK(!check_size({insert}, 3, 4, 0));
  CHECK(check_size({insert}, 1, 2, 0));
  CHECK(check_size({insert, erase}, 13, 13, 0));
  CHECK(check_size({insert, erase}, 13, 13, 1));
  CHECK(!check_size({insert, erase}, 15, 16, 1));
  CHECK(!check_size({}, 1, 2, ~std::uint64_t{0}));  // never negative
}

// Not asserted. `model_linearizability "[.speed]"` prints operations per second.
TEST_CASE("speed of the checker", "[.speed]") {
  struct shape {
    int threads;
    std::uint64_t keys;
  };
  for (const shape s :
       {shape{2, 64}, shape{4, 64}, shape{8, 64}, shape{4, 4}, shape{4, 1}, shape{8, 8}}) {
    const auto h = simulate(1'000'000, s.threads, s.keys, {88172645463325252U});
    const std::clock_t begin = std::clock();
    const verdict v = check_per_key(h);
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    CHECK(v.linearizable);
    std::printf("%d threads, %llu keys: %.2f million operations/s, at most %zu configurations\n",
                s.threads, static_cast<unsigned long long>(s.keys), 1.0 / seconds,
                v.most_configurations);
  }
}
