// SPDX-License-Identifier: MIT
/// \file
/// What was replaced waits in batches of 64. Whatever fills a batch, the operation that it is part
/// of works it off: also what a proposal that came to nothing leaves behind.
#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using concur_test::allocation_account;
using concur_test::counting_allocator;

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t in_passing = 16;    ///< what one operation makes and retires
constexpr std::size_t with_a_chain = 24;  ///< and where it makes several branches at once

/// The keys 1 and 2 part after `joint` bits.
struct parting_hash {
  using is_avalanching = std::true_type;
  unsigned joint = 0;
  std::uint64_t operator()(std::uint64_t key) const noexcept { return key << (62 - joint); }
};

/// Every leaf has one pair, and is freed when its turn comes.
struct single_leaves : concur::detail::hamt::default_tuning {
  static constexpr std::uint32_t max_leaf = 1;
  static constexpr std::uint32_t spare_leaves = 0;
};

/// What so many levels of branches take of a hash.
constexpr unsigned bits_of(unsigned levels) noexcept {
  unsigned bits = 0;
  for (unsigned depth = 0; depth < levels; ++depth) bits += single_leaves::bits(depth);
  return bits;
}

template <class T, class Tuning>
using tuned_map =
    concur::detail::basic_hamt<std::uint64_t, T, parting_hash, std::equal_to<>,
                               counting_allocator<std::pair<const std::uint64_t, T>>, Tuning>;

/// The most that `step(map)` has waiting, beyond `kept()`, if so many were retired before.
template <class Map, class Step, class Kept>
std::size_t most_waiting(allocation_account& account, std::size_t retired_before, parting_hash hash,
                         Step step, Kept kept) {
  Map map(0, hash, {}, typename Map::allocator_type(account));
  map.insert_or_assign(1, typename Map::mapped_type{});
  map.shrink_to_fit();
  const std::size_t at_rest = account.live_allocations();
  for (std::size_t i = 0; i < retired_before; ++i) {
    map.insert_or_assign(1, typename Map::mapped_type{});
  }
  std::size_t most = 0;
  for (int i = 0; i < 150; ++i) {
    step(map);
    const std::size_t waiting = account.live_allocations() - at_rest - kept();
    if (waiting > most) most = waiting;
  }
  return most;
}

}  // namespace

TEST_CASE("hamt: a batch that is full of proposals which were lost is worked off",
          "[hamt][batches]") {
  using map_type = tuned_map<std::uint64_t, single_leaves>;
  for (const unsigned levels : {0U, 1U, 2U, 4U}) {
    for (std::size_t before = 0; before < batch; ++before) {
      allocation_account account;
      const std::size_t most = most_waiting<map_type>(
          account, before, parting_hash{bits_of(levels)},
          [](map_type& map) {
            // The branches for both come too late: the leaf that is there has been replaced.
            bool first = true;
            map.compute(2, [&](std::optional<std::uint64_t>& value) {
              if (std::exchange(first, false)) map.insert_or_assign(1, 0);
              value = 5;
            });
            map.erase(2);
          },
          [] { return std::size_t{0}; });
      CAPTURE(levels, before);
      REQUIRE(most >= batch / 2);
      REQUIRE(most <= batch + (levels == 0 ? in_passing : with_a_chain));
    }
  }
}

TEST_CASE("hamt: a batch that is full of new values which a snapshot overtook is worked off",
          "[hamt][batches]") {
  using map_type = tuned_map<std::string, single_leaves>;
  for (std::size_t before = 0; before < batch; ++before) {
    allocation_account account;
    std::vector<map_type::snapshot_type> kept;
    const std::size_t most = most_waiting<map_type>(
        account, before, parting_hash{},
        [&](map_type& map) {
          bool first = true;
          map.update(1, [&](std::string& value) {
            value = "new";
            if (!std::exchange(first, false)) return;
            kept.push_back(map.snapshot());
            map.insert_or_assign(1, "meanwhile");
          });
        },
        [&] { return 2 * kept.size(); });  // a version and a leaf each
    REQUIRE(most >= batch / 2);
    REQUIRE(most <= batch + in_passing);
  }
}
