// SPDX-License-Identifier: MIT
// With ThreadSanitizer xenium would use stronger orders than those it ships with.
#undef __SANITIZE_THREAD__
#include <cassert>  // its headers forget it

#include <xenium/harris_michael_hash_map.hpp>
#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/reclamation/hazard_pointer.hpp>
#include <xenium/vyukov_hash_map.hpp>

#include "scenarios/peer_scenarios.hpp"

// The same scenarios on xenium's maps, as they are installed: see peers_test.cpp.

namespace {

using namespace scenarios;

/// Keys 1 to 4 share a bucket; xenium takes the low bits.
struct low_hash {
  std::size_t operator()(std::uint64_t k) const noexcept { return k <= 4 ? 0 : k; }
};

using hazards = xenium::reclamation::hazard_pointer<>::with<
    xenium::policy::allocation_strategy<xenium::reclamation::hp_allocation::static_strategy<8>>>;
using epochs = xenium::reclamation::epoch_based<>::with<xenium::policy::scan_frequency<1>>;

template <class Reclaimer>
class vyukov_adapter {
 public:
  static constexpr bool can(kind k) {
    return k == kind::find || k == kind::insert || k == kind::erase || k == kind::take;
  }
  static constexpr bool can(verb v) { return v == verb::one_key || v == verb::iterate; }

  std::uint64_t call(const scenarios::call& c) {
    typename map_type::accessor value;
    switch (c.what) {
      case kind::find:
        return map_.try_get_value(c.key, value) ? *value : absent;
      case kind::insert:
        return map_.emplace(c.key, c.argument) ? 1 : 0;
      case kind::erase:
        return map_.erase(c.key) ? 1 : 0;
      case kind::take:
        return map_.extract(c.key, value) ? *value : absent;
      default:
        mc::fail("no such call");
    }
  }
  template <class F>
  void iterate(F&& f) {
    for (auto it = map_.begin(); it != map_.end(); ++it) f((*it).first, (*it).second);
  }
  std::uint64_t size() {
    std::uint64_t n = 0;
    iterate([&](std::uint64_t, std::uint64_t) { ++n; });
    return n;
  }
  void grow(std::size_t) {}
  void shrink() {}
  void clear() {}

 private:
  using map_type =
      xenium::vyukov_hash_map<std::uint64_t, std::uint64_t, xenium::policy::reclaimer<Reclaimer>,
                              xenium::policy::hash<low_hash>>;
  map_type map_{1};
};

template <class Reclaimer>
class harris_michael_adapter {
 public:
  static constexpr bool can(kind k) {
    return k == kind::find || k == kind::insert || k == kind::erase;
  }
  static constexpr bool can(verb v) { return v == verb::one_key || v == verb::iterate; }

  std::uint64_t call(const scenarios::call& c) {
    switch (c.what) {
      case kind::find: {
        const auto it = map_.find(c.key);
        return it == map_.end() ? absent : it->second;
      }
      case kind::insert:
        return map_.emplace(c.key, c.argument) ? 1 : 0;
      case kind::erase:
        return map_.erase(c.key) ? 1 : 0;
      default:
        mc::fail("no such call");
    }
  }
  template <class F>
  void iterate(F&& f) {
    for (auto it = map_.begin(); it != map_.end(); ++it) f(it->first, it->second);
  }
  std::uint64_t size() {
    std::uint64_t n = 0;
    iterate([&](std::uint64_t, std::uint64_t) { ++n; });
    return n;
  }
  void grow(std::size_t) {}
  void shrink() {}
  void clear() {}

 private:
  using map_type =
      xenium::harris_michael_hash_map<std::uint64_t, std::uint64_t,
                                      xenium::policy::reclaimer<Reclaimer>,
                                      xenium::policy::hash<low_hash>, xenium::policy::buckets<2>>;
  map_type map_;
};

/// Retired nodes are kept by the reclaimer for a later time, which an execution does not have.
const mc::options no_leaks = {.leaks = false};

}  // namespace

TEST_CASE("xenium: vyukov_hash_map, mixes", "[.][peers]") {
  CHECK(explore_mixes<vyukov_adapter<hazards>>(6'000, no_leaks) > 0);
  CHECK(explore_mixes<vyukov_adapter<epochs>>(6'000, no_leaks) > 0);
}
TEST_CASE("xenium: vyukov_hash_map, pairs of operations", "[.][peers]") {
  CHECK(explore_pairs<vyukov_adapter<hazards>>(600, no_leaks) > 0);
  CHECK(explore_pairs<vyukov_adapter<epochs>>(600, no_leaks) > 0);
}
TEST_CASE("xenium: harris_michael_hash_map, mixes", "[.][peers]") {
  CHECK(explore_mixes<harris_michael_adapter<hazards>>(6'000, no_leaks) > 0);
  CHECK(explore_mixes<harris_michael_adapter<epochs>>(6'000, no_leaks) > 0);
}
TEST_CASE("xenium: harris_michael_hash_map, pairs of operations", "[.][peers]") {
  CHECK(explore_pairs<harris_michael_adapter<hazards>>(600, no_leaks) > 0);
  CHECK(explore_pairs<harris_michael_adapter<epochs>>(600, no_leaks) > 0);
}
