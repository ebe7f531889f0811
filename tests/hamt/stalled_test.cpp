// SPDX-License-Identifier: MIT
/// \file
/// A thread that falls asleep in the middle of an operation on a hamt keeps from being freed what
/// it reads, one version at most, however many writes and snapshots follow.
#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/sleepers.hpp"

#include <concur/hamt.hpp>
#include <cstdlib>
#include <functional>
#include <utility>

using namespace concur_test;

namespace {

using map_type = concur::hamt<number, counted>;

constexpr number overwrites = has_sanitizer ? 50'000 : 500'000;

/// Four batches of the writer's stripe, and what others retire.
constexpr long waiting = 4 * 64 + 64;
/// What is there, and what waits; of each sleeper its six hazard words, and one version that it
/// keeps; one more version that is being replaced. docs/hamt.md.
constexpr long bound(long sleepers) {
  constexpr long there = static_cast<long>(sleepers_present);
  return there + waiting + 6 * sleepers + there * (sleepers + 1);
}

void settle(map_type& map) {
  map.shrink_to_fit();
}

/// Every thousandth overwrite follows a snapshot, which goes at once.
struct snapshots {
  void operator()(map_type& map, number i) const {
    if (i % 1'000 == 0) static_cast<void>(map.snapshot());
  }
};

template <class Operation>
void overwrite_beside(Operation operation, int sleepers = 1) {
  overwrite_beside_sleepers<map_type>(operation, sleepers, overwrites, bound(sleepers), settle);
  overwrite_beside_sleepers<map_type>(operation, sleepers, overwrites, bound(sleepers), settle,
                                      snapshots());
}

}  // namespace

TEST_CASE("hamt: overwrites beside a thread asleep in a visit leave little behind",
          "[hamt][stalled]") {
  const auto operation = [](map_type& map, const auto& inside) {
    map.cvisit(7, [&](const auto& e) {
      inside();
      if (e.second.value() != 7) std::abort();
    });
  };
  overwrite_beside(operation);
  // Without snapshots it is the one element.
  constexpr long there = static_cast<long>(sleepers_present);
  overwrite_beside_sleepers<map_type>(operation, 1, overwrites, there + waiting + 6, settle);
}

TEST_CASE("hamt: overwrites beside threads asleep in a traversal leave little behind",
          "[hamt][stalled]") {
  overwrite_beside(
      [](map_type& map, const auto& inside) {
        bool first = true;
        map.cvisit_all([&](const auto& e) {
          if (std::exchange(first, false)) inside();
          if (e.second.value() != e.first) std::abort();
        });
      },
      3);
}

TEST_CASE("hamt: overwrites beside a thread asleep with a snapshot leave little behind",
          "[hamt][stalled]") {
  overwrite_beside([](map_type& map, const auto& inside) {
    const auto now = map.snapshot();
    const counted* const seen = now.find(9);
    inside();
    if (seen->value() != 9 || now.find(9) != seen) std::abort();
  });
}

TEST_CASE("hamt: overwrites beside a thread asleep in the callable of an update delay nobody",
          "[hamt][stalled]") {
  overwrite_beside([](map_type& map, const auto& inside) {
    bool first = true;
    map.update(11, [&](counted& c) {
      if (std::exchange(first, false)) inside();
      c = counted(11);
    });
  });
}
