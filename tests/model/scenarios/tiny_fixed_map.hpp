// SPDX-License-Identifier: MIT
/// \file
/// fixed_map in a tiny world: sixteen slots, keys 1 to 4 at home in the first. Values of one word,
/// of several, and in place.
#pragma once

#include <concur/fixed_map.hpp>
#include <memory>

#include "scenarios/vocabulary_adapter.hpp"
#include "support/fixed_map_access.hpp"

namespace scenarios {

/// A number that is not trivially copyable: it lives in memory of its own, so that a value which is
/// read after its end, or destroyed twice or never, is noticed.
class boxed {
 public:
  explicit boxed(std::uint64_t v) : value_(std::make_unique<std::uint64_t>(v)) {}
  boxed(const boxed& other) : boxed(other.get()) {}
  boxed(boxed&&) noexcept = default;
  boxed& operator=(const boxed& other) { return *this = boxed(other); }
  boxed& operator=(boxed&&) noexcept = default;
  std::uint64_t get() const { return *value_; }
  friend bool operator==(const boxed& a, const boxed& b) { return a.get() == b.get(); }

 private:
  std::unique_ptr<std::uint64_t> value_;
};

template <>
struct coder<boxed> {
  static boxed make(std::uint64_t v) { return boxed(v); }
  static std::uint64_t read(const boxed& v) { return v.get(); }
};

template <class T, std::size_t Capacity = 16>
class tiny_fixed_map
    : public concur::detail::basic_fixed_map<std::uint64_t, T, placed_hash, std::equal_to<>,
                                             std::allocator<std::byte>> {
 public:
  tiny_fixed_map() : tiny_fixed_map::basic_fixed_map(Capacity) {}
};

template <class T>
using fixed_adapter = vocabulary_adapter<tiny_fixed_map<T>, std::uint64_t, T>;

using fixed_word = fixed_adapter<std::uint64_t>;
using fixed_wide = fixed_adapter<std::array<std::uint64_t, 3>>;
using fixed_boxed = fixed_adapter<boxed>;

/// As `execute`, and then a look at the slots.
template <class Adapter>
void execute_and_look(const scenario& s) {
  recorder record(s.needs_real_time || mc::pick(2) == 1 ? precedence::real_time
                                                        : precedence::causal);
  Adapter map;
  for (const call& c : s.before) perform(map, record, c);
  for (const auto& t : s.threads)
    mc::spawn([&map, &record, &t] {
      for (const call& c : t) perform(map, record, c);
    });
  mc::join_all();
  if (const char* const broken = concur_test::broken_invariant(map.map())) mc::fail(broken);
  check_quiet(map, record, s);
  record.check();
}

/// The capacity does not change.
inline bool is_of_growth(const scenario& s) {
  const auto grows = [](const call& c) {
    return c.kind_of_call == verb::grow || c.kind_of_call == verb::shrink;
  };
  for (const auto& t : s.threads)
    for (const call& c : t)
      if (grows(c)) return true;
  return false;
}

/// What can happen between the claim of a slot and its release.
inline std::vector<scenario> slot_scenarios() {
  using k = kind;
  std::vector<scenario> all;
  const auto add = [&](const char* name, std::vector<call> before,
                       std::vector<std::vector<call>> threads) {
    all.push_back({name, std::move(before), std::move(threads)});
  };
  add("two inserts of one key while a nearer slot becomes free",
      {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::insert, 3, 3)}, {on(k::insert, 3, 4)}, {on(k::erase, 1)}});
  add("an insert of a key beside its erasure and another insert", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::insert, 1, 2)}, {on(k::insert, 1, 3)}, {on(k::find, 1)}});
  add("two erasures at the bound", {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3)},
      {{on(k::erase, 3)}, {on(k::erase, 2)}, {on(k::find, 1)}});
  add("an erasure at the bound beside an insert below it",
      {on(k::insert, 1, 1), on(k::insert, 2, 2), on(k::insert, 3, 3)},
      {{on(k::erase, 3)}, {on(k::erase, 1), on(k::insert, 4, 4)}, {on(k::find, 4)}});
  add("an erasure at the bound beside an insert that comes and goes", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::insert, 1, 2)}, {on(k::insert, 2, 2), on(k::erase, 2)}});
  add("an insert beside one that makes its value in a reserved slot", {},
      {{on(k::insert, 1, 1)}, {on(k::put, 1, 2)}, {on(k::assign, 1, 3), on(k::find, 1)}});
  add("erase and reuse of the slot beside an update", {on(k::insert, 1, 1)},
      {{on(k::add, 1, 10)}, {on(k::erase, 1), on(k::insert, 2, 2)}, {on(k::add, 2, 100)}});
  add("erase and reuse of the slot beside two readers", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::put, 2, 2), on(k::erase, 2), on(k::insert, 1, 3)},
       {on(k::find, 1), on(k::find, 2)},
       {on(k::find, 1)}});
  add("four inserts of one key", {},
      {{on(k::insert, 1, 1)}, {on(k::insert, 1, 2)}, {on(k::insert, 1, 3)}, {on(k::put, 1, 4)}});
  add("inserts of two homes that share their slots", {on(k::insert, 1, 1), on(k::insert, 2, 2)},
      {{on(k::insert, 3, 3), on(k::erase, 3)}, {on(k::insert, 4, 4)}, {on(k::erase, 2)}});
  // The first eight slots are taken, most by keys that are at home there: what comes next to the
  // first home is beyond the tags that a lookup sees at once.
  const std::vector<call> eight = {on(k::insert, 1, 1),  on(k::insert, 17, 1), on(k::insert, 18, 1),
                                   on(k::insert, 19, 1), on(k::insert, 20, 1), on(k::insert, 5, 1),
                                   on(k::insert, 6, 1),  on(k::insert, 7, 1)};
  add("inserts and an erasure far from home", eight,
      {{on(k::insert, 2, 2), on(k::erase, 2)},
       {on(k::insert, 3, 3)},
       {on(k::find, 3), on(k::find, 2)}});
  std::vector<call> and_one_more = eight;
  and_one_more.push_back(on(k::insert, 2, 2));
  add("a key far from home comes nearer", and_one_more,
      {{on(k::erase, 2), on(k::erase, 1), on(k::insert, 2, 3)},
       {on(k::find, 2)},
       {on(k::put, 3, 3)}});
  return all;
}

}  // namespace scenarios
