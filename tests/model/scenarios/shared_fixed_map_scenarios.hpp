// SPDX-License-Identifier: MIT
/// \file
/// A map in shared memory, in a tiny world. Every thread is a process: it attaches for itself, and
/// being frozen is being killed, which the others find out as they would from the system.
#pragma once

#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "scenarios/tiny_fixed_map.hpp"
#include "support/fixed_map_access.hpp"

namespace scenarios {

struct model_processes {
  static concur::detail::fixed_map::process_identity self() noexcept {
    const auto id = static_cast<std::uint64_t>(mc::self()) + 1;
    return {id, start_of(id), 1};
  }
  static bool may_run(const concur::detail::fixed_map::process_identity& p) noexcept {
    if (p.start != 0 && p.start != start_of(p.id)) return false;  // another, of the same id
    return !(p.id == 2 && mc::learns_of_death());  // the first thread is the one that is killed
  }
  static std::uint64_t start_of(std::uint64_t id) noexcept { return id + 100; }
  static unsigned forks() noexcept { return 0; }
  static void watch_forks() noexcept {}
};

/// Nobody dies: who is frozen sleeps.
struct sleeping_processes : model_processes {
  static bool may_run(const concur::detail::fixed_map::process_identity&) noexcept { return true; }
};

/// The hasher of the other scenarios, as a shared map wants it.
struct seeded_placed_hash : placed_hash {
  explicit seeded_placed_hash(std::uint64_t = 0) {}
  std::uint64_t seed() const { return 0; }
};

template <class T, class Processes = model_processes>
using shared_map = concur::detail::basic_shared_fixed_map<std::uint64_t, T, seeded_placed_hash,
                                                          std::equal_to<>, Processes>;

/// Memory of no process in particular.
template <class T, std::size_t Capacity = 8>
class region {
 public:
  region() : memory_(static_cast<std::byte*>(::operator new (bytes(), std::align_val_t{64}))) {
    shared_map<T>::format(span(), Capacity, 0);
  }
  region(const region&) = delete;
  region& operator=(const region&) = delete;
  ~region() { ::operator delete (memory_, std::align_val_t{64}); }
  std::span<std::byte> span() const { return {memory_, bytes()}; }

 private:
  static std::size_t bytes() { return shared_map<T>::bytes_for(Capacity); }
  std::byte* memory_;
};

/// The adapter of the other scenarios over a map that is attached.
template <class T, class Processes = model_processes>
class process {
  using map_type = shared_map<T, Processes>;

 public:
  static constexpr bool can(kind k) { return k != kind::fetch_add; }

  explicit process(std::span<std::byte> where) : map_(map_type::attach(where)) {}
  std::uint64_t call(const scenarios::call& c) {
    const T value = coder<T>::make(c.argument);
    switch (c.what) {
      case kind::find:
        return optional(map_.find(c.key));
      case kind::insert:
        return map_.insert(c.key, value).inserted() ? 1 : 0;
      case kind::assign:
        return optional(map_.exchange(c.key, value));
      case kind::put:
        return map_.insert_or_assign(c.key, value).inserted() ? 1 : 0;
      case kind::erase:
        return map_.erase(c.key);
      case kind::take:
        return optional(map_.take(c.key));
      case kind::replace:
        return map_.replace_if_equal(c.key, value, coder<T>::make(c.argument2)) ? 1 : 0;
      case kind::erase_equal:
        return map_.erase_if_equal(c.key, value);
      case kind::add: {
        std::uint64_t before = absent;
        map_.update(c.key, [&](T& v) {
          before = coder<T>::read(v);
          v = coder<T>::make(before + c.argument);
        });
        return before;
      }
      default:
        mc::fail("no such call");
    }
  }
  template <class F>
  void iterate(F&& f) {
    map_.cvisit_all([&](const auto& e) { f(e.first, coder<T>::read(e.second)); });
  }
  std::uint64_t size() { return map_.size(); }
  void grow(std::size_t) {}
  void shrink() {}
  void clear() { map_.clear(); }
  map_type& map() { return map_; }

 private:
  template <class O>
  static std::uint64_t optional(const O& o) {
    return o ? coder<T>::read(*o) : absent;
  }
  map_type map_;
};

/// What a thread that may be killed leaves behind is given back when it was not.
template <class T, std::size_t Capacity = 8, class Processes = model_processes>
struct world {
  using process_type = process<T, Processes>;
  region<T, Capacity>* memory = new region<T, Capacity>;
  process_type* processes[4] = {};
  ~world() {
    if (mc::frozen()) return;
    for (process_type* p : processes) delete p;
    delete memory;
  }
  process_type& attach(int index) { return *(processes[index] = new process_type(memory->span())); }
};

template <class T, std::size_t Capacity>
void run_in(world<T, Capacity>& all, recorder& record, int index, const std::vector<call>& calls) {
  all.attach(index);
  for (const call& c : calls) perform(*all.processes[index], record, c);
}

template <class T>
void execute_shared(const scenario& s) {
  recorder record(mc::pick(2) == 1 ? precedence::real_time : precedence::causal);
  world<T> all;
  run_in(all, record, 0, s.before);
  int index = 0;
  for (const auto& t : s.threads)
    mc::spawn([&all, &record, &t, i = ++index] { run_in(all, record, i, t); });
  mc::join_all();
  process<T>& quiet = *all.processes[0];
  mc::require(static_cast<bool>(quiet.map().verify()), "verify() finds something wrong");
  if (const char* const broken = concur_test::broken_invariant(quiet.map())) mc::fail(broken);
  check_quiet(quiet, record, s);
  record.check();
}

inline std::vector<scenario> shared_scenarios() {
  using k = kind;
  std::vector<scenario> all;
  const auto add = [&](const char* name, std::vector<call> before,
                       std::vector<std::vector<call>> threads) {
    all.push_back({name, std::move(before), std::move(threads)});
  };
  add("inserts of one key by three processes", {},
      {{on(k::insert, 1, 1)}, {on(k::insert, 1, 2)}, {on(k::put, 1, 3)}});
  add("updates of one element", {on(k::insert, 1, 1)},
      {{on(k::add, 1, 10)}, {on(k::add, 1, 100)}, {on(k::find, 1), on(k::find, 1)}});
  add("erase and reuse of the slot", {on(k::insert, 1, 1)},
      {{on(k::erase, 1), on(k::put, 2, 2)},
       {on(k::add, 1, 10), on(k::insert, 3, 3)},
       {on(k::find, 1), on(k::find, 2)}});
  return all;
}

/// A process leaves, and the next one takes its place in the table of processes, while a third
/// enters, who asks of everybody in it and of every owner whether he lives.
template <class T, bool IsAfterwards>
void execute_successor() {
  recorder record(precedence::causal);
  world<T> all;
  run_in(all, record, 0, {on(kind::insert, 1, 1)});
  const int first = mc::spawn([&] { const process<T> comes_and_goes(all.memory->span()); });
  if (IsAfterwards) mc::join(first);
  mc::spawn([&] { run_in(all, record, 2, {on(kind::add, 1, 10), on(kind::put, 2, 5)}); });
  mc::spawn([&] { run_in(all, record, 3, {on(kind::find, 1)}); });
  mc::join_all();
  process<T>& quiet = *all.processes[0];
  mc::require(static_cast<bool>(quiet.map().verify()), "verify() finds something wrong");
  for (const std::uint64_t key : {1, 2}) perform(quiet, record, on(kind::find, key));
  record.check();
}

/// The first process does `killed`, and may die of it; the others go on, and at the end everything
/// that is not the dead one's unfinished write is right.
template <class T, std::size_t Capacity = 8>
void execute_killed(const std::vector<call>& before, const std::vector<call>& killed,
                    const std::vector<std::vector<call>>& survivors,
                    const std::vector<std::uint64_t>& keys = {1, 2, 3}) {
  recorder record(precedence::causal);
  world<T, Capacity> all;
  run_in(all, record, 0, before);
  mc::spawn([&] { run_in(all, record, 1, killed); });
  int index = 1;
  for (const auto& s : survivors)
    mc::spawn([&all, &record, &s, i = ++index] { run_in(all, record, i, s); });
  mc::join_all();
  mc::learns_of_death();
  process<T>& quiet = *all.processes[0];
  // Everybody can write every key, and every slot is there to be used.
  mc::require(static_cast<bool>(quiet.map().verify()), "verify() finds something wrong");
  if (const char* const broken = concur_test::broken_invariant(quiet.map())) mc::fail(broken);
  for (const std::uint64_t key : keys) perform(quiet, record, on(kind::find, key));
  for (const std::uint64_t key : keys) perform(quiet, record, on(kind::put, key, 77));
  for (const std::uint64_t key : keys) perform(quiet, record, on(kind::find, key));
  record.check();
}

/// The first process does `asleep`, and may fall asleep in it for ever; the others go on. They have
/// attached before.
template <class T>
void execute_asleep(const std::vector<call>& before, const call& asleep,
                    const std::vector<std::vector<call>>& others) {
  recorder record(precedence::causal);
  world<T, 8, sleeping_processes> all;
  for (int i = 0; i <= static_cast<int>(others.size()); ++i) all.attach(i);
  for (const call& c : before) perform(*all.processes[0], record, c);
  mc::spawn([&] { perform(*all.processes[0], record, asleep); });
  int index = 0;
  for (const auto& o : others) {
    mc::spawn([&all, &record, &o, i = ++index] {
      for (const call& c : o) perform(*all.processes[i], record, c);
    });
  }
  mc::join_all();
  record.check();
}

/// The same of a key that is eight slots from its home, for which a dead process may have counted,
/// or not: nobody takes that back, and the next one who comes there is found.
inline void execute_killed_far_away(kind killed) {
  std::vector<call> before;
  for (const std::uint64_t key :
       {1U, 2U, 3U, 4U, 20U, 5U, 6U, 7U}) {  // homes 0, and then each its own
    before.push_back(on(kind::insert, key, key));
  }
  constexpr std::uint64_t far = 16;  // home 0
  if (killed == kind::erase) before.push_back(on(kind::insert, far, 1));
  // Another key, whose home is that slot.
  execute_killed<std::uint64_t, 16>(before, {on(killed, far, 5)},
                                    {{on(kind::put, far, 50), on(kind::find, far)},
                                     {on(kind::insert, 24, 24), on(kind::find, 24)}},
                                    {far, 24});
}

/// Who dies of what, beside whom.
struct killing {
  std::vector<call> before;
  std::vector<call> killed;
  std::vector<call> survivor;
  std::string name() const {
    return name_of(killed.front().what) + " killed, " + name_of(survivor.front().what) + " goes on";
  }
};

inline std::vector<killing> killings() {
  std::vector<killing> all;
  const std::vector<call> before = {on(kind::insert, 1, 1), on(kind::insert, 2, 2)};
  for (const auto& dies :
       {on(kind::insert, 3, 3), on(kind::put, 3, 3), on(kind::put, 1, 5), on(kind::add, 1, 10),
        on(kind::erase, 1), on(kind::erase, 2), on(kind::take, 2)}) {
    for (const auto& lives : {on(kind::put, dies.key, 50), on(kind::add, dies.key, 100),
                              on(kind::erase, dies.key), on(kind::insert, dies.key, 60)}) {
      all.push_back({before, {dies}, {lives, on(kind::find, dies.key)}});
    }
  }
  return all;
}

}  // namespace scenarios
