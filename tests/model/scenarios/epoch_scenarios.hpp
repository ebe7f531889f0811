// SPDX-License-Identifier: MIT
/// \file
/// Reclamation by eras under the checker: bodies that the tests and the kill matrix share. Some
/// take a bug to plant: what the proofs in detail/reclaim/era_pin.hpp say must not be done.
#pragma once

#include <concur/detail/reclaim/epoch_reclaimer.hpp>

#include <atomic>
#include <memory>

#include "checker/tools.hpp"
#include "scenarios/map_scenarios.hpp"

namespace scenarios::epoch {

namespace lib = concur::detail;
inline constexpr auto rlx = std::memory_order_relaxed;
inline constexpr auto acq = std::memory_order_acquire;
inline constexpr auto rel = std::memory_order_release;
inline constexpr auto acq_rel = std::memory_order_acq_rel;

enum class planted {
  nothing,
  no_check,        ///< what is found is used without a look at the era
  reload,          ///< after an extension below the root the same link is loaded again
  early_era,       ///< the retired era is read before the fence
  no_fence,        ///< the reclaimer has none
  no_announcement  ///< the reader has none
};

struct object : lib::epoch_node {
  explicit object(int v) : value(v) {}
  int value;
  bool* freed = nullptr;                 ///< set when it is freed
  object* follower = nullptr;            ///< retired by the destructor
  std::atomic<std::uintptr_t> child{0};  ///< an object, and whether the link is frozen
};

inline lib::thread_slot& me() {
  return lib::thread_slots::mine();
}

/// What a container has of the reclaimer. The ring is full after two: then lists take over.
class domain {
 public:
  using record_type = lib::basic_epoch_record<2>;

  explicit domain(std::uint32_t batch = 1, std::uint32_t births_per_era = 1)
      : reclaimer(batch), births_per_era_(births_per_era) {}
  ~domain() {
    reclaimer.free_retired(free{*this});
    reclaimer.release_records(std::allocator<int>());
  }

  record_type& record() { return reclaimer.ensure(me(), std::allocator<int>()); }
  object* make(int value) {
    auto* const o = new object(value);
    lib::era_clock::stamp(me(), *o, births_per_era_);
    return o;
  }
  void retire(object* o) {
    record_type& mine = record();
    {
      const lib::leaf_pin pin(me());
      reclaimer.retire(me(), mine, o, 5);
    }
    if (reclaimer.is_due(mine)) reclaimer.collect(me(), mine, free{*this});
  }
  void replace(std::atomic<object*>& place, int value) {
    retire(place.exchange(make(value), acq_rel));
  }
  bool collect_all() { return reclaimer.collect_all(me(), record(), free{*this}); }
  void quiesce() { reclaimer.quiesce(me(), record(), free{*this}); }

  struct free {
    domain& owner;
    void operator()(record_type*, lib::epoch_node* node, unsigned kind) const noexcept {
      auto* const o = static_cast<object*>(node);
      mc::require(kind == 5, "the kind comes back");
      if (o->freed != nullptr) *o->freed = true;
      if (o->follower != nullptr) owner.retire(o->follower);
      o->value = -1;
      delete o;
    }
  };

  lib::epoch_reclaimer<record_type> reclaimer;

 private:
  std::uint32_t births_per_era_;
};

/// A domain that is left alone if a thread sleeps in it.
struct kept_domain {
  explicit kept_domain(std::uint32_t batch = 1) : d(new domain(batch)) {}
  domain* d;
  std::atomic<object*>* root = new std::atomic<object*>(d->make(0));
  ~kept_domain() {
    if (mc::frozen()) return;
    delete root->load(acq);
    delete root;
    delete d;
  }
};

inline void look_at(const object* o) {
  if (o == nullptr) return;
  mc::require(o->value >= 0 && o->value < 100, "a value");
}

// Readers and writers ----------------------------------------------------------------------------

/// Objects are replaced under the eyes of readers.
template <class Pin>
void readers_and_writer() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      for (int i = 0; i < 2; ++i) {
        Pin pin(me());
        look_at(pin.load(root));
      }
    });
  mc::spawn([&] {
    for (int i = 1; i <= 2; ++i) d.replace(root, i);
  });
  mc::join_all();
  delete root.load(rlx);
}

inline void begin_two_writers(domain& d, std::atomic<object*>& root) {
  for (int t = 0; t < 2; ++t)
    mc::spawn([&, t] {
      for (int i = 1; i <= 2; ++i) d.replace(root, 10 * t + i);
    });
}

inline void writers() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  begin_two_writers(d, root);
  mc::spawn([&] {
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
    look_at(pin.load(root));
  });
  mc::join_all();
  delete root.load(rlx);
  mc::require(d.collect_all(), "nobody is at it");
  mc::require(d.reclaimer.waiting() == 0, "nobody is pinned");
}

/// The era is advanced by another thread than the one that retires: it may read an old one, until
/// its fence.
inline void advanced_elsewhere() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  object* const next = d.make(1);
  mc::spawn([&] {
    me();  // taking a slot passes a fence
    lib::era_clock::advance();
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::spawn([&] {
    d.record();
    d.retire(root.exchange(next, acq_rel));
  });
  mc::join_all();
  delete root.load(rlx);
}

/// A node that was retired keeps a link to one that lives on, and is retired later.
inline void below_the_root(planted bug) {
  constexpr std::uintptr_t frozen = 1;
  const auto word = [](object* o) { return reinterpret_cast<std::uintptr_t>(o); };
  const auto object_of = [](std::uintptr_t w) { return reinterpret_cast<object*>(w & ~frozen); };
  domain d;
  std::atomic<object*> root{d.make(0)};
  root.load(rlx)->child.store(word(d.make(1)), rlx);
  mc::spawn([&] {
    lib::era_pin pin(me());
    for (;;) {
      object* const branch = pin.load(root);
      std::uintptr_t child = 0;
      if (!pin.try_load(branch->child, child)) {
        if (bug != planted::reload) continue;
        child = pin.load(branch->child);
      }
      look_at(object_of(child));
      return;
    }
  });
  mc::spawn([&] {
    // A new child; a copy of the branch beside the frozen one; another child in the copy.
    object* const branch = root.load(acq);
    lib::era_clock::advance();
    object* const second = d.make(2);
    d.retire(object_of(branch->child.exchange(word(second), acq_rel)));
    branch->child.fetch_or(frozen, acq_rel);
    object* const copy = d.make(3);
    copy->child.store(word(second), rlx);
    root.store(copy, rel);
    d.retire(branch);
    d.retire(object_of(copy->child.exchange(word(d.make(4)), acq_rel)));
    d.collect_all();  // what waits is looked at one by one
  });
  mc::join_all();
  object* const last = root.load(rlx);
  delete object_of(last->child.load(rlx));
  delete last;
}

/// The steps of a scan by hand: for bugs that the reclaimer has no place for.
inline void steps(planted bug) {
  std::atomic<object*> root{nullptr};
  object* const first = new object(0);
  lib::era_clock::stamp(me(), *first, 1);
  root.store(first, rel);
  std::atomic<object*> second{nullptr};
  object* left = nullptr;
  mc::spawn([&] {
    lib::era_clock::advance();
    if (bug == planted::no_announcement) {
      look_at(root.load(acq));
      return;
    }
    lib::leaf_pin pin(me());
    if (bug == planted::no_check) {
      look_at(root.load(acq));
    } else {
      look_at(pin.load(root));
    }
  });
  mc::spawn([&] {
    // An object that is born after the reader has pinned itself, and retired at once.
    const auto replace = [&](object* with) {
      object* const old = root.exchange(with, acq_rel);
      std::uint64_t now = lib::era_clock::now();
      const bool may_free = bug == planted::no_fence || lib::asymmetric_fence::heavy();
      if (bug != planted::early_era) now = lib::era_clock::now();
      lib::thread_slots::walk slots;
      lib::pinned_eras pinned;
      pinned.read(slots);
      if (!may_free || pinned.blocker(old->birth, now) != nullptr) return old;
      delete old;
      return static_cast<object*>(nullptr);
    };
    lib::era_clock::advance();
    auto* const next = new object(1);
    lib::era_clock::stamp(me(), *next, 1);
    left = replace(next);
    auto* const last = new object(2);
    lib::era_clock::stamp(me(), *last, 1);
    object* const also_left = replace(last);
    second.store(also_left, rlx);
  });
  mc::join_all();
  delete left;
  delete second.load(rlx);
  delete root.load(rlx);
}

/// What a thread has read in one section is freed while it is in the next: the scan by hand again,
/// with time between its steps.
inline void second_section() {
  object* const first = new object(0);
  lib::era_clock::stamp(me(), *first, 1);
  std::atomic<object*> root{first};
  object* left = nullptr;
  mc::spawn([&] {
    {
      lib::leaf_pin pin(me());
      look_at(pin.load(root));
    }
    lib::leaf_pin pin(me());
    mc::yield();
  });
  mc::spawn([&] {
    object* const old = root.exchange(nullptr, acq_rel);
    const bool may_free = lib::asymmetric_fence::heavy();
    const std::uint64_t now = lib::era_clock::begin_next();
    mc::yield();
    lib::thread_slots::walk slots;
    lib::pinned_eras pinned;
    pinned.read(slots);
    if (may_free && pinned.blocker(old->birth, now) == nullptr) {
      delete old;
    } else {
      left = old;
    }
  });
  mc::join_all();
  delete left;
}

/// Sections of a thread that goes back to light fences as soon as it has passed a real one.
inline void read_and_go_back(const std::atomic<object*>& root, int times) {
  for (int i = 0; i < times; ++i) {
    me().fenced_announcements = lib::section_fence::announcements_until_free - 1;
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  }
}

/// A reader that is asked to fence himself, and goes back to light fences at once.
inline void asked_and_free_again() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] { read_and_go_back(root, 3); });
  mc::spawn([&] {
    for (int i = 1; i <= 3; ++i) d.replace(root, i);
  });
  mc::join_all();
  delete root.load(rlx);
}

/// Two ask at once, and a reader comes back meanwhile.
inline void asked_by_two() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  begin_two_writers(d, root);
  mc::spawn([&] { read_and_go_back(root, 2); });
  mc::join_all();
  delete root.load(rlx);
}

/// A scan by hand that passes no fence: what is freed was retired before the reader's last
/// announcement, which may be an extension.
inline void begun_since(planted bug) {
  constexpr int rounds = 3;
  object* kept[rounds] = {};
  std::atomic<object*> root{new object(0)};
  lib::era_clock::stamp(me(), *root.load(rlx), 1);
  std::atomic<lib::thread_slot*> reader{nullptr};
  mc::spawn([&] {
    reader.store(&me(), rel);
    {
      lib::leaf_pin pin(me());
      look_at(pin.load(root));
      look_at(pin.load(root));
    }
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::spawn([&] {
    lib::thread_slot* const other = reader.load(acq);
    for (int i = 0; i < rounds; ++i) {
      std::uint64_t era = bug == planted::early_era ? lib::era_clock::begin_next() : 0;
      auto* const next = new object(1);
      lib::era_clock::stamp(me(), *next, 100);
      object* const old = root.exchange(next, acq_rel);
      if (bug != planted::early_era) era = lib::era_clock::begin_next();
      mc::yield();
      kept[i] = old;
      if (other == nullptr) continue;
      const bool has_begun = other->era_upper.load(acq) > era;
      const auto seen = lib::pinned_era::of(*other);
      const bool is_blocked = seen.is_pinned() && seen.lower <= era && old->birth <= seen.upper;
      if ((!has_begun && bug != planted::no_fence) || is_blocked) continue;
      kept[i] = nullptr;
      delete old;
    }
  });
  mc::join_all();
  for (object* o : kept) delete o;
  delete root.load(rlx);
}

// Pins -------------------------------------------------------------------------------------------

/// What was found under the outer pin stays when inner ones have ended, in any order.
inline void nested() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] {
    auto first = std::make_unique<lib::era_pin>(me());
    const object* const a = first->load(root);
    {
      const lib::leaf_pin leaf(me());
      look_at(a);
    }
    auto second = std::make_unique<lib::era_pin>(me());
    const object* const b = second->load(root);
    first.reset();
    look_at(a);
    look_at(b);
    lib::leaf_pin leaf(me());
    look_at(leaf.load(root));
    look_at(second->load(root));
  });
  mc::spawn([&] {
    for (int i = 1; i <= 3; ++i) d.replace(root, i);
  });
  mc::join_all();
  delete root.load(rlx);
}

/// A leaf inside a section leaves the section's announcement as it is.
inline void leaf_inside() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] {
    lib::era_pin pin(me());
    const object* const o = pin.load(root);
    for (int i = 0; i < 2; ++i) {
      const lib::leaf_pin leaf(me());
      mc::yield();
      look_at(o);
    }
  });
  mc::spawn([&] {
    d.replace(root, 1);
    d.collect_all();
  });
  mc::join_all();
  delete root.load(rlx);
}

/// A writer that retires under its own pin.
inline void own_pin() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      lib::era_pin pin(me());
      const object* const before = pin.load(root);
      d.replace(root, 1);
      d.replace(root, 2);
      look_at(before);
    });
  mc::join_all();
  delete root.load(rlx);
  d.collect_all();
  mc::require(d.reclaimer.waiting() == 0, "nobody is pinned");
}

// Records ----------------------------------------------------------------------------------------

/// Threads retire something and end; others go on with their records or adopt what is in them.
inline void exit_and_adoption() {
  domain d(2);
  std::atomic<object*> root{d.make(0)};
  for (int t = 0; t < 3; ++t)
    mc::spawn([&, t] {
      for (int i = 0; i <= t % 2; ++i) d.replace(root, t);
    });
  mc::join_all();
  const int last = mc::spawn([&] {
    d.replace(root, 5);
    d.replace(root, 6);
  });
  mc::join(last);
  delete root.load(rlx);
  mc::require(d.collect_all(), "nobody is at it");
  mc::require(d.reclaimer.waiting() == 0, "what ended threads left is freed");
}

/// Somebody takes over the records of threads that are at work.
inline void claims() {
  domain d(2);
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] {
    for (int i = 1; i <= 3; ++i) d.replace(root, i);
  });
  mc::spawn([&] {
    d.collect_all();
    d.collect_all();
  });
  mc::spawn([&] {
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::join_all();
  delete root.load(rlx);
  mc::require(d.collect_all(), "nobody is at it");
  mc::require(d.reclaimer.waiting() == 0 && d.reclaimer.freed() == 3, "all is freed once");
}

/// Two threads take over each other's records.
inline void claims_of_each_other() {
  domain d(100);
  std::atomic<object*> root{d.make(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      d.replace(root, 1);
      d.collect_all();
      d.replace(root, 2);
    });
  mc::join_all();
  delete root.load(rlx);
  mc::require(d.collect_all(), "nobody is at it");
  mc::require(d.reclaimer.waiting() == 0 && d.reclaimer.freed() == 4, "all is freed once");
}

/// Without a record.
inline void shared_stack() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] {
    for (int i = 1; i <= 2; ++i) d.reclaimer.retire_shared(root.exchange(d.make(i), acq_rel), 5);
  });
  mc::spawn([&] {
    d.replace(root, 3);
    d.replace(root, 4);
  });
  mc::spawn([&] {
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::join_all();
  delete root.load(rlx);
  mc::require(d.collect_all(), "nobody is at it");
  mc::require(d.reclaimer.waiting() == 0 && d.reclaimer.freed() == 4, "all is freed once");
}

/// Somebody without a record looks at the numbers.
inline void numbers() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  mc::spawn([&] {
    for (int i = 1; i <= 3; ++i) d.replace(root, i);
  });
  mc::spawn([&] { d.reclaimer.retire_shared(d.make(9), 5); });
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) {
      mc::require(d.reclaimer.waiting() <= 4, "no more than was retired");
      mc::require(d.reclaimer.freed() <= 4, "no more than was retired");
    }
  });
  mc::join_all();
  delete root.load(rlx);
}

// Quiesce ----------------------------------------------------------------------------------------

/// After `quiesce` what was retired before is freed: own objects, those of others, of ended
/// threads.
inline void quiet_afterwards() {
  domain d(2);
  std::atomic<object*> root{d.make(0)};
  bool freed[3] = {};
  std::atomic<bool> retired{false};
  mc::spawn([&] {
    object* const o = d.make(1);
    o->freed = &freed[1];
    d.retire(o);
    retired.store(true, rel);
    d.replace(root, 2);
  });
  mc::spawn([&] {
    object* const o = d.make(3);
    o->freed = &freed[2];
    d.retire(o);
    const bool both = retired.load(acq);
    d.quiesce();
    mc::require(freed[2], "what this thread had retired");
    mc::require(!both || freed[1], "what another one had retired before");
  });
  mc::spawn([&] {
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::join_all();
  delete root.load(rlx);
}

/// The same for what found no room in the ring, and is freed by the one who has retired it.
inline void quiet_after_lists() {
  domain d(100);
  bool freed[3] = {};
  std::atomic<bool> retired{false};
  mc::spawn([&] {
    for (int i = 0; i < 3; ++i) {
      object* const o = d.make(i);
      o->freed = &freed[i];
      d.retire(o);
    }
    retired.store(true, rel);
    d.collect_all();
  });
  mc::spawn([&] {
    const bool all = retired.load(acq);
    d.quiesce();
    if (!all) return;
    for (const bool f : freed) mc::require(f, "what another one had retired before");
  });
  mc::join_all();
}

/// Two at once.
inline void two_quiesce() {
  domain d(100);
  bool freed[2] = {};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&, t] {
      object* const o = d.make(t);
      o->freed = &freed[t];
      d.retire(o);
      d.quiesce();
      mc::require(freed[t], "what this thread had retired");
    });
  mc::join_all();
}

/// One who retires beside a `quiesce` may count in the phase that it has waited for already.
inline void quiesce_after_quiesce() {
  domain d(100);
  bool freed = false;
  std::atomic<bool> retired{false};
  mc::spawn([&] { d.quiesce(); });
  mc::spawn([&] {
    object* const o = d.make(1);
    o->freed = &freed;
    d.retire(o);
    retired.store(true, rel);
  });
  mc::spawn([&] {
    if (!retired.load(acq)) return;
    d.quiesce();
    mc::require(freed, "what was retired before");
  });
  mc::join_all();
}

/// Destructors that retire.
inline void followers() {
  domain d;
  std::atomic<object*> root{d.make(0)};
  const auto chain = [&](int n) {
    object* o = nullptr;
    for (int i = 0; i < n; ++i) {
      object* const before = d.make(i);
      before->follower = o;
      o = before;
    }
    return o;
  };
  mc::spawn([&] { d.retire(chain(3)); });
  mc::spawn([&] {
    d.retire(chain(2));
    d.collect_all();
  });
  mc::spawn([&] {
    lib::leaf_pin pin(me());
    look_at(pin.load(root));
  });
  mc::join_all();
  delete root.load(rlx);
}

/// Everything above, named, for the kill matrix.
inline std::vector<mc::test_body> bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const char* name, std::function<void()> body, bool membarrier = true) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back({name, body, {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  for (const bool membarrier : {true, false}) {
    add("readers and writer, leaf", readers_and_writer<lib::leaf_pin>, membarrier);
    add("readers and writer", readers_and_writer<lib::era_pin>, membarrier);
    add(
        "below the root", [] { below_the_root(planted::nothing); }, membarrier);
    add(
        "steps", [] { steps(planted::nothing); }, membarrier);
    add("advanced elsewhere", advanced_elsewhere, membarrier);
    add("nested", nested, membarrier);
    add("claims", claims, membarrier);
    add("asked and free again", asked_and_free_again, membarrier);
  }
  add("writers", writers);
  add("asked by two", asked_by_two);
  add("begun since", [] { begun_since(planted::nothing); });
  add("second section", second_section);
  add("second section, no membarrier", second_section, false);
  add("numbers", numbers);
  add("leaf inside", leaf_inside);
  add("own pin", own_pin);
  add("exit and adoption", exit_and_adoption);
  add("claims of each other", claims_of_each_other);
  add("shared stack", shared_stack);
  add("quiesce", quiet_afterwards);
  add("quiesce, lists", quiet_after_lists);
  add("two quiesce", two_quiesce);
  add("quiesce after quiesce", quiesce_after_quiesce);
  add("followers", followers);
  return all;
}

}  // namespace scenarios::epoch
