// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <cstdint>
#include <thread>
#include <type_traits>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::asymmetric_fence;
using concur::detail::backoff;
using concur::detail::lasting_hazard;
using concur::detail::leaf_hazard;
using concur::detail::thread_slots;

namespace {

struct node {
  explicit node(std::uint64_t n) : value(n), copy(n) {}
  ~node() { value = copy + 1; }
  std::uint64_t value;
  std::uint64_t copy;
};

bool is_protected(std::uintptr_t object) {
  return leaf_hazard::is_protected(object, ~std::uintptr_t{0});
}

std::uintptr_t word_of(const node* n) {
  return reinterpret_cast<std::uintptr_t>(n);
}

}  // namespace

TEST_CASE("an object is protected while it is announced", "[reclaim][leaf_hazard]") {
  node object(1);
  std::atomic<std::uintptr_t> source{word_of(&object)};
  {
    leaf_hazard guard;
    REQUIRE(guard.protect(source) == word_of(&object));
    REQUIRE(is_protected(word_of(&object)));
    guard.clear();
    REQUIRE_FALSE(is_protected(word_of(&object)));
    guard.announce(word_of(&object));
    REQUIRE(is_protected(word_of(&object)));
  }
  REQUIRE_FALSE(is_protected(word_of(&object)));
}

TEST_CASE("an object that somebody else announces is protected", "[reclaim][leaf_hazard]") {
  node object(1);
  std::atomic<std::uintptr_t> source{word_of(&object)};
  std::atomic<int> stage{0};
  std::thread reader([&] {
    leaf_hazard guard;
    guard.protect(source);
    stage.store(1);
    backoff wait;
    while (stage.load() != 2) wait.pause();
  });
  backoff wait;
  while (stage.load() != 1) wait.pause();
  source.store(0);
  REQUIRE(asymmetric_fence::heavy());
  REQUIRE(is_protected(word_of(&object)));
  stage.store(2);
  reader.join();
  REQUIRE_FALSE(is_protected(word_of(&object)));
}

TEST_CASE("bits outside the mask do not matter", "[reclaim][leaf_hazard]") {
  alignas(16) node object(1);
  leaf_hazard guard;
  guard.announce(word_of(&object) | 5);
  REQUIRE_FALSE(leaf_hazard::is_protected(word_of(&object), ~std::uintptr_t{0}));
  REQUIRE(leaf_hazard::is_protected(word_of(&object), ~std::uintptr_t{7}));
}

TEMPLATE_TEST_CASE("readers never touch an object that was freed", "[reclaim][leaf_hazard]",
                   leaf_hazard, lasting_hazard) {
  // A lasting announcement is waited for until its thread makes another one.
  constexpr std::uint64_t rounds = std::is_same_v<TestType, leaf_hazard> ? 3000 : 200;
  std::atomic<std::uintptr_t> source{word_of(new node(0))};
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me == 0) {
      for (std::uint64_t i = 1; i <= rounds; ++i) {
        const std::uintptr_t old = source.exchange(word_of(new node(i)));
        MT_CHECK(failures, asymmetric_fence::heavy());
        backoff wait;
        while (is_protected(old)) wait.pause();
        delete reinterpret_cast<node*>(old);
      }
      done.store(true);
    } else {
      std::uint64_t last = 0;
      do {
        TestType guard;
        for (int i = 0; i < 3; ++i) {
          const node* object = reinterpret_cast<const node*>(guard.protect(source));
          MT_CHECK(failures, object->value == object->copy);
          MT_CHECK(failures, object->value >= last);
          last = object->value;
        }
      } while (!done.load());
    }
  });
  failures.require();
  delete reinterpret_cast<node*>(source.load());
}

TEST_CASE("a lasting announcement outlives its section and needs no second one",
          "[reclaim][leaf_hazard]") {
  node first(1), second(2);
  std::atomic<std::uintptr_t> source{word_of(&first)};
  concur_test::failures failures;
  concur_test::on_threads(1, failures, [&](int) {
    MT_CHECK(failures,
             !lasting_hazard::still_protects(thread_slots::mine_or_nobodys(), word_of(&first)));
    MT_CHECK(failures, lasting_hazard().protect(source) == word_of(&first));
    MT_CHECK(failures, is_protected(word_of(&first)));
    MT_CHECK(failures,
             lasting_hazard::still_protects(thread_slots::mine_or_nobodys(), word_of(&first)));
    source.store(word_of(&second));
    MT_CHECK(failures, lasting_hazard().protect(source) == word_of(&second));
    MT_CHECK(failures, !is_protected(word_of(&first)));
    MT_CHECK(failures, is_protected(word_of(&second)));
  });
  failures.require();
  REQUIRE_FALSE(is_protected(word_of(&second)));
}
