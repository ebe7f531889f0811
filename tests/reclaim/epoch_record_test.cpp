// SPDX-License-Identifier: MIT
#include <concur/detail/reclaim/epoch_record.hpp>
#include <cstring>
#include <new>
#include <vector>

#include "support/catch.hpp"

using concur::detail::epoch_list;
using concur::detail::epoch_node;
using concur::detail::epoch_parks;
using concur::detail::pinned_era;
using concur::detail::thread_slot;

TEST_CASE("a list keeps its nodes and their kinds", "[reclaim][epoch_record]") {
  std::vector<epoch_node> nodes(10);
  epoch_list a;
  epoch_list b;
  REQUIRE(a.empty());
  REQUIRE(a.pop() == nullptr);
  for (unsigned i = 0; i < 10; ++i) {
    nodes[i].set(nullptr, i % 8);
    (i < 4 ? a : b).push(&nodes[i]);
  }
  a.take(b);
  REQUIRE(b.empty());
  REQUIRE(a.count() == 10);
  b.take(a);
  a.take(b);
  a.take(b);
  std::vector<int> seen(10);
  std::size_t n = 0;
  a.for_each([&n](epoch_node&) { ++n; });
  REQUIRE(n == 10);
  while (epoch_node* node = a.pop()) {
    const auto i = static_cast<unsigned>(node - nodes.data());
    REQUIRE(node->kind() == i % 8);
    ++seen[i];
  }
  REQUIRE(seen == std::vector<int>(10, 1));
  REQUIRE(a.count() == 0);
  a.push(&nodes[3]);
  b.push(&nodes[4]);
  b.take(a);
  REQUIRE(b.count() == 2);
}

TEST_CASE("parked nodes come back when what kept them has changed", "[reclaim][epoch_record]") {
  std::vector<thread_slot> slots(3);
  std::vector<epoch_node> nodes(30);
  epoch_parks parks;
  for (auto& slot : slots) slot.era_lower.store(5);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    parks.keep(&nodes[i], pinned_era::of(slots[i % 3]));
  }
  REQUIRE(parks.count() == 30);
  REQUIRE(parks.take_changed(0).empty());
  slots[1].era_lower.store(0);
  REQUIRE(parks.take_changed(0).count() == 10);
  REQUIRE(parks.count() == 20);
  slots[2].era_lower.store(6);
  REQUIRE(parks.take_changed(0).count() == 10);
  REQUIRE(parks.take_changed(0).empty());
  REQUIRE(parks.take_all().count() == 10);
  REQUIRE(parks.count() == 0);
}

TEST_CASE(
    "nodes behind more announcements than there are parks cost a look for each that is retired",
    "[reclaim][epoch_record]") {
  std::vector<thread_slot> slots(40);
  std::vector<epoch_node> nodes(4000);
  epoch_parks parks;
  std::size_t looks = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    thread_slot& slot = slots[i % slots.size()];
    slot.era_lower.store(5);
    parks.keep(&nodes[i], pinned_era::of(slot));
    if (i % 10 != 9) continue;
    epoch_list again = parks.take_changed(10);
    looks += again.count();
    while (epoch_node* node = again.pop()) parks.keep(node, pinned_era::of(slot));
    REQUIRE(parks.count() == i + 1);
  }
  REQUIRE(looks > 0);
  REQUIRE(looks <= nodes.size());
  REQUIRE(parks.take_all().count() == nodes.size());
}

TEST_CASE("nodes without a park of their own come back when nothing is kept any more",
          "[reclaim][epoch_record]") {
  std::vector<thread_slot> slots(40);
  std::vector<epoch_node> nodes(400);
  epoch_parks parks;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    thread_slot& slot = slots[i % slots.size()];
    slot.era_lower.store(5);
    parks.keep(&nodes[i], pinned_era::of(slot));
  }
  for (auto& slot : slots) slot.era_lower.store(0);
  std::size_t back = 0;
  for (int scan = 0; scan < 100; ++scan) back += parks.take_changed(10).count();
  REQUIRE(back == nodes.size());
}

TEST_CASE(
    "a ring that somebody was taking from when the process forked has what he had not touched",
    "[reclaim][epoch_record]") {
  using ring_type = concur::detail::retired_ring<4>;
  ring_type ring;
  epoch_node nodes[4];
  for (auto& node : nodes) REQUIRE(ring.push(&node, 1));
  ring_type* child = nullptr;
  alignas(ring_type) unsigned char memory[sizeof ring];
  std::vector<epoch_node*> taken;
  ring.take_until(3, [&](epoch_node* node, unsigned) {
    if (node == &nodes[1]) {  // as the pages of a child have it
      std::memcpy(memory, static_cast<const void*>(&ring), sizeof ring);
      child = std::launder(reinterpret_cast<ring_type*>(memory));
    }
    taken.push_back(node);
  });
  REQUIRE(taken == std::vector<epoch_node*>{&nodes[0], &nodes[1], &nodes[2]});
  std::vector<epoch_node*> left;
  const auto take = [&](epoch_node* node, unsigned) { left.push_back(node); };
  child->take_until(1, take);
  REQUIRE(left.empty());
  child->take_until(child->retired(), take);
  REQUIRE(left == std::vector<epoch_node*>{&nodes[2], &nodes[3]});
}

TEST_CASE("a ring keeps what was retired last, until it is taken", "[reclaim][epoch_record]") {
  concur::detail::retired_ring<4> ring;
  epoch_node nodes[6];
  const auto at = [&](std::uint64_t position) { return &nodes[position % 6]; };
  REQUIRE(ring.is_empty());
  for (unsigned i = 0; i < 4; ++i) REQUIRE(ring.push(at(i), i + 1));
  REQUIRE(!ring.push(at(4), 5));
  REQUIRE(ring.retired() == 4);

  ring.wait(2, 77);  // two have been looked at
  REQUIRE(ring.looked_at() == 2);
  REQUIRE(ring.waiting_era() == 77);
  std::uint64_t position = 0;
  const auto in_order = [&](epoch_node* node, unsigned kind) {
    REQUIRE(node == at(position));
    REQUIRE(kind == position + 1);
    ++position;
  };
  ring.take_until(1, in_order);
  REQUIRE(ring.taken_for_good() == 1);
  REQUIRE(ring.looked_at() == 2);
  REQUIRE(ring.push(at(4), 5));
  REQUIRE(!ring.push(at(5), 6));
  ring.take_until(5, in_order);
  REQUIRE(position == 5);
  REQUIRE(ring.is_empty());
  REQUIRE(ring.looked_at() == 5);
}
