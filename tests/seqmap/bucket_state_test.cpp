// SPDX-License-Identifier: MIT
/// \file
/// The two control words of a bucket against models that are not packed into a word.
#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <concur/detail/seqmap/bucket_state.hpp>
#include <random>
#include <set>
#include <utility>
#include <vector>

using concur::detail::seqmap::bucket_state;
using concur::detail::seqmap::displaced_directory;

namespace {

constexpr unsigned tag_count = displaced_directory::tag_count;

class dice {
 public:
  explicit dice(unsigned seed) : engine_(seed) {}
  unsigned operator()() { return static_cast<unsigned>(engine_()); }

 private:
  std::mt19937 engine_;
};

template <unsigned Cells>
struct state_model {
  std::array<bool, Cells> occupied{};
  std::array<bool, Cells> displaced{};
  bool locked = false;
  bool moved = false;

  template <class Wanted>
  unsigned mask(Wanted wanted) const {
    unsigned result = 0;
    for (unsigned i = 0; i < Cells; ++i) result |= static_cast<unsigned>(wanted(i)) << i;
    return result;
  }
  bool matches(bucket_state<Cells> s) const {
    return s.is_locked() == locked && s.is_moved() == moved &&
           s.occupied() == mask([&](unsigned i) { return occupied[i]; }) &&
           s.vacant() == mask([&](unsigned i) { return !occupied[i]; }) &&
           s.displaced() == mask([&](unsigned i) { return occupied[i] && displaced[i]; }) &&
           s.at_home() == mask([&](unsigned i) { return occupied[i] && !displaced[i]; });
  }
};

template <unsigned Cells>
void follow_the_model() {
  dice random(Cells);
  state_model<Cells> model;
  bucket_state<Cells> s;
  std::set<std::uint64_t> versions;
  std::vector<bucket_state<Cells>> history;
  for (int step = 0; step < 2000; ++step) {
    const bucket_state<Cells> before = s;
    const unsigned cell = random() % Cells;
    bool is_change = true;
    switch (random() % 6) {
      case 0:
        if (model.occupied[cell]) continue;
        model.displaced[cell] = random() % 2 == 0;
        model.occupied[cell] = true;
        s = s.with_element(cell, model.displaced[cell]);
        break;
      case 1:
        if (!model.occupied[cell]) continue;
        model.occupied[cell] = model.displaced[cell] = false;
        s = s.without_element(cell);
        break;
      case 2:
        s = s.with_new_version();
        break;
      case 3:
        s = model.locked ? s.unlocked() : s.locked();
        model.locked = !model.locked;
        is_change = false;
        break;
      case 4: {
        const auto publishing = s.with_publishing(cell);
        REQUIRE(publishing.is_publishing(cell));
        for (unsigned i = 0; i < Cells; ++i) REQUIRE(publishing.is_publishing(i) == (i == cell));
        REQUIRE_FALSE(publishing.is_same_version(s));
        REQUIRE(model.matches(publishing));
        is_change = false;
        break;
      }
      default:
        if (random() % 50 != 0) continue;
        for (unsigned i = 0; i < Cells; ++i) model.occupied[i] &= model.displaced[i];
        model.moved = true;
        s = s.with_moved();
        break;
    }
    REQUIRE(model.matches(s));
    for (unsigned i = 0; i < Cells; ++i) REQUIRE_FALSE(s.is_publishing(i));
    REQUIRE(s.is_same_version(before) == !is_change);
    REQUIRE(s.is_same_version(s.locked()));
    if (is_change) REQUIRE(versions.insert(s.unlocked().bits()).second);
  }
}

/// A displaced element of one home: distance and tag.
using displaced = std::pair<unsigned, unsigned>;

/// Where a reader looks for the elements with a tag, as table::visit_displaced does.
std::bitset<256> where_to_look(displaced_directory d, unsigned tag, unsigned farthest) {
  std::bitset<256> result;
  for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
    if (d.matches(i, tag)) result.set(d.distance(i));
  }
  const unsigned reach = d.spilled() == 0 ? 0 : d.reach();
  for (unsigned step = 1; step <= std::min(reach, farthest); ++step) result.set(step);
  if (reach == displaced_directory::reach_everywhere) result.set(reach);
  return result;
}

/// And where one who wants them all.
std::bitset<256> where_all_are(displaced_directory d, unsigned farthest) {
  std::bitset<256> result;
  for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
    if (d.distance(i) != 0) result.set(d.distance(i));
  }
  if (d.spilled() != 0) {
    const unsigned reach = std::max(d.reach(), displaced_directory::max_entry_distance);
    for (unsigned step = 1; step <= std::min(reach, farthest); ++step) result.set(step);
    if (reach == displaced_directory::reach_everywhere) result.set(reach);
  }
  return result;
}

/// Everything that a directory promises about the elements that were put into it.
bool is_right(displaced_directory d, const std::vector<displaced>& model, unsigned farthest) {
  for (unsigned tag = 0; tag < tag_count; ++tag) {
    const auto found = where_to_look(d, tag, farthest);
    bool is_there = false;
    for (const auto& [distance, its_tag] : model) {
      if (its_tag != tag) continue;
      is_there = true;
      if (!found[distance]) return false;
    }
    if (is_there && !d.may_hold(tag)) return false;
    // It errs for the sake of speed, but not in favour of the reader's patience.
    if (found.any() && !d.may_hold(tag)) return false;
  }
  const auto all = where_all_are(d, farthest);
  for (const auto& element : model) {
    if (!all[element.first]) return false;
  }
  return !model.empty() || d.is_empty();
}

}  // namespace

TEST_CASE("a bucket state says what a model says, whatever happens to it") {
  follow_the_model<1>();
  follow_the_model<2>();
  follow_the_model<3>();
  follow_the_model<4>();
  follow_the_model<5>();
  follow_the_model<6>();
  follow_the_model<7>();
}

TEST_CASE("a version that wraps does not touch the rest of a bucket state") {
  bucket_state<3> s = bucket_state<3>().with_element(0, false).with_element(2, true);
  const std::uint64_t low = (std::uint64_t{1} << 12) - 1;
  s = bucket_state<3>((s.bits() & low) | ~low);  // the highest version
  const bucket_state<3> wrapped = s.with_new_version();
  REQUIRE(wrapped.bits() == (s.bits() & low));
  REQUIRE(wrapped.occupied() == 5);
  REQUIRE(wrapped.displaced() == 4);
  REQUIRE_FALSE(wrapped.is_same_version(s));
}

TEST_CASE("the bucket of an empty map has moved and holds nothing") {
  constexpr auto s = bucket_state<3>::always_moved();
  REQUIRE(s.is_moved());
  REQUIRE(s.occupied() == 0);
  REQUIRE_FALSE(s.is_locked());
}

TEST_CASE("a directory entry matches its own tag only, for every tag and distance") {
  for (unsigned tag = 0; tag < tag_count; ++tag) {
    for (unsigned distance = 1; distance <= displaced_directory::max_entry_distance; ++distance) {
      const auto d = displaced_directory().with(distance, tag);
      REQUIRE(d.spilled() == 0);
      REQUIRE(d.matches(0, tag));
      REQUIRE(d.distance(0) == distance);
      REQUIRE(d.without(distance, tag).is_empty());
      unsigned held = 0;
      for (unsigned other = 0; other < tag_count; ++other) held += d.may_hold(other) ? 1U : 0U;
      REQUIRE(d.may_hold(tag));
      REQUIRE(held == 1);
    }
  }
}

TEST_CASE("an empty directory matches no hash") {
  for (std::uint64_t hash = 0; hash < 4096; ++hash) {
    const unsigned tag = displaced_directory::tag_of(hash);
    REQUIRE(tag < tag_count);
    REQUIRE_FALSE(displaced_directory().may_hold(tag));
    for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
      REQUIRE_FALSE(displaced_directory().matches(i, tag));
    }
  }
}

TEST_CASE("may_hold is exact while nothing has spilled") {
  dice random(1);
  for (int round = 0; round < 5000; ++round) {
    displaced_directory d;
    std::set<unsigned> tags;
    const unsigned n = random() % 5;
    for (unsigned i = 0; i < n; ++i) {
      const unsigned tag = round % 2 == 0 ? random() % tag_count : random() % 3;
      d = d.with(1 + random() % displaced_directory::max_entry_distance, tag);
      tags.insert(tag);
    }
    for (unsigned tag = 0; tag < tag_count; ++tag) {
      REQUIRE(d.may_hold(tag) == (tags.count(tag) != 0));
    }
  }
}

TEST_CASE("a directory leads to every displaced element through any sequence of changes") {
  dice random(2);
  for (int round = 0; round < 150; ++round) {
    const unsigned farthest = std::array<unsigned, 4>{3, 63, 100, 255}[random() % 4];
    const unsigned tags = random() % 2 == 0 ? tag_count : 2;
    const bool has_annex = random() % 2 == 0;
    displaced_directory d;
    std::vector<displaced> model;
    for (int step = 0; step < 60; ++step) {
      const bool is_growing = model.empty() || (model.size() < 20 && random() % 5 < 3);
      if (is_growing) {
        const unsigned distance = has_annex && random() % 8 == 0
                                      ? displaced_directory::reach_everywhere
                                      : 1 + random() % farthest;
        const unsigned tag = random() % tags;
        d = d.with(distance, tag);
        model.emplace_back(distance, tag);
      } else {
        const auto victim = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
        d = d.without(victim->first, victim->second);
        model.erase(victim);
      }
      unsigned entries = 0;
      for (unsigned i = 0; i < displaced_directory::entry_count; ++i) {
        entries += d.distance(i) != 0 ? 1U : 0U;
      }
      REQUIRE(entries + d.spilled() == model.size());
      REQUIRE(is_right(d, model, farthest));
    }
    for (; !model.empty(); model.pop_back()) {
      d = d.without(model.back().first, model.back().second);
    }
    REQUIRE(d.is_empty());
  }
}

TEST_CASE("a directory with more elements than it can count loses none") {
  displaced_directory d;
  std::vector<displaced> model;
  for (unsigned i = 0; i < 300; ++i) {
    d = d.with(1 + i % 255, i % tag_count);
    model.emplace_back(1 + i % 255, i % tag_count);
  }
  REQUIRE(d.spilled() == 255);
  REQUIRE(is_right(d, model, 255));
  while (model.size() > 1) {
    d = d.without(model.back().first, model.back().second);
    model.pop_back();
    REQUIRE(is_right(d, model, 255));
  }
}

TEST_CASE("a directory that cannot count can be told that nothing has spilled") {
  using directory = displaced_directory;
  directory d;
  for (unsigned i = 0; i < directory::entry_count; ++i) d = d.with(1 + i, i);
  const directory before = d;
  REQUIRE(d.entries_in_use() == directory::entry_count);
  for (unsigned i = 0; i < 254; ++i) d = d.with(directory::reach_everywhere, 9);
  REQUIRE_FALSE(d.is_uncounted());
  d = d.with(directory::reach_everywhere, 9);
  REQUIRE(d.is_uncounted());
  REQUIRE(d.without(directory::reach_everywhere, 9).is_uncounted());
  REQUIRE(d.entries_in_use() == directory::entry_count);
  REQUIRE(d.without(1, 0).entries_in_use() == directory::entry_count - 1);
  REQUIRE(d.without_spilled().bits() == before.bits());
}
