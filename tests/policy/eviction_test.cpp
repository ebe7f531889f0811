// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <concur/policy/eviction.hpp>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "support/cache_simulator.hpp"
#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/made_traces.hpp"
#include "support/threads.hpp"

namespace eviction = concur::eviction;
using concur::eviction_policy;
using concur_test::simulated_shard;

namespace {

/// A policy of one's own: first in, first out.
struct fifo {
  static constexpr bool prefers_one_shard = false;

  template <class Allocator>
  class queue {
   public:
    queue(std::uint64_t, const Allocator&) noexcept {}
    void set_capacity(std::uint64_t) noexcept {}
    bool touch(eviction::node&) const noexcept { return false; }
    void promote(eviction::node&) noexcept {}
    void insert(eviction::node& fresh) noexcept { list_.push_newest(fresh); }
    void erase(eviction::node& gone) noexcept { list_.erase(gone); }
    eviction::node* victim() noexcept { return list_.oldest(); }
    void evict(eviction::node& gone) noexcept { list_.erase(gone); }
    void reweigh(eviction::node& changed, std::uint32_t weight) noexcept {
      list_.reweigh(changed, weight);
    }
    std::uint64_t weight() const noexcept { return list_.weight(); }
    template <class F>
    void for_each(F&& f) {
      list_.for_each(f);
    }

   private:
    eviction::node_list list_;
  };
};

using some_allocator = std::allocator<std::byte>;
using fifo_queue = fifo::queue<some_allocator>;

// Policies that lack one thing each: a concept that became `true` would accept them.

template <class Queue>
struct policy_of {
  static constexpr bool prefers_one_shard = false;
  template <class>
  using queue = Queue;
};
struct without_preference {
  template <class>
  using queue = fifo_queue;
};
struct without_queue {
  static constexpr bool prefers_one_shard = false;
};
struct preference_at_run_time {
  static inline bool prefers_one_shard = false;
  template <class>
  using queue = fifo_queue;
};
struct without_capacity : fifo_queue {
  without_capacity() noexcept : fifo_queue(0, some_allocator()) {}
};
struct like_fifo : fifo_queue {
  using fifo_queue::fifo_queue;
};
struct touch_may_throw : like_fifo {
  using like_fifo::like_fifo;
  bool touch(eviction::node&) const { return false; }
};
struct touch_is_not_const : like_fifo {
  using like_fifo::like_fifo;
  bool touch(eviction::node&) noexcept { return false; }
};
struct touch_says_nothing : like_fifo {
  using like_fifo::like_fifo;
  void touch(eviction::node&) const noexcept {}
};
struct insert_may_throw : like_fifo {
  using like_fifo::like_fifo;
  void insert(eviction::node&) {}
};
struct victim_is_a_reference : like_fifo {
  using like_fifo::like_fifo;
  eviction::node& victim() noexcept { return *like_fifo::victim(); }
};
struct weighs_in_int : like_fifo {
  using like_fifo::like_fifo;
  int weight() const noexcept { return 0; }
};
struct asks_but_does_not_take : like_fifo {
  using like_fifo::like_fifo;
  std::size_t words_lacking() const noexcept { return 1; }
};
struct takes_but_does_not_ask : like_fifo {
  using like_fifo::like_fifo;
  void exchange_memory(eviction::memory<some_allocator>&) noexcept {}
};
struct asks_and_takes : asks_but_does_not_take {
  using asks_but_does_not_take::asks_but_does_not_take;
  void exchange_memory(eviction::memory<some_allocator>&) noexcept {}
};

static_assert(eviction_policy<eviction::exact_lru>);
static_assert(eviction_policy<eviction::lru>);
static_assert(eviction_policy<eviction::s3fifo>);
static_assert(eviction_policy<eviction::w_tinylfu>);
static_assert(eviction_policy<fifo>);
static_assert(eviction_policy<policy_of<like_fifo>>);
static_assert(eviction_policy<policy_of<asks_and_takes>>);
static_assert(!eviction_policy<int>);
static_assert(!eviction_policy<without_preference>);
static_assert(!eviction_policy<without_queue>);
static_assert(!eviction_policy<preference_at_run_time>);
static_assert(!eviction_policy<policy_of<without_capacity>>);
static_assert(!eviction_policy<policy_of<touch_may_throw>>);
static_assert(!eviction_policy<policy_of<touch_is_not_const>>);
static_assert(!eviction_policy<policy_of<touch_says_nothing>>);
static_assert(!eviction_policy<policy_of<insert_may_throw>>);
static_assert(!eviction_policy<policy_of<victim_is_a_reference>>);
static_assert(!eviction_policy<policy_of<weighs_in_int>>);
static_assert(!eviction_policy<policy_of<asks_but_does_not_take>>);
static_assert(!eviction_policy<policy_of<takes_but_does_not_ask>>);
static_assert(concur::detail::check_eviction_policy<fifo>());

static_assert(eviction::exact_lru::prefers_one_shard && !eviction::lru::prefers_one_shard);
static_assert(sizeof(eviction::node) <= 40);

using keys = std::vector<std::uint64_t>;

/// The key is its hash.
template <class Shard>
bool use(Shard& shard, std::uint64_t key, std::uint32_t weight = 1) {
  return shard.access(key, key * 0x9E3779B97F4A7C15U, weight);
}

template <class Shard>
void fill(Shard& shard, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t key = first; key != last; ++key) use(shard, key);
}

}  // namespace

TEST_CASE("eviction: a list keeps its order, size and weight") {
  std::deque<eviction::node> nodes(20);
  std::list<eviction::node*> expected;
  eviction::node_list list;
  CHECK(list.oldest() == nullptr);
  CHECK(list.newest() == nullptr);
  std::mt19937 random(1);
  for (int i = 0; i != 2000; ++i) {
    eviction::node& node = nodes[random() % nodes.size()];
    if (!node.is_listed()) {
      list.push_newest(node);
      expected.push_back(&node);
    } else if (random() % 3 == 0) {
      list.erase(node);
      expected.remove(&node);
    } else if (random() % 2 == 0) {
      list.move_to_newest(node);
      expected.remove(&node);
      expected.push_back(&node);
    } else {
      list.reweigh(node, static_cast<std::uint32_t>(random() % 9));
    }
    std::list<eviction::node*> seen;
    std::uint64_t weight = 0;
    CHECK(list.for_each([&](eviction::node& each) {
      seen.push_back(&each);
      weight += each.weight;
      return true;
    }));
    REQUIRE(seen == expected);
    REQUIRE(list.size() == expected.size());
    REQUIRE(list.weight() == weight);
    REQUIRE(list.oldest() == (expected.empty() ? nullptr : expected.front()));
    REQUIRE(list.newest() == (expected.empty() ? nullptr : expected.back()));
  }
}

TEST_CASE("eviction: a list is left early, and while its nodes are taken out") {
  std::deque<eviction::node> nodes(5);
  eviction::node_list list;
  for (eviction::node& node : nodes) list.push_newest(node);
  int seen = 0;
  CHECK(!list.for_each([&](eviction::node&) { return ++seen < 3; }));
  CHECK(seen == 3);
  CHECK(list.for_each([&](eviction::node& node) {
    list.erase(node);
    return true;
  }));
  CHECK(list.empty());
  CHECK(list.weight() == 0);
}

TEST_CASE("eviction: exact LRU evicts what was used longest ago") {
  simulated_shard<eviction::exact_lru> cache(3);
  fill(cache, 1, 4);
  CHECK(use(cache, 1));
  CHECK(!use(cache, 4));
  CHECK(cache.keys() == keys{3, 1, 4});
  CHECK(cache.pop() == 3);
  CHECK(cache.pop() == 1);
  CHECK(cache.pop() == 4);
  CHECK(cache.pop() == std::nullopt);
}

TEST_CASE("eviction: a policy of one's own") {
  simulated_shard<fifo> cache(3);
  fill(cache, 1, 4);
  CHECK(use(cache, 1));
  CHECK(!use(cache, 4));
  CHECK(cache.keys() == keys{2, 3, 4});
}

TEMPLATE_TEST_CASE("eviction: what was hit while it was looked at has left meanwhile", "",
                   eviction::exact_lru, eviction::lru, eviction::s3fifo, eviction::w_tinylfu) {
  const some_allocator allocator;
  typename TestType::template queue<some_allocator> queue(2, allocator);
  eviction::node a, b;
  queue.insert(a);
  queue.insert(b);
  queue.touch(a);
  queue.erase(a);
  queue.promote(a);
  CHECK(!a.is_listed());
  CHECK(b.is_listed());
  CHECK(queue.weight() == 1);
  CHECK(queue.victim() == &b);
}

TEMPLATE_TEST_CASE("eviction: weights decide how many there is room for", "", eviction::exact_lru,
                   eviction::lru, eviction::s3fifo, eviction::w_tinylfu) {
  simulated_shard<TestType> cache(100);
  for (std::uint64_t key = 0; key != 10; ++key) use(cache, key, 10);
  CHECK(cache.size() == 10);
  cache.reweigh(9, 60);
  CHECK(cache.queue().weight() <= 100);
  CHECK(cache.size() == 5);
  CHECK(cache.contains(9));
  use(cache, 100, 100);
  CHECK(cache.keys() == keys{100});
  use(cache, 101, 101);
  CHECK(cache.keys().empty());
  CHECK(cache.queue().weight() == 0);
}

TEMPLATE_TEST_CASE("eviction: without a bound nothing is wanted and nothing decided", "",
                   eviction::exact_lru, eviction::lru, eviction::s3fifo, eviction::w_tinylfu) {
  simulated_shard<TestType> cache(~std::uint64_t{0});
  fill(cache, 0, 1000);
  CHECK(cache.size() == 1000);
  CHECK(eviction::words_lacking(cache.queue()) == 0);
  CHECK(cache.keys().size() == 1000);
  CHECK(cache.pop().has_value());
}

TEMPLATE_TEST_CASE("eviction: of nothing and of one", "", eviction::exact_lru, eviction::lru,
                   eviction::s3fifo, eviction::w_tinylfu) {
  for (const std::uint64_t capacity : {0U, 1U}) {
    simulated_shard<TestType> cache(capacity);
    for (int i = 0; i != 3; ++i) fill(cache, 0, 10);
    CHECK(cache.size() == capacity);
    CHECK(use(cache, 9) == (capacity == 1));
  }
}

TEST_CASE("eviction: lazy LRU never has an element a quarter of the shard from its place") {
  simulated_shard<eviction::lru> cache(100);
  std::size_t furthest = 0;
  for (const std::uint64_t key : concur_test::zipf_trace(20000, 400, 0.8, 1)) {
    use(cache, key);
    const keys order = cache.keys();
    const auto at = std::find(order.rbegin(), order.rend(), key);
    furthest = std::max(furthest, static_cast<std::size_t>(at - order.rbegin()));
  }
  CHECK(furthest <= 25);
  CHECK(furthest > 10);
}

TEST_CASE("eviction: lazy LRU has every element near to its place, whenever one looks") {
  simulated_shard<eviction::lru> cache(100);
  simulated_shard<eviction::exact_lru> exact(1'000'000);
  std::uint64_t n = 0;
  std::size_t furthest = 0;
  for (const std::uint64_t key : concur_test::zipf_trace(20000, 400, 0.8, 1)) {
    use(cache, key);
    use(exact, key);
    if (++n % 50 != 0) continue;
    const keys order = cache.keys();
    keys expected = exact.keys();
    std::erase_if(expected, [&](std::uint64_t k) { return !cache.contains(k); });
    REQUIRE(expected.size() == order.size());
    for (std::size_t at = 0; at != order.size(); ++at) {
      const auto place = std::find(expected.begin(), expected.end(), order[at]);
      const auto off = place - (expected.begin() + static_cast<std::ptrdiff_t>(at));
      furthest = std::max(furthest, static_cast<std::size_t>(off < 0 ? -off : off));
    }
  }
  CHECK(furthest <= 25);
  CHECK(furthest > 5);
}

TEST_CASE("eviction: lazy LRU moves at evictions what was hit, and nothing else") {
  // Nobody looks at the order here, which would settle it.
  const auto trace = concur_test::zipf_trace(60000, 2000, 0.8, 3);
  simulated_shard<eviction::lru> cache(200);
  simulated_shard<eviction::exact_lru> exact(200);
  std::int64_t difference = 0;
  for (const std::uint64_t key : trace) {
    difference += (use(cache, key) ? 1 : 0) - (use(exact, key) ? 1 : 0);
  }
  CHECK(difference <= 600);  // a point
  CHECK(difference >= -600);
}

TEST_CASE("eviction: hits of what is new write nothing, those of what is old a stamp") {
  eviction::lru::queue<some_allocator> queue(100, some_allocator());
  std::deque<eviction::node> nodes(80);
  for (eviction::node& node : nodes) queue.insert(node);  // an eighth: 10
  const auto stamp = [&](std::size_t i) { return nodes[i].stamp.load(std::memory_order_relaxed); };
  for (std::size_t i = 70; i != 80; ++i) {
    const std::uint32_t before = stamp(i);
    CHECK(!queue.touch(nodes[i]));
    CHECK(stamp(i) == before);
  }
  const std::uint32_t before = stamp(0);
  queue.touch(nodes[0]);
  CHECK(stamp(0) != before);
  CHECK(!queue.touch(nodes[0]));
}

TEST_CASE("eviction: lazy LRU does not evict the newcomer, whatever was hit since") {
  eviction::lru::queue<some_allocator> queue(3, some_allocator());
  std::deque<eviction::node> nodes(4);
  for (eviction::node& node : nodes) queue.insert(node);
  for (int round = 0; round != 3; ++round) {
    for (std::size_t i = 0; i != 3; ++i) {
      if (queue.touch(nodes[i])) queue.promote(nodes[i]);
    }
  }
  eviction::node* const victim = queue.victim();
  REQUIRE(victim != nullptr);
  CHECK(victim != &nodes[3]);
  // Alone, it is.
  for (std::size_t i = 0; i != 3; ++i) queue.erase(nodes[i]);
  CHECK(queue.victim() == &nodes[3]);
}

TEST_CASE("eviction: lazy LRU has room for marks, however much is hit without an eviction") {
  simulated_shard<eviction::lru> cache(100);
  fill(cache, 0, 90);
  for (int round = 0; round != 50; ++round) fill(cache, 0, 90);
  CHECK(cache.size() == 90);
  for (std::uint64_t key = 0; key != 30; ++key) use(cache, key);
  fill(cache, 100, 140);
  for (std::uint64_t key = 0; key != 30; ++key) CHECK(cache.contains(key));
}

TEST_CASE("eviction: S3-FIFO forgets what was used once, and knows who comes back") {
  simulated_shard<eviction::s3fifo> cache(20);  // small: 2
  fill(cache, 0, 20);
  for (std::uint64_t key = 10; key != 20; ++key) use(cache, key);
  fill(cache, 20, 25);
  CHECK(cache.keys() ==
        keys{5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24});
  CHECK(!use(cache, 0));  // is remembered: to the main queue at once
  CHECK(cache.keys().back() == 0);
  fill(cache, 100, 200);
  CHECK(cache.contains(0));
  CHECK(cache.contains(10));
  CHECK(!cache.contains(20));
}

TEST_CASE("eviction: W-TinyLFU lets in what is used more often than what is there") {
  simulated_shard<eviction::w_tinylfu> cache(60);  // window: 10
  for (int round = 0; round != 5; ++round) fill(cache, 0, 50);
  fill(cache, 1000, 1200);
  for (std::uint64_t key = 0; key != 50; ++key) CHECK(cache.contains(key));
  // A key that keeps coming is let in for one that does not.
  for (int round = 0; round != 12; ++round) {
    use(cache, 7000);
    fill(cache, 2000 + 100U * static_cast<unsigned>(round),
         2020 + 100U * static_cast<unsigned>(round));
  }
  CHECK(cache.contains(7000));
}

TEST_CASE(
    "eviction: W-TinyLFU, made small after everything was protected, still has those on "
    "probation") {
  // What came back from being held is protected; as many as fit are demoted when room is made.
  simulated_shard<eviction::w_tinylfu> cache(100);
  fill(cache, 0, 100);
  for (std::uint64_t key = 0; key != 100; ++key) cache.hold(key);
  for (std::uint64_t key = 0; key != 100; ++key) cache.release(key);
  use(cache, 1000);
  use(cache, 1001);
  const keys order = cache.keys();
  const auto protected_ones = std::find(order.begin(), order.end(), 1001);
  CHECK(order.end() - protected_ones <= 1 + 68);  // four fifths of what the window leaves
}

TEMPLATE_TEST_CASE("eviction: history is memory of the allocator's, and can fail", "",
                   eviction::s3fifo, eviction::w_tinylfu) {
  using allocator = concur_test::counting_allocator<std::byte>;
  concur_test::allocation_account account;
  {
    simulated_shard<TestType, allocator> cache(100, allocator(account));
    fill(cache, 0, 40);
    CHECK(account.live_bytes() == 0);
    account.fail_at(1);
    fill(cache, 40, 300);
    CHECK(!account.failure_pending());
    CHECK(account.live_allocations() == 1);
    CHECK(account.total_allocations() == 1);
    const std::size_t bytes = account.live_bytes();
    CHECK(bytes <= 100 * 24);
    cache.set_capacity(400);
    fill(cache, 1000, 2000);
    CHECK(account.live_allocations() == 1);
    CHECK(account.live_bytes() > 3 * bytes);
    CHECK(cache.size() == 400);
  }
  CHECK(account.balanced());
}

TEMPLATE_TEST_CASE("eviction: memory that was denied is not asked for at once again", "",
                   eviction::s3fifo, eviction::w_tinylfu) {
  using allocator = concur_test::counting_allocator<std::byte>;
  concur_test::allocation_account account;
  simulated_shard<TestType, allocator> cache(100, allocator(account));
  fill(cache, 0, 40);
  account.fail_at(1);
  std::uint64_t key = 40;
  while (account.failure_pending()) use(cache, key++);
  std::uint64_t insertions = 0;
  while (account.total_allocations() == 0) {
    use(cache, key++);
    ++insertions;
  }
  CHECK(insertions >= 40);
  CHECK(insertions <= 101);
}

TEMPLATE_TEST_CASE("eviction: history through fancy pointers", "", eviction::s3fifo,
                   eviction::w_tinylfu) {
  using allocator = concur_test::fancy_allocator<std::byte>;
  concur_test::allocation_account account;
  {
    simulated_shard<TestType, allocator> cache(100, allocator(account));
    fill(cache, 0, 300);
    CHECK(account.live_allocations() == 1);
  }
  CHECK(account.balanced());
}

TEMPLATE_TEST_CASE("eviction: hits need no lock", "", eviction::exact_lru, eviction::lru,
                   eviction::s3fifo, eviction::w_tinylfu) {
  // For ThreadSanitizer: one thread inserts and evicts, others hit whatever there may be.
  constexpr std::size_t capacity = 64;
  typename TestType::template queue<some_allocator> queue(capacity, some_allocator());
  std::deque<eviction::node> nodes(2 * capacity);
  for (std::size_t i = 0; i != nodes.size(); ++i) nodes[i].hash = i * 0x9E3779B97F4A7C15U;
  std::mutex lock;
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int index) {
    std::mt19937 random(static_cast<unsigned>(index));
    if (index != 0) {
      while (!done.load(std::memory_order_relaxed)) {
        eviction::node& node = nodes[random() % nodes.size()];
        if (!queue.touch(node) || !lock.try_lock()) continue;
        queue.promote(node);
        lock.unlock();
      }
      return;
    }
    for (int i = 0; i != 50000; ++i) {
      eviction::node& fresh = nodes[random() % nodes.size()];
      {
        const std::lock_guard locked(lock);
        if (fresh.is_listed()) continue;
        queue.insert(fresh);
        if (queue.weight() > capacity) {
          eviction::node* const victim = queue.victim();
          MT_CHECK(failures, victim != nullptr && victim != &fresh);
          queue.evict(*victim);
          victim->where = 0;
        }
      }
      eviction::supply(queue, some_allocator(), lock);
    }
    done.store(true, std::memory_order_relaxed);
  });
  failures.require();
  std::size_t n = 0;
  queue.for_each([&](eviction::node& node) {
    n += node.is_listed() ? 1U : 0U;
    return true;
  });
  CHECK(n == capacity);
  CHECK(queue.weight() == capacity);
}
