// SPDX-License-Identifier: MIT
/// \file
/// `read_together` beside changes that show in no version, or in that of another bucket alone. They
/// are made where the test wants them, by an equality that the reader calls between two keys.
#include "support/catch.hpp"
#include "support/gate.hpp"

#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <tuple>
#include <utility>

namespace {

/// Keys of one thousand have one home and one tag.
struct thousands_hash {
  using is_avalanching = void;
  std::uint64_t operator()(int key) const {
    return static_cast<std::uint64_t>(key / 1000) << 62 | 42U;
  }
};

/// The first comparison with `key` that is made when `act` is set does that before.
struct meddling_equal {
  struct meddling {
    int key = 0;
    std::function<void()> act;
  };
  std::shared_ptr<meddling> meddles = std::make_shared<meddling>();

  bool operator()(int a, int b) const {
    if (meddles->act && (a == meddles->key || b == meddles->key)) {
      std::exchange(meddles->act, {})();
    }
    return a == b;
  }
};

using map_type = concur::seqmap<int, int, thousands_hash, meddling_equal>;

}  // namespace

TEST_CASE("read_together notices an element that comes to a home with a full directory") {
  map_type map(10'000);
  constexpr int last = 400;  // more than the directory counts
  for (int key = 0; key <= last; ++key) map.insert({key, 1});
  const auto meddles = map.key_eq().meddles;
  meddles->key = last;
  constexpr int absent = 999;
  meddles->act = [&] {    // while the first key is looked for, which nothing is to find
    meddles->act = [&] {  // while the second one is
      map.insert({absent, 2});
      map.insert_or_assign(last, 2);
    };
  };
  const auto [first, second] = map.read_together(absent, last);
  REQUIRE_FALSE(meddles->act);
  REQUIRE(second == 2);
  REQUIRE(first == 2);
}

TEST_CASE("read_together notices what the owner of a lock has stored and not yet released") {
  map_type map(1000);
  map.insert({0, 1});
  map.insert({1, 1});
  constexpr int last = 1009;  // away from home: it changes, and its home does not
  for (int key = 1000; key <= last; ++key) map.insert({key, 1});
  const auto meddles = map.key_eq().meddles;
  concur_test::gate stored;
  stored.arm();
  std::thread writer;
  meddles->key = last;
  std::optional<int> seen;
  meddles->act = [&] {
    writer = std::thread([&] {
      int shown = 0;
      map.visit_while([&](auto& element) {
        element.second = 2;
        if (++shown == 2) stored.pass();
        return shown < 2;
      });
    });
    stored.wait_for_visitor();
    seen = map.find(0);
    map.insert_or_assign(last, 3);
  };
  const auto [first, second] = map.read_together(0, last);
  stored.open();
  writer.join();
  REQUIRE(seen == 2);
  REQUIRE(first == 2);
  REQUIRE(second == 3);
}
