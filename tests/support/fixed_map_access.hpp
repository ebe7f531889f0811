// SPDX-License-Identifier: MIT
/// \file
/// A look at the slots of a quiet fixed map: what its invariants say of them.
#pragma once

#include <concur/fixed_map.hpp>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace concur::inline CONCUR_ABI::detail {

struct fixed_map_test_access {
  template <class Map>
  static auto& engine(Map& map) {
    return map.engine_;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail

namespace concur_test {

/// Derived from the engine, so that it sees its slots.
template <class Engine>
struct opened_engine : Engine {
  using Engine::bound_of;
  using Engine::home_of;
  using Engine::origin_of;
  using Engine::slot_at;
  using Engine::slot_count;
  using Engine::tags;
  using Engine::word_of;
};

template <class Map>
const auto& opened(const Map& map) {
  auto& engine = concur::detail::fixed_map_test_access::engine(map);
  return static_cast<const opened_engine<std::remove_cvref_t<decltype(engine)>>&>(engine);
}

/// What is wrong with the tags of a quiet map, or null. A tag is that of its element, or there is
/// none; and the counts say which homes have elements far away: where processes may have died, also
/// of some that have none.
template <class Map>
const char* broken_tags(const Map& map) {
  using concur::detail::fixed_map::slot_state;
  using concur::detail::fixed_map::slot_tags;
  const auto& engine = opened(map);
  const std::uint64_t count = engine.slot_count();
  std::vector<std::size_t> far(slot_tags::counters_for(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto& s = engine.slot_at(i);
    std::uint8_t expected = 0;
    if (engine.word_of(s).is(slot_state::member)) {
      const auto from = engine.origin_of(engine.hash(s.key.load()));
      expected = from.tag;
      if (((i - from.home) & (count - 1)) >= slot_tags::span) ++far[from.home / slot_tags::span];
    }
    for (std::uint64_t copy = i; copy < slot_tags::tags_for(count); copy += count) {
      if (engine.tags().tag_at(copy) != expected) return "a tag is not that of its slot";
    }
  }
  for (std::size_t i = 0; i < far.size(); ++i) {
    const std::size_t counted = engine.tags().far_at(i);
    if (counted < far[i] || (!engine.has_owners && counted != far[i])) {
      return "a count of what is far away is wrong";
    }
  }
  return nullptr;
}

/// What is wrong with the slots of a quiet map, or null. Every slot is empty or an element, no key
/// is there twice, and every bound is as low as the elements allow, and no lower.
template <class Map>
const char* broken_invariant(const Map& map) {
  using concur::detail::fixed_map::slot_state;
  const auto& engine = opened(map);
  const std::uint64_t count = engine.slot_count();
  std::size_t members = 0;
  for (std::uint64_t home = 0; home < count; ++home) {
    std::uint64_t needed = 1;  // the home itself is always within its bound
    for (std::uint64_t d = 1; d < count; ++d) {
      const auto& s = engine.slot_at(home + d);
      const auto word = engine.word_of(s);
      if (!word.is(slot_state::member)) continue;
      if (engine.home_of(engine.hash(s.key.load())) == home) needed = d + 1;
    }
    if (engine.bound_of(home).length() > needed) return "a bound is higher than its elements need";
    if (engine.bound_of(home).length() < needed) return "a bound is lower than its elements need";
    if (engine.bound_of(home).is_scanned()) return "a bound is left as being scanned";
    const auto word = engine.word_of(engine.slot_at(home));
    if (word.is(slot_state::member)) {
      ++members;
      if (word.is_locked() || word.readers() != 0) return "an element is left locked";
      for (std::uint64_t other = home + 1; other < count; ++other) {
        const auto& s = engine.slot_at(other);
        if (engine.word_of(s).is(slot_state::member) &&
            s.key.load() == engine.slot_at(home).key.load()) {
          return "a key is there twice";
        }
      }
    } else if (!word.is(slot_state::empty)) {
      return "a slot is left claimed";
    }
  }
  if (members != map.size()) return "size() is not the number of elements";
  return broken_tags(map);
}

}  // namespace concur_test
