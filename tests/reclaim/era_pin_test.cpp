// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <cstdint>
#include <memory>
#include <optional>

#include "support/catch.hpp"

using concur::detail::era_clock;
using concur::detail::era_interval;
using concur::detail::era_pin;
using concur::detail::leaf_pin;
using concur::detail::thread_slot;
using concur::detail::thread_slots;

namespace {

struct announced {
  std::uint64_t lower;
  std::uint64_t upper;
};
announced mine() {
  const thread_slot& me = thread_slots::mine();
  return {me.era_lower.load(), me.era_upper.load()};
}

}  // namespace

TEMPLATE_TEST_CASE("a pin announces the era that it begins in", "[reclaim][era_pin]", leaf_pin,
                   era_pin) {
  thread_slot& me = thread_slots::mine();
  REQUIRE_FALSE(era_interval::is_pinned(me));
  {
    TestType pin(me);
    REQUIRE(&pin.slot() == &me);
    REQUIRE(era_interval::is_pinned(me));
    REQUIRE(mine().lower == era_clock::now());
    REQUIRE(mine().upper == era_clock::now());
  }
  REQUIRE(mine().lower == 0);
}

TEMPLATE_TEST_CASE("a load in a later era extends the announcement and says so",
                   "[reclaim][era_pin]", leaf_pin, era_pin) {
  int a = 0;
  const std::atomic<int*> source{&a};
  TestType pin(thread_slots::mine());
  const std::uint64_t first = era_clock::now();
  int* found = nullptr;
  REQUIRE(pin.try_load(source, found));
  REQUIRE(found == &a);
  era_clock::advance();
  REQUIRE_FALSE(pin.try_load(source, found));
  REQUIRE(mine().lower == first);
  REQUIRE(mine().upper == first + 1);
  REQUIRE(pin.try_load(source, found));
  era_clock::advance();
  REQUIRE(pin.load(source) == &a);
  REQUIRE(mine().lower == first);
  REQUIRE(mine().upper == first + 2);
}

TEST_CASE("the outer announcement stays until the last section ends", "[reclaim][era_pin]") {
  int a = 0;
  const std::atomic<int*> source{&a};
  thread_slot& me = thread_slots::mine();
  auto first = std::make_unique<era_pin>(me);
  REQUIRE(first->is_outermost());
  const std::uint64_t lower = mine().lower;
  era_clock::advance();
  auto second = std::make_unique<era_pin>(me);
  REQUIRE_FALSE(second->is_outermost());
  {
    leaf_pin leaf(me);
    era_clock::advance();
    REQUIRE(leaf.load(source) == &a);
    REQUIRE(mine().upper == lower + 2);
  }
  REQUIRE(mine().lower == lower);
  // The second one has not seen that: it looks again, and the announcement never shrinks.
  REQUIRE(second->load(source) == &a);
  REQUIRE(mine().upper == lower + 2);
  first.reset();
  REQUIRE(mine().lower == lower);
  int* found = nullptr;
  REQUIRE(second->try_load(source, found));
  second.reset();
  REQUIRE_FALSE(era_interval::is_pinned(me));
}

TEST_CASE("a pin works for any word that an atomic holds", "[reclaim][era_pin]") {
  const std::atomic<std::uint64_t> word{42};
  const std::atomic<bool> flag{true};
  leaf_pin pin(thread_slots::mine());
  REQUIRE(pin.load(word) == 42);
  REQUIRE(pin.load(flag));
}
