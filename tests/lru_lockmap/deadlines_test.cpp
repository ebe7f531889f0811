// SPDX-License-Identifier: MIT
// The wheel of deadlines by itself, beside a slow model.
#include <concur/detail/lru/deadlines.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

namespace {

namespace eviction = concur::eviction;
using some_allocator = std::allocator<std::byte>;

constexpr std::int64_t tick = std::int64_t{1} << 20;

struct no_lock {
  void lock() {}
  void unlock() {}
};

template <class Allocator = some_allocator>
class wheel {
 public:
  using deadlines = concur::detail::lru::deadlines<Allocator>;

  explicit wheel(std::size_t n, const Allocator& allocator = {})
      : allocator_(allocator), nodes_(n), moments_(n, deadlines::never), times_(allocator) {}

  bool set(std::size_t i, std::int64_t at) {
    moments_[i] = at;
    if (times_.set(nodes_[i], at)) return true;
    no_lock none;
    eviction::supply(times_, allocator_, none);
    return times_.set(nodes_[i], at);
  }
  void remove(std::size_t i) {
    times_.remove(nodes_[i]);
    moments_[i] = deadlines::never;
  }
  /// Later, and nobody is told.
  void put_off(std::size_t i, std::int64_t at) { moments_[i] = at; }
  std::int64_t moment(std::size_t i) const { return moments_[i]; }
  bool is_in(std::size_t i) const { return nodes_[i].timer != 0; }

  /// Which are due; they are taken out.
  std::vector<std::size_t> advance(std::int64_t now, unsigned steps = ~0U,
                                   std::size_t most = ~std::size_t{0}) {
    std::vector<std::size_t> due;
    times_.advance(
        now, steps,
        [&](eviction::node& n) {
          ++looks;
          const auto i = static_cast<std::size_t>(&n - nodes_.data());
          if (i >= nodes_.size()) FAIL("no node of ours");
          if (moments_[i] > now) return moments_[i];
          due.push_back(i);
          moments_[i] = deadlines::never;
          return deadlines::never;
        },
        [&] { return due.size() != most; });
    std::sort(due.begin(), due.end());
    return due;
  }
  deadlines& times() { return times_; }
  std::size_t looks = 0;

 private:
  Allocator allocator_;
  std::vector<eviction::node> nodes_;
  std::vector<std::int64_t> moments_;
  deadlines times_;
};

using indices = std::vector<std::size_t>;

}  // namespace

TEST_CASE("deadlines: each is met when its time is over, and not before", "[lru][expiry]") {
  wheel<> w(4);
  REQUIRE(w.advance(100 * tick).empty());
  REQUIRE(w.set(0, 105 * tick));
  REQUIRE(w.set(1, 200 * tick));
  REQUIRE(w.set(2, 100'000'000 * tick));
  REQUIRE(w.set(3, 50 * tick));  // it is over
  REQUIRE(w.times().size() == 4);
  REQUIRE(w.advance(101 * tick) == indices{3});
  REQUIRE(w.advance(105 * tick - 1).empty());
  REQUIRE(w.advance(105 * tick) == indices{0});
  REQUIRE(w.advance(199 * tick).empty());
  REQUIRE(w.advance(99'999'999 * tick) == indices{1});
  REQUIRE(w.advance(100'000'001 * tick) == indices{2});
  REQUIRE(w.times().size() == 0);
}

TEST_CASE("deadlines: what is not removed is met in the next tick again", "[lru][expiry]") {
  concur::detail::lru::deadlines<some_allocator> times{some_allocator()};
  no_lock none;
  eviction::node n;
  REQUIRE(!times.set(n, 5));
  eviction::supply(times, some_allocator(), none);
  REQUIRE(times.set(n, 5));
  int looks = 0;
  const auto advance = [&](std::int64_t now) {
    times.advance(
        now, 100,
        [&](eviction::node&) {
          ++looks;
          return std::int64_t{5};
        },
        [] { return true; });
  };
  advance(6);
  advance(7);
  REQUIRE(looks == 1);
  advance(tick);
  REQUIRE(looks == 2);
}

TEST_CASE("deadlines: at the end of time what is not removed stays in the wheel", "[lru][expiry]") {
  constexpr std::int64_t end = std::numeric_limits<std::int64_t>::max() - 1;
  concur::detail::lru::deadlines<some_allocator> times{some_allocator()};
  some_allocator allocator;
  no_lock none;
  eviction::node node;
  if (!times.set(node, tick)) {
    eviction::supply(times, allocator, none);
    REQUIRE(times.set(node, tick));
  }
  unsigned looks = 0;
  const auto keep = [&](eviction::node&) {
    ++looks;
    return end;
  };
  times.advance(end, 4, keep, [] { return true; });
  REQUIRE(looks != 0);
  REQUIRE(node.timer != 0);
  times.advance(
      end, 4, [&](eviction::node&) { return times.never; }, [] { return true; });
  REQUIRE(node.timer == 0);
}

TEST_CASE("deadlines: as a slow model has it, whatever happens", "[lru][expiry]") {
  std::mt19937_64 random(7);
  for (const std::int64_t begin : {std::int64_t{0}, -(std::int64_t{1} << 40), INT64_MIN + 1}) {
    constexpr std::size_t n = 300;
    wheel<> w(n);
    std::int64_t now = begin;
    for (int step = 0; step < 20'000; ++step) {
      const std::size_t i = random() % n;
      const auto span = static_cast<std::int64_t>(random() % (std::uint64_t{1} << random() % 45));
      switch (random() % 6) {
        case 0:
        case 1:
          REQUIRE(w.set(i, now + span));
          break;
        case 2:
          w.remove(i);
          break;
        case 3:
          if (w.is_in(i)) w.put_off(i, std::max(w.moment(i), now) + span);
          break;
        case 4:
          now += span / 16;
          break;
        default: {
          // What is over since this very tick may be met in the next one.
          indices expected, over;
          for (std::size_t k = 0; k < n; ++k) {
            if (w.moment(k) <= now) over.push_back(k);
            if (w.moment(k) < now - now % tick - (now < 0 ? tick : 0)) expected.push_back(k);
          }
          const indices due = w.advance(now);
          REQUIRE(std::includes(over.begin(), over.end(), due.begin(), due.end()));
          REQUIRE(std::includes(due.begin(), due.end(), expected.begin(), expected.end()));
        }
      }
    }
    std::size_t left = 0;
    for (std::size_t k = 0; k < n; ++k) left += w.is_in(k) ? 1U : 0U;
    REQUIRE(w.times().size() == left);
    REQUIRE(w.advance(INT64_MAX - 1).size() == left);
    REQUIRE(w.times().size() == 0);
  }
}

TEST_CASE("deadlines: a few steps at a time come to the same", "[lru][expiry]") {
  std::mt19937_64 random(9);
  constexpr std::size_t n = 2000;
  wheel<> w(n);
  std::int64_t now = 0;
  for (std::size_t i = 0; i < n; ++i) {
    REQUIRE(w.set(i, static_cast<std::int64_t>(random() % 1'000'000) * tick));
  }
  std::size_t met = 0;
  while (met != n) {
    now += static_cast<std::int64_t>(random() % 5000) * tick;
    for (int rest = 0; rest < 20; ++rest) {
      const std::size_t before = w.looks;
      const auto due = w.advance(now, 8, 2);
      met += due.size();
      REQUIRE(due.size() <= 2);
      REQUIRE(w.looks - before <= 8);
      if (rest == 5) met += w.advance(now - 5000 * tick, 1).size();
    }
  }
  // At most one look in each digit that a deadline lies ahead.
  REQUIRE(w.looks <= 7 * n);
}

TEST_CASE("deadlines: places are used again, and grow", "[lru][expiry]") {
  using allocator = concur_test::counting_allocator<std::byte>;
  concur_test::allocation_account account;
  {
    wheel<allocator> w(1000, allocator(account));
    REQUIRE(account.total_allocations() == 0);
    for (int round = 0; round < 20; ++round) {
      for (std::size_t i = 0; i < 50; ++i) REQUIRE(w.set(i, tick * round));
      for (std::size_t i = 0; i < 50; i += 2) w.remove(i);
    }
    REQUIRE(account.total_allocations() == 1);
    for (std::size_t i = 0; i < 1000; ++i) {
      REQUIRE(w.set(i, tick * static_cast<std::int64_t>(i * 37)));
    }
    REQUIRE(account.live_allocations() == 1);
    REQUIRE(account.total_allocations() <= 5);
    for (std::size_t i = 0; i < 1000; ++i) {
      REQUIRE(w.advance(tick * static_cast<std::int64_t>(i * 37)) == indices{i});
    }
  }
  REQUIRE(account.balanced());
}

TEST_CASE("deadlines: memory that was denied is not asked for at once again", "[lru][expiry]") {
  using allocator = concur_test::counting_allocator<std::byte>;
  concur_test::allocation_account account;
  wheel<allocator> w(200, allocator(account));
  account.fail_at(1);
  REQUIRE(!w.set(0, tick));
  REQUIRE(!account.failure_pending());
  int denied = 0;
  while (!w.set(1, 2 * tick)) ++denied;
  REQUIRE(denied >= 8);
  REQUIRE(denied <= 40);
  REQUIRE(w.advance(5 * tick) == indices{1});
}
