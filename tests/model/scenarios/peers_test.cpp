// SPDX-License-Identifier: MIT
#include <libcuckoo/cuckoohash_map.hh>

#include "scenarios/peer_scenarios.hpp"

// The same scenarios on another library's map, as it is installed. What is found is written up in
// docs/verification.md. Not part of the default run: the findings are not ours to fix.

namespace {

using namespace scenarios;

class cuckoo_adapter {
 public:
  using map_type = libcuckoo::cuckoohash_map<std::uint64_t, std::uint64_t, placed_hash>;

  static constexpr bool can(kind k) {
    return k == kind::find || k == kind::insert || k == kind::put || k == kind::erase ||
           k == kind::add;
  }
  static constexpr bool can(verb) { return true; }
  std::uint64_t call(const scenarios::call& c) {
    std::uint64_t value = absent;
    switch (c.what) {
      case kind::find:
        map_.find_fn(c.key, [&](const std::uint64_t& v) { value = v; });
        return value;
      case kind::insert:
        return map_.insert(c.key, c.argument) ? 1 : 0;
      case kind::put:
        return map_.insert_or_assign(c.key, c.argument) ? 1 : 0;
      case kind::erase:
        return map_.erase(c.key) ? 1 : 0;
      case kind::add:
        map_.update_fn(c.key, [&](std::uint64_t& v) {
          value = v;
          v += c.argument;
        });
        return value;
      default:
        mc::fail("no such call");
    }
  }
  template <class F>
  void iterate(F&& f) {
    auto locked = map_.lock_table();
    for (const auto& e : locked) f(e.first, e.second);
  }
  std::uint64_t size() { return map_.size(); }
  void grow(std::size_t n) { map_.reserve(n); }
  void shrink() { map_.rehash(0); }
  void clear() { map_.clear(); }

 private:
  map_type map_{1};
};

}  // namespace

TEST_CASE("libcuckoo: mixes", "[.][peers]") {
  CHECK(explore_mixes<cuckoo_adapter>(6'000) > 0);
}
TEST_CASE("libcuckoo: pairs of operations", "[.][peers]") {
  CHECK(explore_pairs<cuckoo_adapter>(240) > 0);
}
TEST_CASE("libcuckoo: mixes, data races not counted", "[.][peers]") {
  CHECK(explore_mixes<cuckoo_adapter>(6'000, {.races = false}) > 0);
}
