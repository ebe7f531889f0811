// SPDX-License-Identifier: MIT
#include <concur/reclaim/epoch.hpp>

#include <atomic>
#include <concur/cmap.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

using concur::epoch_domain;
using concur::epoch_guard;
using concur::epoch_options;
using concur_test::allocation_account;
using concur_test::counting_allocator;

namespace {

std::atomic<int> live{0};

struct object : concur::epoch_obj_base<object> {
  explicit object(int n = 0) : value(n) { live.fetch_add(1); }
  object(const object& other) : epoch_obj_base(other), value(other.value) { live.fetch_add(1); }
  object& operator=(const object&) = default;
  ~object() {
    value = -1;
    live.fetch_sub(1);
  }
  int value;
};

/// Retires the one behind it when it is destroyed.
struct chained : concur::epoch_obj_base<chained> {
  chained(epoch_domain& d, chained* behind) : domain(d), next(behind) { live.fetch_add(1); }
  ~chained() {
    live.fetch_sub(1);
    domain.try_reclaim();
    if (next != nullptr) domain.retire(next);
  }
  epoch_domain& domain;
  chained* next;
};

struct pooled;
struct give_back {
  std::vector<pooled*>* pool = nullptr;
  void operator()(pooled* object) const noexcept { pool->push_back(object); }
};
struct pooled : concur::epoch_obj_base<pooled, give_back> {};

// Names that anybody may use, for types, functions and members of other bases.
struct birth {
  int year;
};
struct retired {};
struct epoch_node {};
struct epoch_object {};
constexpr int set(int n) {
  return n + 1;
}
struct relative {
  int next() const { return 1; }
  int kind = 2;
  int be_born = 3;
  int deleter_ = 4;
};
struct person : relative, concur::epoch_obj_base<person> {
  int sum() const { return set(day.year) + next() + kind + be_born + deleter_; }
  birth day{5};
  retired from_work;
  epoch_node of_his_own;
  epoch_object another;
};

}  // namespace

TEST_CASE("an object that was retired is freed when no guard is left", "[reclaim][epoch]") {
  live = 0;
  epoch_domain domain;
  std::atomic<object*> root{new object(1)};
  {
    epoch_guard guard = domain.pin();
    const object* seen = guard.protect(root);
    domain.retire(root.exchange(new object(2)));
    REQUIRE_FALSE(domain.try_reclaim());
    REQUIRE(live == 2);
    REQUIRE(seen->value == 1);
    REQUIRE(domain.stats().retired == 1);
    REQUIRE(domain.stats().oldest_pinned != 0);
  }
  REQUIRE(domain.try_reclaim());
  REQUIRE(live == 1);
  REQUIRE(domain.stats().retired == 0);
  REQUIRE(domain.stats().freed == 1);
  REQUIRE(domain.stats().oldest_pinned == 0);
  root.load()->retire(domain);
  domain.quiesce();
  REQUIRE(live == 0);
}

TEST_CASE("the domain frees what waits", "[reclaim][epoch]") {
  live = 0;
  {
    epoch_domain domain;
    for (int i = 0; i < 10; ++i) domain.retire(new object(i));
    REQUIRE(live == 10);
  }
  REQUIRE(live == 0);
}

TEST_CASE("guards move, nest, and end in any order", "[reclaim][epoch]") {
  live = 0;
  epoch_domain domain;
  std::atomic<object*> root{new object(1)};
  std::optional<epoch_guard> first(domain.pin());
  const object* seen = first->protect(root);
  epoch_guard second = domain.pin();
  epoch_guard moved(std::move(*first));
  first.reset();
  domain.retire(root.exchange(new object(2)));
  REQUIRE_FALSE(domain.try_reclaim());
  {
    epoch_guard third;
    third = std::move(moved);
    moved = std::move(third);
  }
  second.release();
  second.release();
  REQUIRE_FALSE(domain.try_reclaim());
  REQUIRE(seen->value == 1);
  moved = epoch_guard();
  REQUIRE_FALSE(domain.try_reclaim());
  moved.release();
  REQUIRE(domain.try_reclaim());
  REQUIRE(live == 1);
  delete root.load();
}

TEST_CASE("a link inside an object is protected, or the reader is told to start again",
          "[reclaim][epoch]") {
  struct node : concur::epoch_obj_base<node> {
    std::atomic<node*> next{nullptr};
  };
  epoch_domain domain(epoch_options{.batch = 8, .births_per_era = 1});
  std::atomic<node*> root{new node};
  root.load()->next = new node;
  epoch_guard guard = domain.pin();
  node* found = nullptr;
  REQUIRE(guard.try_protect(guard.protect(root)->next, found));
  REQUIRE(found == root.load()->next.load());
  const auto era = domain.stats().era;
  for (int i = 0; domain.stats().era == era; ++i) {
    REQUIRE(i < 1000);
    domain.retire(new node);
  }
  REQUIRE_FALSE(guard.try_protect(root.load()->next, found));
  REQUIRE(guard.try_protect(guard.protect(root)->next, found));
  guard.release();
  domain.retire(found);
  domain.retire(root.load());
}

TEST_CASE("births advance the era as the domain says", "[reclaim][epoch]") {
  struct node : concur::epoch_obj_base<node> {
    explicit node(const epoch_domain& d) : epoch_obj_base(d) {}
  };
  const epoch_domain domain(epoch_options{.batch = 8, .births_per_era = 4});
  REQUIRE(domain.options().batch == 8);
  REQUIRE(domain.options().births_per_era == 4);
  const node first(domain);
  const auto era = domain.stats().era;
  for (int i = 0; i < 40; ++i) const node another(domain);
  REQUIRE(domain.stats().era == era + 10);
}

TEST_CASE("a deleter may have state, and an object may be a copy", "[reclaim][epoch]") {
  std::vector<pooled*> pool;
  pool.reserve(1);
  epoch_domain domain;
  pooled object_of_pool;
  object_of_pool.retire(domain, give_back{&pool});
  REQUIRE(pool.empty());
  domain.quiesce();
  REQUIRE(pool == std::vector<pooled*>{&object_of_pool});

  live = 0;
  auto* original = new object(1);
  auto* copy = new object(*original);
  *copy = *original;
  domain.retire(original);
  domain.quiesce();
  REQUIRE(live == 1);
  REQUIRE(copy->value == 1);
  domain.retire(copy);
  domain.quiesce();
  REQUIRE(live == 0);
}

TEST_CASE("deleters may retire and reclaim: a long chain frees itself without deep recursion",
          "[reclaim][epoch]") {
  live = 0;
  {
    epoch_domain domain(epoch_options{.batch = 1, .births_per_era = 128});
    chained* head = nullptr;
    for (int i = 0; i < 3000; ++i) head = new chained(domain, head);
    domain.retire(head);
    domain.quiesce();
    REQUIRE(live == 0);
    for (int i = 0; i < 3000; ++i) head = new chained(domain, i == 0 ? nullptr : head);
    domain.set_batch(100'000);
    domain.retire(head);
  }
  REQUIRE(live == 0);
}

TEST_CASE("quiesce says when it would wait for itself", "[reclaim][epoch]") {
  epoch_domain domain;
  {
    const epoch_guard guard = domain.pin();
    try {
      domain.quiesce();
      FAIL("it waited for its own guard");
    } catch (const std::system_error& e) {
      REQUIRE(e.code() == std::errc::resource_deadlock_would_occur);
    }
  }
  struct quiescing : concur::epoch_obj_base<quiescing> {
    quiescing(epoch_domain& d, bool& t) : domain(d), thrown(t) {}
    ~quiescing() {
      try {
        domain.quiesce();
      } catch (const std::system_error&) {
        thrown = true;
      }
    }
    epoch_domain& domain;
    bool& thrown;
  };
  bool thrown = false;
  domain.retire(new quiescing(domain, thrown));
  domain.quiesce();
  REQUIRE(thrown);
}

TEST_CASE("an empty domain has no memory, and gives back what it takes", "[reclaim][epoch]") {
  live = 0;
  allocation_account account;
  {
    concur::basic_epoch_domain<counting_allocator<char>> domain{counting_allocator<char>(account)};
    STATIC_REQUIRE(sizeof(domain) <= 96);
    epoch_guard guard = domain.pin();
    guard.release();
    REQUIRE(domain.stats().retired == 0);
    REQUIRE(account.total_allocations() == 0);
    domain.retire(new object(1));
    REQUIRE(account.live_allocations() == 2);
    REQUIRE(domain.get_allocator() == counting_allocator<char>(account));
  }
  REQUIRE(account.balanced());
  REQUIRE(live == 0);
}

TEST_CASE("retiring works without memory", "[reclaim][epoch]") {
  for (std::size_t n = 1; n <= 2; ++n) {
    live = 0;
    allocation_account account;
    {
      concur::basic_epoch_domain<counting_allocator<char>> domain{
          counting_allocator<char>(account)};
      account.fail_at(n);
      domain.retire(new object(1));
      REQUIRE_FALSE(account.failure_pending());
      REQUIRE(live == 1);
      REQUIRE(domain.stats().retired == 1);
      account.fail_at(1);
      if (n == 1) REQUIRE_FALSE(domain.try_reclaim());
      account.fail_at(1);
      if (n == 1) REQUIRE_THROWS_AS(domain.quiesce(), std::bad_alloc);
      account.fail_never();
      REQUIRE(domain.try_reclaim());
      REQUIRE(live == 0);
      account.fail_at(3);
      domain.retire(new object(1));
    }
    REQUIRE(account.balanced());
    REQUIRE(live == 0);
  }
}

TEST_CASE("a stack whose nodes are retired as they are popped", "[reclaim][epoch]") {
  struct node : concur::epoch_obj_base<node> {
    explicit node(int n) : value(n) {}
    ~node() { value = -1; }
    int value;
    node* next = nullptr;
  };
  constexpr int threads = 4;
  constexpr int per_thread = 5000;
  epoch_domain domain(epoch_options{.batch = 16, .births_per_era = 16});
  std::atomic<node*> head{nullptr};
  std::atomic<long> sum{0};
  concur_test::failures failures;
  concur_test::on_threads(threads, failures, [&](int) {
    for (int i = 1; i <= per_thread; ++i) {
      auto* fresh = new node(i);
      fresh->next = head.load();
      while (!head.compare_exchange_weak(fresh->next, fresh)) {
      }
      epoch_guard guard = domain.pin();
      node* top = guard.protect(head);
      while (top != nullptr && !head.compare_exchange_strong(top, top->next)) {
        top = guard.protect(head);
      }
      if (top == nullptr) continue;
      MT_CHECK(failures, top->value > 0);
      sum.fetch_add(top->value);
      top->retire(domain);
    }
  });
  failures.require();
  while (node* top = head.load()) {
    head = top->next;
    sum.fetch_add(top->value);
    delete top;
  }
  REQUIRE(sum == static_cast<long>(threads) * per_thread * (per_thread + 1) / 2);
  domain.quiesce();
  REQUIRE(domain.stats().retired == 0);
}

TEST_CASE("a sleeping guard of one domain does not delay another thread's work",
          "[reclaim][epoch]") {
  live = 0;
  epoch_domain domain;
  std::atomic<object*> root{new object(1)};
  std::atomic<int> stage{0};
  concur_test::failures failures;
  std::thread sleeper([&] {
    epoch_guard guard = domain.pin();
    const object* seen = guard.protect(root);
    stage = 1;
    concur::detail::backoff wait;
    while (stage != 2) wait.pause();
    MT_CHECK(failures, seen->value == 1);
  });
  concur::detail::backoff wait;
  while (stage != 1) wait.pause();
  for (int i = 0; i < 100'000; ++i) domain.retire(root.exchange(new object(i)));
  REQUIRE(domain.stats().retired <= 1 + 2 * (128 + 2 * 128));
  stage = 2;
  sleeper.join();
  failures.require();
  domain.retire(root.load());
  domain.quiesce();
  REQUIRE(live == 0);
}

TEST_CASE("epoch_domain: a batch of nothing is one of one", "[reclaim][epoch]") {
  epoch_domain domain(epoch_options{.batch = 0, .births_per_era = 0});
  REQUIRE(domain.options().batch == 1);
  domain.set_batch(0);
  REQUIRE(domain.options().batch == 1);
  concur::cmap<int, int> map;
  map.set_reclaim_period(0);
  for (int i = 0; i < 1'000; ++i) map.insert_or_assign(i % 10, i);
  REQUIRE(map.size() == 10);
}

TEST_CASE("what derives from epoch_obj_base finds its own names", "[reclaim][epoch]") {
  STATIC_REQUIRE(sizeof(concur::epoch_obj_base<person>) == 32);
  epoch_domain domain;
  auto* const one = new person;
  REQUIRE(one->sum() == 16);
  one->retire(domain);
  REQUIRE(domain.try_reclaim());
}
