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

/// Every operation beside one who gives the slot of key 1 back, and takes it again for the same key
/// or for another one, at once or in two steps; two who do so; and what goes over all slots beside
/// every operation. Two operations on one life of a slot are in `pairs`.
inline std::vector<scenario> reuses() {
  using k = kind;
  std::vector<scenario> all;
  const std::vector<call> one = {on(k::insert, 1, 10)};
  const auto other_calls = [](std::uint64_t key) {
    return std::vector<call>{on(k::find, key),
                             on(k::insert, key, 100),
                             on(k::assign, key, 100),
                             on(k::put, key, 100),
                             on(k::erase, key),
                             on(k::take, key),
                             on(k::add, key, 100),
                             on(k::replace, key, key == 1 ? 10 : 20, 100),
                             on(k::erase_equal, key, key == 1 ? 10 : 20)};
  };
  const auto after = [](const call& c) { return ", now of key " + std::to_string(c.key); };
  for (const auto& comes :
       {on(k::insert, 1, 20), on(k::put, 1, 20), on(k::insert, 2, 20), on(k::put, 2, 20)}) {
    const std::vector<call> reuse = {on(k::erase, 1), comes};
    for (const std::uint64_t key : {1U, 2U}) {
      if (key == 2 && comes.key == 1) continue;
      for (const call& c : other_calls(key))
        all.push_back({name_of(c.what) + " of key " + std::to_string(key) +
                           " beside a slot that is erased and filled by " + name_of(comes.what) +
                           after(comes),
                       one,
                       {{c, on(k::find, key)}, reuse}});
    }
    for (const auto& also : {on(k::insert, 1, 30), on(k::insert, 2, 30), on(k::put, 3, 30)})
      all.push_back({"a slot that two erase and fill" + after(comes) + after(also),
                     one,
                     {reuse, {on(k::erase, 1), also, on(k::find, comes.key)}}});
    for (const verb v : {verb::clear, verb::iterate, verb::size})
      all.push_back({"all slots beside one that is erased and filled" + after(comes),
                     one,
                     {reuse, {whole(v), on(k::find, comes.key)}},
                     v != verb::clear});
  }
  for (const verb v : {verb::clear, verb::iterate, verb::size})
    for (const bool present : {true, false})
      for (const call& c : other_calls(1)) {
        // What an addition leaves is known when it has returned: too late for an iteration.
        if (v == verb::iterate && c.what == k::add) continue;
        all.push_back({"all slots beside " + name_of(c.what) + (present ? "" : ", absent"),
                       present ? one : std::vector<call>{},
                       {{c, on(k::find, 1)}, {whole(v), on(k::find, 1)}},
                       v != verb::clear});
      }
  return all;
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
