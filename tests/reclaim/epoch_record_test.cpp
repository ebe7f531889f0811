// SPDX-License-Identifier: MIT
#include <concur/detail/reclaim/epoch_record.hpp>
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
  REQUIRE(parks.settle() == 30);
  REQUIRE(parks.take_changed().empty());
  slots[1].era_lower.store(0);
  REQUIRE(parks.take_changed().count() == 10);
  REQUIRE(parks.settle() == 20);
  slots[2].era_lower.store(6);
  REQUIRE(parks.take_changed().count() == 10);
  REQUIRE(parks.take_changed().empty());
  REQUIRE(parks.take_all().count() == 10);
  REQUIRE(parks.settle() == 0);
}

TEST_CASE("nodes behind more announcements than there are parks are looked at when they double",
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
    epoch_list again = parks.take_changed();
    looks += again.count();
    while (epoch_node* node = again.pop()) parks.keep(node, pinned_era::of(slot));
    REQUIRE(parks.settle() == i + 1);
  }
  REQUIRE(looks > 0);
  REQUIRE(looks <= 2 * nodes.size());
  REQUIRE(parks.take_all().count() == nodes.size());
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
