// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <atomic>
#include <concur/detail/sync/backoff.hpp>
#include <concur/reclaim/hazard_pointer.hpp>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::hazard_pointer;
using concur::hazard_pointer_domain;
using concur::make_hazard_pointer;
using concur::detail::backoff;

namespace {

std::atomic<long> alive{0};

struct node : concur::hazard_pointer_obj_base<node> {
  explicit node(std::uint64_t n) : value(n), copy(n) { ++alive; }
  ~node() {
    value = copy + 1;
    --alive;
  }
  std::uint64_t value;
  std::uint64_t copy;
};

/// Another base before the one that counts: the address of the object is not that of the base.
struct first_base {
  virtual ~first_base() = default;
  std::uint64_t filler = 7;
};
struct second_node : first_base, concur::hazard_pointer_obj_base<second_node> {
  second_node() { ++alive; }
  ~second_node() override { --alive; }
};

struct version : concur::hazard_pointer_obj_linked<version> {
  version(hazard_pointer_domain& in, version* to) : domain(in), next(to) { ++alive; }
  ~version() {
    if (next != nullptr) next->release_link(domain);
    --alive;
  }
  hazard_pointer_domain& domain;
  version* next;
};

// Names that anybody may use, for types, functions and members of other bases.
struct address {
  int number;
};
struct hazard_object {};
struct retired_link {};
constexpr int reclaim(int n) {
  return n + 1;
}
struct endpoint {
  int next_retired = 1;
  int deleter_ = 2;
  int links_ = 3;
};
struct customer : endpoint, concur::hazard_pointer_obj_base<customer> {
  int sum() const { return reclaim(home.number) + next_retired + deleter_ + links_; }
  address home{4};
  hazard_object of_his_own;
  retired_link another;
};
struct server : endpoint, concur::hazard_pointer_obj_linked<server> {
  int sum() const { return reclaim(home.number) + next_retired + deleter_ + links_; }
  address home{4};
  hazard_object of_his_own;
  retired_link another;
};

/// Fills batches until `domain` has worked off what it can.
void settle(hazard_pointer_domain& domain) {
  domain.try_reclaim();
}

}  // namespace

TEST_CASE("a hazard pointer is empty until it is made", "[reclaim][hazard_pointer]") {
  hazard_pointer none;
  REQUIRE(none.empty());
  hazard_pointer h = make_hazard_pointer();
  REQUIRE_FALSE(h.empty());
  hazard_pointer moved = std::move(h);
  REQUIRE_FALSE(moved.empty());
  REQUIRE(h.empty());
  swap(none, moved);
  REQUIRE(moved.empty());
  REQUIRE_FALSE(none.empty());
  none.swap(moved);
  REQUIRE_FALSE(moved.empty());
  moved = hazard_pointer();
  REQUIRE(moved.empty());
  static_assert(!std::is_copy_constructible_v<hazard_pointer>);
  static_assert(std::is_nothrow_move_constructible_v<hazard_pointer>);
  static_assert(std::is_nothrow_default_constructible_v<hazard_pointer>);
}

TEST_CASE("a protected object stays until its protection ends", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  std::atomic<node*> source{new node(1)};
  hazard_pointer h = make_hazard_pointer();
  node* const seen = h.protect(source);
  source.exchange(new node(2))->retire(domain);
  settle(domain);
  REQUIRE(seen->value == 1);
  REQUIRE_FALSE(domain.is_empty());

  SECTION("by a reset") {
    h.reset_protection();
  }
  SECTION("by another protection") {
    REQUIRE(h.protect(source)->value == 2);
  }
  SECTION("by the end of the hazard pointer") {
    h = hazard_pointer();
  }

  settle(domain);
  REQUIRE(domain.is_empty());
  REQUIRE(alive == before + 1);
  delete source.load();
}

TEST_CASE("try_protect says what is there instead", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  node* const first = new node(1);
  node* const second = new node(2);
  std::atomic<node*> source{second};
  hazard_pointer h = make_hazard_pointer();
  node* guess = first;
  REQUIRE_FALSE(h.try_protect(guess, source));
  REQUIRE(guess == second);
  first->retire(domain);
  settle(domain);
  REQUIRE(domain.is_empty());  // what was not found is not protected
  REQUIRE(h.try_protect(guess, source));
  source.store(nullptr);
  second->retire(domain);
  settle(domain);
  REQUIRE(guess->value == 2);
  node* nothing = nullptr;
  REQUIRE(h.try_protect(nothing, source));
  settle(domain);
  REQUIRE(domain.is_empty());
}

TEST_CASE("an object whose base is not at its beginning is protected",
          "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  std::atomic<second_node*> source{new second_node};
  {
    hazard_pointer h = make_hazard_pointer();
    second_node* const seen = h.protect(source);
    source.exchange(nullptr)->retire(domain);
    settle(domain);
    REQUIRE(seen->filler == 7);
    REQUIRE(alive == before + 1);
  }
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("an object is freed by the deleter that it was retired with",
          "[reclaim][hazard_pointer]") {
  struct own_node : concur::hazard_pointer_obj_base<own_node, void (*)(own_node*)> {
    int* freed = nullptr;
  };
  int freed = 0;
  own_node object;
  object.freed = &freed;
  {
    hazard_pointer_domain domain;
    object.retire([](own_node* o) { ++*o->freed; }, domain);
  }
  REQUIRE(freed == 1);
}

TEST_CASE("a domain's destructor frees exactly its own", "[reclaim][hazard_pointer]") {
  const long before = alive;
  hazard_pointer_domain other;
  {
    hazard_pointer_domain domain;
    for (std::uint64_t i = 0; i < 10; ++i) (new node(i))->retire(domain);
    for (std::uint64_t i = 0; i < 5; ++i) (new node(i))->retire(other);
    REQUIRE(alive == before + 15);
  }
  REQUIRE(alive == before + 5);
  settle(other);
  REQUIRE(alive == before);
}

TEST_CASE("the default domain works off full batches", "[reclaim][hazard_pointer]") {
  const long before = alive;
  for (std::uint64_t i = 0; i < 1000; ++i) (new node(i))->retire();
  REQUIRE(alive - before < 1000);
  concur::hazard_pointer_default_domain().try_reclaim();
  REQUIRE(alive == before);
}

TEST_CASE("a sleeping reader keeps one object, not what comes after it",
          "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  constexpr int readers = 3;
  std::array<std::atomic<node*>, readers> sources;
  for (auto& source : sources) source = new node(1);
  std::atomic<int> asleep{0};
  std::atomic<bool> wake{false};
  concur_test::failures failures;
  std::vector<std::thread> threads;
  for (auto& source : sources) {
    threads.emplace_back([&] {
      hazard_pointer h = make_hazard_pointer();
      const node* const seen = h.protect(source);
      ++asleep;
      backoff wait;
      while (!wake.load()) wait.pause();
      MT_CHECK(failures, seen->value == seen->copy);
    });
  }
  backoff wait;
  while (asleep.load() != readers) wait.pause();
  long most = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    sources[i % readers].exchange(new node(i))->retire(domain);
    most = std::max<long>(most, alive - before - readers);
  }
  // H hazard pointers; one thread reclaims: the formula of the header.
  constexpr long h = readers;
  CHECK(most <= 1024 + h + (64 + h));
  settle(domain);
  CHECK(alive - before - readers == readers);
  wake.store(true);
  for (auto& thread : threads) thread.join();
  failures.require();
  for (auto& source : sources) delete source.load();
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("a thread that ends leaves nothing behind that others cannot free",
          "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  std::atomic<node*> source{new node(0)};
  for (std::uint64_t i = 1; i <= 2000; ++i) {
    std::thread([&] {
      hazard_pointer h = make_hazard_pointer();
      static_cast<void>(h.protect(source));
      source.exchange(new node(i))->retire(domain);
    }).join();
  }
  REQUIRE(alive - before <= 1024 + 1 + 65 + 1);
  settle(domain);
  REQUIRE(alive == before + 1);
  delete source.load();
}

TEST_CASE("a hazard pointer may end on another thread", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  std::atomic<node*> source{new node(3)};
  hazard_pointer h = make_hazard_pointer();
  node* const seen = h.protect(source);
  source.exchange(nullptr)->retire(domain);
  std::thread([&, mine = std::move(h)]() mutable {
    domain.try_reclaim();
    if (seen->value == 3) mine = hazard_pointer();
  }).join();
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("any number of hazard pointers protects", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  constexpr std::size_t count = 700;  // more than a sorted set holds
  std::vector<std::atomic<node*>> sources(count);
  std::vector<hazard_pointer> pointers;
  for (std::size_t i = 0; i < count; ++i) {
    sources[i] = new node(i);
    pointers.push_back(make_hazard_pointer());
    pointers.back().protect(sources[i]);
  }
  std::vector<node*> seen;
  for (auto& source : sources) seen.push_back(source.load());
  for (auto& source : sources) source.exchange(nullptr)->retire(domain);
  settle(domain);
  REQUIRE(alive == before + static_cast<long>(count));
  for (std::size_t i = 0; i < count; ++i) REQUIRE(seen[i]->value == i);
  pointers.resize(count / 2);
  settle(domain);
  REQUIRE(alive == before + static_cast<long>(count / 2));
  pointers.clear();
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("a destructor may retire more", "[reclaim][hazard_pointer]") {
  struct parent : concur::hazard_pointer_obj_base<parent> {
    explicit parent(hazard_pointer_domain& in) : domain(in) {}
    ~parent() { (new node(1))->retire(domain); }
    hazard_pointer_domain& domain;
  };
  const long before = alive;
  {
    hazard_pointer_domain domain;
    for (int i = 0; i < 300; ++i) (new parent(domain))->retire(domain);
    settle(domain);
    REQUIRE(alive == before);
    (new parent(domain))->retire(domain);
  }
  REQUIRE(alive == before);
}

TEST_CASE("linked objects are freed when their last link goes", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  version* const shared = new version(domain, nullptr);
  shared->acquire_link();
  version* const left = new version(domain, shared);
  version* const right = new version(domain, shared);
  REQUIRE(shared->links() == 2);
  REQUIRE(left->release_link(domain));
  settle(domain);
  REQUIRE(alive == before + 2);
  REQUIRE(right->next == shared);
  REQUIRE(right->release_link(domain));
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("what a protected object links to stays with it", "[reclaim][hazard_pointer]") {
  hazard_pointer_domain domain;
  const long before = alive;
  version* const child = new version(domain, nullptr);
  std::atomic<version*> source{new version(domain, child)};
  hazard_pointer h = make_hazard_pointer();
  version* const seen = h.protect(source);
  source.exchange(nullptr)->release_link(domain);
  settle(domain);
  REQUIRE(seen->next->links() == 1);
  h.reset_protection();
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("a long chain of links is freed without recursion", "[reclaim][hazard_pointer]") {
  const long before = alive;
  hazard_pointer_domain domain;
  version* chain = nullptr;
  for (int i = 0; i < 100'000; ++i) chain = new version(domain, chain);
  chain->release_link(domain);
  settle(domain);
  REQUIRE(alive == before);
}

TEST_CASE("readers never touch an object that was reclaimed", "[reclaim][hazard_pointer]") {
  const long before = alive;
  {
    hazard_pointer_domain domain;
    std::array<std::atomic<node*>, 4> sources;
    for (auto& source : sources) source = new node(0);
    concur_test::failures failures;
    concur_test::on_threads(4, failures, [&](int me) {
      hazard_pointer h = make_hazard_pointer();
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        std::atomic<node*>& source = sources[(i + static_cast<std::uint64_t>(me)) % 4];
        if (i % 4 == 0) {
          source.exchange(new node(i))->retire(domain);
        } else {
          const node* const seen = h.protect(source);
          MT_CHECK(failures, seen->value == seen->copy);
        }
      }
    });
    failures.require();
    for (auto& source : sources) delete source.load();
  }
  REQUIRE(alive == before);
}

TEST_CASE("a lock-free stack may pop and free at once", "[reclaim][hazard_pointer]") {
  struct item : concur::hazard_pointer_obj_base<item> {
    explicit item(std::uint64_t n) : value(n) { ++alive; }
    ~item() { --alive; }
    std::uint64_t value;
    item* next = nullptr;
  };
  const long before = alive;
  std::atomic<std::uint64_t> popped_sum{0};
  constexpr std::uint64_t per_thread = 5'000;
  {
    hazard_pointer_domain domain;
    std::atomic<item*> head{nullptr};
    concur_test::failures failures;
    concur_test::on_threads(4, failures, [&](int me) {
      hazard_pointer h = make_hazard_pointer();
      for (std::uint64_t i = 0; i < per_thread; ++i) {
        item* fresh = new item(i * 4 + static_cast<std::uint64_t>(me));
        fresh->next = head.load();
        while (!head.compare_exchange_weak(fresh->next, fresh)) {
        }
        item* top = h.protect(head);
        while (top != nullptr && !head.compare_exchange_strong(top, top->next)) {
          top = h.protect(head);
        }
        if (top == nullptr) {
          failures.add("the stack was empty though each thread pushes before it pops");
          continue;
        }
        popped_sum += top->value;
        h.reset_protection();
        top->retire(domain);
      }
    });
    failures.require();
    REQUIRE(head.load() == nullptr);
  }
  REQUIRE(popped_sum == (4 * per_thread) * (4 * per_thread - 1) / 2);
  REQUIRE(alive == before);
}

TEST_CASE("what a destructor retires into another domain is freed, too",
          "[reclaim][hazard_pointer]") {
  struct holder : concur::hazard_pointer_obj_base<holder> {
    holder(hazard_pointer_domain& in, node* n) : other(in), held(n) {}
    ~holder() { held->retire(other); }
    hazard_pointer_domain& other;
    node* held;
  };
  hazard_pointer_domain outer, inner;
  const long before = alive;
  long most = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    (new holder(inner, new node(i)))->retire(outer);
    most = std::max(most, alive - before);
  }
  REQUIRE(most <= 2 * 1024);
  settle(outer);
  settle(inner);
  REQUIRE(alive == before);
}

TEST_CASE("what derives from a base of the library finds its own names",
          "[reclaim][hazard_pointer]") {
  STATIC_REQUIRE(sizeof(concur::hazard_pointer_obj_base<customer>) == 3 * sizeof(void*));
  hazard_pointer_domain domain;
  auto* const one = new customer;
  REQUIRE(one->sum() == 11);
  one->retire(domain);
  auto* const other = new server;
  REQUIRE(other->sum() == 11);
  REQUIRE(other->release_link(domain));
  domain.try_reclaim();
  REQUIRE(domain.is_empty());
}
