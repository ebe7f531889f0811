// SPDX-License-Identifier: MIT
/// \file
/// The sync layer and the leaf hazard under the checker: bodies that the tests and the kill matrix
/// share.
#pragma once

#include <concur/detail/reclaim/leaf_hazard.hpp>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/parking_lock.hpp>
#include <concur/detail/sync/parking_lock_timed.hpp>
#include <concur/detail/sync/seqlock_cell.hpp>
#include <concur/detail/sync/striped_counter.hpp>
#include <concur/detail/sync/thread_slots.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "checker/tools.hpp"
#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios::sync {

namespace lib = concur::detail;
inline constexpr auto rlx = std::memory_order_relaxed;
inline constexpr auto acq = std::memory_order_acquire;
inline constexpr auto rel = std::memory_order_release;

// Fences -----------------------------------------------------------------------------------------

inline void store_buffering(bool request_symmetric) {
  std::atomic<int> x{0};
  std::atomic<int> y{0};
  int seen_y = -1;
  int seen_x = -1;
  bool ordered = false;
  lib::asymmetric_fence::prepare();
  if (request_symmetric) mc::spawn([] { lib::asymmetric_fence::use_symmetric_fences(); });
  mc::spawn([&] {
    lib::asymmetric_fence::prepare();
    x.store(1, rlx);
    lib::asymmetric_fence::light();
    seen_y = y.load(rlx);
  });
  mc::spawn([&] {
    y.store(1, rlx);
    ordered = lib::asymmetric_fence::heavy();
    seen_x = x.load(rlx);
  });
  mc::join_all();
  mc::require(!ordered || seen_x == 1 || seen_y == 1, "the fences did not order");
}

inline void first_use_by_both() {
  std::atomic<int> x{0};
  std::atomic<int> y{0};
  int seen_y = -1;
  int seen_x = -1;
  bool ordered = false;
  mc::spawn([&] {
    lib::asymmetric_fence::prepare();
    x.store(1, rlx);
    lib::asymmetric_fence::light();
    seen_y = y.load(rlx);
  });
  mc::spawn([&] {
    y.store(1, rlx);
    ordered = lib::asymmetric_fence::heavy();
    seen_x = x.load(rlx);
  });
  mc::join_all();
  mc::require(!ordered || seen_x == 1 || seen_y == 1, "the fences did not order");
}

// Thread slots -----------------------------------------------------------------------------------

inline void distinct_slots() {
  std::atomic<int> users[8] = {};
  const auto use = [&] {
    const auto index = lib::thread_slots::mine().index;
    mc::require(index < 8, "slots are reused");
    mc::require(users[index].fetch_add(1, rlx) == 0, "two living threads have one slot");
    mc::require(&lib::thread_slots::mine() == &lib::thread_slots::mine(),
                "a thread keeps its slot");
    users[index].fetch_sub(1, rlx);
  };
  for (int t = 0; t < 3; ++t) mc::spawn(use);
  mc::join_all();
  const int last = mc::spawn([&] {
    use();
    mc::require(lib::thread_slots::mine().index < 3, "a slot that was given back is taken first");
  });
  mc::join(last);
}

/// What a thread did with its slot happens before what its successor does.
inline void slot_hand_over() {
  static int owned[8];
  for (int t = 0; t < 4; ++t) mc::spawn([] { ++owned[lib::thread_slots::mine().index]; });
  mc::join_all();
  int total = 0;
  for (int n : owned) total += n;
  mc::require(total == 4, "four uses");
}

/// What was there when a hook was registered is there when it runs.
inline int registered_data = 0;
inline void exit_hooks() {
  lib::thread_slots::mine();
  mc::spawn([] {
    registered_data = 1;
    lib::thread_slots::add_exit_hook([](lib::thread_slot&) noexcept {
      mc::require(registered_data == 1, "the data of a hook are published");
    });
  });
  mc::spawn([] { lib::thread_slots::mine(); });
  mc::join_all();
}

/// Objects are replaced and freed under the eyes of readers.
template <class Guard>
void hazards() {
  struct object {
    int value;
  };
  std::atomic<std::uintptr_t> source{reinterpret_cast<std::uintptr_t>(new object{0})};
  const auto replace = [&](int value) -> object* {
    const auto old = source.exchange(reinterpret_cast<std::uintptr_t>(new object{value}),
                                     std::memory_order_acq_rel);
    auto* const p = reinterpret_cast<object*>(old);
    if (!lib::asymmetric_fence::heavy()) return p;
    if (lib::leaf_hazard::is_protected(old, ~std::uintptr_t{0})) return p;
    delete p;
    return nullptr;
  };
  object* left[2] = {};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      Guard guard;
      for (int i = 0; i < 2; ++i) {
        const auto* const o = reinterpret_cast<const object*>(guard.protect(source));
        mc::require(o->value < 3, "a value");
      }
    });
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) left[i] = replace(i + 1);
  });
  mc::join_all();
  for (object* o : left) delete o;
  delete reinterpret_cast<object*>(source.load(rlx));
}

/// The second announcement protects like the first one.
inline void second_hazard() {
  std::atomic<std::uintptr_t> source{reinterpret_cast<std::uintptr_t>(new int(0))};
  int* left = nullptr;
  mc::spawn([&] {
    lib::leaf_hazard guard;
    const std::uintptr_t seen = source.load(acq);
    guard.announce_second(seen);
    if (source.load(acq) == seen) mc::require(*reinterpret_cast<const int*>(seen) < 3, "a value");
    guard.clear_second();
    guard.announce(0);
  });
  mc::spawn([&] {
    const auto old =
        source.exchange(reinterpret_cast<std::uintptr_t>(new int(1)), std::memory_order_acq_rel);
    left = reinterpret_cast<int*>(old);
    if (!lib::asymmetric_fence::heavy()) return;
    if (lib::leaf_hazard::is_protected(old, ~std::uintptr_t{0})) return;
    delete left;
    left = nullptr;
  });
  mc::join_all();
  delete left;
  delete reinterpret_cast<int*>(source.load(rlx));
}

/// The value that a cell holds says that plain data are there.
template <class T>
void cell_publishes() {
  auto cell = std::make_unique<lib::seqlock_cell<T>>(coder<T>::make(0));
  auto data = std::make_unique<int>(0);
  mc::spawn([&] {
    *data = 1;
    cell->store(coder<T>::make(1));
  });
  mc::spawn([&] {
    if (coder<T>::read(cell->load()) == 1) mc::require(*data == 1, "published by the value");
  });
  mc::spawn([&] {
    const auto before = cell->exchange(coder<T>::make(2));
    if (coder<T>::read(*before) == 1) mc::require(*data == 1, "published to the next writer");
  });
  mc::join_all();
}

/// The vacancy of a cell says that plain data are there: to readers and to writers.
template <class T>
void vacancy_publishes() {
  auto cell = std::make_unique<lib::seqlock_cell<T>>(coder<T>::make(0));
  auto data = std::make_unique<int>(0);
  mc::spawn([&] {
    *data = 1;
    while (!cell->try_vacate()) mc::yield();
  });
  mc::spawn([&] {
    if (!cell->read()) mc::require(*data == 1, "published to a reader");
  });
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      if (!cell->store(coder<T>::make(1))) mc::require(*data == 1, "published to a writer");
    });
  mc::join_all();
}

// Locks ------------------------------------------------------------------------------------------

inline void parking() {
  lib::parking_lock lock;
  int n = 0;
  for (int t = 0; t < 3; ++t)
    mc::spawn([&] {
      lib::lock_holder hold(lock);
      ++n;
    });
  mc::join_all();
  mc::require(n == 3, "three");
  mc::require(!lock.is_locked(), "free");
}

inline void parking_try() {
  lib::parking_lock lock;
  int n = 0;
  int taken = 0;
  std::atomic<int> successes{0};
  mc::spawn([&] {
    lib::lock_holder hold(lock);
    ++n;
    hold.unlock();
    hold.lock();
    ++n;
  });
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      if (!lock.try_lock()) return;
      ++n;
      successes.fetch_add(1, rlx);
      lock.unlock();
    });
  mc::join_all();
  taken = successes.load(rlx);
  mc::require(n == 2 + taken, "as many as got in");
}

inline void parking_timed() {
  lib::parking_lock_timed lock;
  int n = 0;
  std::atomic<int> successes{0};
  mc::spawn([&] {
    lib::lock_holder hold(lock);
    ++n;
  });
  mc::spawn([&] {
    if (!lock.try_lock_for(std::chrono::seconds(1))) return;
    ++n;
    successes.fetch_add(1, rlx);
    lock.unlock();
  });
  mc::spawn([&] {
    lib::lock_holder hold(lock);
    ++n;
  });
  mc::join_all();
  mc::require(n == 2 + successes.load(rlx), "as many as got in");
  mc::require(!lock.is_locked(), "free");
}

// Counter ----------------------------------------------------------------------------------------

inline void counting() {
  using counter = lib::striped_counter;
  auto count = std::make_unique<counter>();
  std::unique_ptr<counter::stripe[]> stripes;
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) count->add(1, lib::thread_slots::mine());
    mc::require(count->sum() >= 1, "own additions are counted");
  });
  mc::spawn([&] {
    count->add(5, lib::thread_slots::mine());
    count->add(5, lib::thread_slots::mine());
  });
  mc::spawn([&] {
    stripes = std::make_unique<counter::stripe[]>(counter::stripe_count);
    mc::require(count->spread(stripes.get()), "the first stripes are taken");
  });
  mc::spawn([&] { count->add(10, lib::thread_slots::mine()); });
  mc::join_all();
  mc::spawn([&] { count->add(-10, lib::thread_slots::mine()); });
  mc::join_all();
  mc::require(count->sum() == 12, "nothing is lost");
  count->take_stripes();
}

// Cells ------------------------------------------------------------------------------------------

/// A cell is a map of one key.
template <class T>
struct cell_adapter {
  static constexpr bool can(kind k) {
    return k == kind::find || k == kind::assign || k == kind::replace || k == kind::add;
  }
  std::uint64_t call(const scenarios::call& c) {
    const T value = coder<T>::make(c.argument);
    switch (c.what) {
      case kind::find:
        return coder<T>::read(cell_.load());
      case kind::assign:
        return coder<T>::read(*cell_.exchange(value));
      case kind::replace: {
        T expected = value;
        return cell_.compare_exchange(expected, coder<T>::make(c.argument2)) ==
                       lib::cell_exchange::done
                   ? 1
                   : 0;
      }
      case kind::add: {
        std::uint64_t before = 0;
        cell_.update([&](T& v) {
          before = coder<T>::read(v);
          v = coder<T>::make(before + c.argument);
        });
        return before;
      }
      default:
        mc::fail("no such call");
    }
  }

  lib::seqlock_cell<T> cell_{coder<T>::make(0)};
};

template <class T>
void cell_history(const std::vector<std::vector<call>>& threads) {
  recorder record(mc::pick(2) == 1 ? precedence::real_time : precedence::causal);
  cell_adapter<T> cell;
  const auto perform = [&](const call& c) {
    const int id = record.begin(c.what, 0, c.argument, c.argument2);
    record.end(id, cell.call(c));
  };
  // The cell begins with 0, which for the history somebody stored.
  const int first = record.begin(kind::assign, 0, 0);
  record.end(first, absent);
  for (const auto& t : threads)
    mc::spawn([&perform, &t] {
      for (const call& c : t) perform(c);
    });
  mc::join_all();
  perform(on(kind::find, 0));
  record.check();
}

inline std::vector<std::vector<std::vector<call>>> cell_histories() {
  using k = kind;
  return {
      {{on(k::assign, 0, 1)}, {on(k::assign, 0, 2)}, {on(k::find, 0), on(k::find, 0)}},
      {{on(k::assign, 0, 1), on(k::assign, 0, 2)}, {on(k::find, 0), on(k::find, 0)}},
      {{on(k::replace, 0, 0, 1)}, {on(k::replace, 0, 0, 2)}, {on(k::find, 0)}},
      {{on(k::add, 0, 1)}, {on(k::add, 0, 10)}, {on(k::find, 0), on(k::add, 0, 100)}},
      {{on(k::add, 0, 1)}, {on(k::assign, 0, 50)}, {on(k::replace, 0, 50, 60), on(k::find, 0)}},
  };
}

/// The owner vacates and fills the cell; readers see a value that was there, or nothing.
template <class T>
void vacancy() {
  using cell_type = lib::seqlock_cell<T>;
  auto cell = std::make_unique<cell_type>(coder<T>::make(1));
  auto outside_data = std::make_unique<int>(1);
  mc::spawn([&] {
    if (!cell->try_vacate()) return;
    cell->prepare(coder<T>::make(3));
    cell->occupy();
  });
  mc::spawn([&] {
    if (const auto v = cell->read()) {
      const auto n = coder<T>::read(*v);
      mc::require(n == 1 || n == 2 || n == 3, "a value that was there");
    }
  });
  mc::spawn([&] { cell->store(coder<T>::make(2)); });
  mc::join_all();
  const auto last = cell->read();
  mc::require(last.has_value(), "occupied");
  mc::require(coder<T>::read(*last) <= 3, "whole");
}

/// The owner frees what the cell led to after making it vacant.
template <class T>
void vacated_memory() {
  using cell_type = lib::seqlock_cell<T>;
  auto* cell = new cell_type(coder<T>::make(1));
  std::atomic<int> leaving{1};
  mc::spawn([&] {
    cell->store(coder<T>::make(2));
    leaving.fetch_sub(1, rlx);
  });
  mc::spawn([&] {
    while (leaving.load(rlx) != 0) mc::yield();
    while (!cell->try_vacate()) mc::yield();
    delete cell;
  });
  mc::join_all();
}

using wide = std::array<std::uint64_t, 3>;

/// Everything above, named, for the kill matrix.
inline std::vector<mc::test_body> bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const char* name, std::function<void()> body, bool membarrier = true) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back({name, body, {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  add("store buffering", [] { store_buffering(false); });
  add(
      "store buffering, no membarrier", [] { store_buffering(false); }, false);
  add("store buffering, symmetric on request", [] { store_buffering(true); });
  add("first use", first_use_by_both);
  add("distinct slots", distinct_slots);
  add("slot hand-over", slot_hand_over);
  add("exit hooks", exit_hooks);
  add("hazards", hazards<lib::leaf_hazard>);
  add("hazards, no membarrier", hazards<lib::leaf_hazard>, false);
  add("lasting hazards", hazards<lib::lasting_hazard>);
  add("lasting hazards, no membarrier", hazards<lib::lasting_hazard>, false);
  add("second hazard", second_hazard);
  add("cell publishes, wide", cell_publishes<wide>);
  add("cell publishes, small", cell_publishes<std::uint64_t>);
  add("vacancy publishes, wide", vacancy_publishes<wide>);
  add("vacancy publishes, small", vacancy_publishes<std::uint64_t>);
  add("parking", parking);
  add("parking, try", parking_try);
  add("parking, timed", parking_timed);
  add("counting", counting);
  for (const auto& h : cell_histories()) {
    add("wide cell", [h] { cell_history<wide>(h); });
    add("small cell", [h] { cell_history<std::uint64_t>(h); });
  }
  add("vacancy, wide", vacancy<wide>);
  add("vacancy, small", vacancy<std::uint64_t>);
  add("vacated memory, wide", vacated_memory<wide>);
  add("vacated memory, small", vacated_memory<std::uint64_t>);
  return all;
}

}  // namespace scenarios::sync
