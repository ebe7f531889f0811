// SPDX-License-Identifier: MIT
#include <concur/detail/reclaim/era_clock.hpp>
#include <cstdint>

#include "support/catch.hpp"

using concur::detail::epoch_node;
using concur::detail::era_clock;
using concur::detail::thread_slot;
using concur::detail::thread_slots;

TEST_CASE("a node is three words and keeps its kind beside the link", "[reclaim][era_clock]") {
  STATIC_REQUIRE(sizeof(epoch_node) == 24);
  epoch_node a{};
  epoch_node b{};
  for (unsigned kind = 0; kind <= epoch_node::kind_mask; ++kind) {
    a.set(&b, kind);
    REQUIRE(a.next() == &b);
    REQUIRE(a.kind() == kind);
    a.set_next(nullptr);
    REQUIRE(a.next() == nullptr);
    REQUIRE(a.kind() == kind);
  }
}

TEST_CASE("the era is never 0, and advances with births alone", "[reclaim][era_clock]") {
  thread_slot& me = thread_slots::mine();
  me.births = 0;
  REQUIRE(era_clock::now() >= 1);
  const std::uint64_t before = era_clock::now();
  epoch_node node{};
  for (int i = 0; i < 99; ++i) {
    era_clock::stamp(me, node, 10);
    REQUIRE(node.birth == before + static_cast<std::uint64_t>(i) / 10);
  }
  REQUIRE(era_clock::now() == before + 9);
}

TEST_CASE("who begins the next era is told which one ends", "[reclaim][era_clock]") {
  const std::uint64_t before = era_clock::now();
  REQUIRE(era_clock::begin_next() == before);
  REQUIRE(era_clock::begin_next() == before + 1);
  REQUIRE(era_clock::now_and_its_past() == before + 2);
}
