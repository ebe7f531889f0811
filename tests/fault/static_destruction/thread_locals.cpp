// SPDX-License-Identifier: MIT
/// \file
/// Thread-local objects whose destructors use maps, made before and after the thread first used
/// one: their destructors run before and after the thread's own bookkeeping is over. On the main
/// thread they run before the static maps die.
#include "units.hpp"

#include <atomic>
#include <concur/reclaim/epoch.hpp>
#include <cstddef>
#include <optional>
#include <thread>

namespace {

static_map counts;
static_array totals(2);
static_cmap texts;
static_hamt versions;
std::atomic<int> destroyed{0};

struct counts_at_end {
  std::uint64_t key = 0;
  ~counts_at_end() {
    if (key == 0) return;  // nobody touched it
    counts.fetch_add(key, 1);
    for (std::uint64_t i = 0; i < 300; ++i) counts.insert({(key << 32) + i, i});
    for (std::uint64_t i = 0; i < 300; ++i) {
      require(counts.find((key << 32) + i) == i, "a thread-local destructor finds what it wrote");
      require(counts.erase((key << 32) + i) == 1, "a thread-local destructor erases");
    }
    for (std::uint64_t i = 0; i < 300; ++i) texts.insert_or_assign(key, std::to_string(i));
    require(texts.find(key) == "299", "a thread-local destructor writes to a cmap");
    for (std::uint64_t i = 0; i < 300; ++i) versions.insert_or_assign(key, std::to_string(i));
    const auto now = versions.snapshot();
    require(now.contains(key) && versions.find(key) == "299",
            "a thread-local destructor writes to a hamt, and takes a snapshot");
    totals.fetch_add(0, 1);
    destroyed.fetch_add(1);
  }
};

/// Several of them are older than the slot of their thread: each takes one, and gives it back.
template <int Number>
struct counts_late {
  std::uint64_t key = 0;
  ~counts_late() {
    if (key != 0) counts.fetch_add(key, 1);
  }
};

/// A guard that is older than the slot of its thread, and outlives the thread's other objects.
struct guards_late {
  std::optional<static_cmap::read_guard> texts_guard;
  std::optional<concur::epoch_guard> guard;
  ~guards_late() {
    if (guard) require(texts.find(*texts_guard, 0) == nullptr, "a late guard still guards");
  }
};

std::size_t slots_taken() {
  std::size_t n = 0;
  concur::detail::thread_slots::for_each_while([&n](concur::detail::thread_slot& slot) {
    n += slot.taken.load() || slot.pins != 0 || slot.era_lower.load() != 0 ? 1U : 0U;
    return true;
  });
  return n;
}

/// Owned by a thread: dies with it.
struct owns_a_map {
  static_map map;
  static_cmap texts;
  static_hamt versions;
  static_hamt::snapshot_type before;
  ~owns_a_map() {
    if (map.empty()) return;  // nobody touched it
    for (std::uint64_t i = 0; i < 300; ++i) {
      map.insert({i, i});
      texts.insert({i, std::to_string(i)});
      versions.insert({i, std::to_string(i)});
    }
    for (std::uint64_t i = 0; i < 200; ++i) texts.erase(i);
    for (std::uint64_t i = 0; i < 200; ++i) versions.erase(i);
    require(before.size() == 1, "a snapshot dies with its thread, as it was");
  }
};

thread_local counts_at_end made_before;
thread_local counts_at_end made_after;
thread_local owns_a_map own;
thread_local counts_late<1> late_one;
thread_local counts_late<2> late_two;
thread_local counts_late<3> late_three;
thread_local guards_late late_guards;

void work(std::uint64_t key) {
  made_before.key = key;     // made, and its destructor registered, before the thread has a slot
  counts.fetch_add(key, 1);  // takes a slot
  made_after.key = key;      // made after: destroyed first
  own.map.insert({key, key});
  own.texts.insert({key, "own"});
  own.versions.insert({key, "own"});
  own.before = own.versions.snapshot();
}

void end_late(std::uint64_t key) {
  late_one.key = late_two.key = late_three.key = key;  // older than the slot
  counts.fetch_add(key, 1);
}
void guard_late() {
  late_guards.guard.reset();  // made now: it is older than the slot
  late_guards.guard.emplace();
  late_guards.texts_guard.emplace(texts.pin());
}

}  // namespace

int main() {
  std::thread(end_late, 7'000).join();
  require(counts.find(7'000) == 4, "each of the late objects counted");
  require(counts.erase(7'000) == 1, "once");
  std::thread(guard_late).join();
  require(slots_taken() == 1, "threads that end late give their slots back, and hold nothing");
  constexpr std::uint64_t threads = 40;
  for (std::uint64_t i = 1; i <= threads; ++i) std::thread(work, i).join();
  for (std::uint64_t i = 1; i <= threads; ++i) {
    require(counts.find(i) == 3, "both destructors of each thread counted");
  }
  require(counts.size() == threads, "and left nothing else");
  require(destroyed == 2 * threads, "all destructors ran");
  require(totals.load(0) == 2 * threads, "the array counted them too");
  require(texts.size() == threads, "each thread left a text");
  texts.quiesce();
  require(texts.stats().retired == 0, "and nothing else that it retired");
  require(versions.size() == threads, "and one in the hamt");
  require(versions.validate().error == nullptr, "which is sound");
  work(threads + 1);  // on the main thread: its thread-local objects die before `counts`
  return 0;
}
