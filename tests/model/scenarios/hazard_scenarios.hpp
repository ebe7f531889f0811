// SPDX-License-Identifier: MIT
/// \file
/// Hazard pointers under the checker, which knows every access to freed memory: bodies that the
/// tests and the kill matrix share.
#pragma once

#include <concur/reclaim/hazard_pointer.hpp>

#include <atomic>
#include <memory>

#include "checker/tools.hpp"
#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios::hazard {

namespace lib = concur::detail;
inline constexpr auto acq_rel = std::memory_order_acq_rel;

struct object : concur::hazard_pointer_obj_base<object> {
  explicit object(int n) : value(n) {}
  int value;
};

/// Objects are replaced, retired and freed under the eyes of readers.
inline void replaced() {
  concur::hazard_pointer_domain domain;
  std::atomic<object*> source{new object(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      auto h = concur::make_hazard_pointer();
      for (int i = 0; i < 2; ++i) mc::require(h.protect(source)->value < 3, "a value");
    });
  mc::spawn([&] {
    for (int i = 1; i < 3; ++i) {
      source.exchange(new object(i), acq_rel)->retire(domain);
      domain.try_reclaim();
    }
  });
  mc::join_all();
  delete source.load(std::memory_order_relaxed);
}

/// Two reclaimers take from the same stripes, and each other's garbage.
inline void two_reclaimers() {
  concur::hazard_pointer_domain domain;
  std::atomic<object*> source{new object(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&, t] {
      source.exchange(new object(t + 1), acq_rel)->retire(domain);
      domain.try_reclaim();
    });
  mc::spawn([&] {
    auto h = concur::make_hazard_pointer();
    object* seen = source.load(std::memory_order_relaxed);
    while (!h.try_protect(seen, source)) {
    }
    mc::require(seen->value < 3, "a value");
  });
  mc::join_all();
  delete source.load(std::memory_order_relaxed);
}

/// A hazard pointer goes from thread to thread; its row is used again by a third.
inline void handed_on() {
  concur::hazard_pointer_domain domain;
  std::atomic<object*> source{new object(0)};
  std::atomic<concur::hazard_pointer*> mailbox{nullptr};
  mc::spawn([&] {
    auto* h = new concur::hazard_pointer(concur::make_hazard_pointer());
    h->protect(source);
    mailbox.store(h, std::memory_order_release);
  });
  mc::spawn([&] {
    concur::hazard_pointer* h = mailbox.load(std::memory_order_acquire);
    if (h == nullptr) return;
    delete h;
    mailbox.store(nullptr, std::memory_order_relaxed);
    auto again = concur::make_hazard_pointer();
    mc::require(again.protect(source)->value < 2, "a value");
  });
  mc::spawn([&] {
    source.exchange(new object(1), acq_rel)->retire(domain);
    domain.try_reclaim();
  });
  mc::join_all();
  delete mailbox.load(std::memory_order_relaxed);
  delete source.load(std::memory_order_relaxed);
}

/// A thread is handed a hazard pointer, and uses nothing else of the library: who reclaims is the
/// only one that is known, and yet not alone.
inline void handed_to_a_stranger() {
  concur::hazard_pointer_domain domain;
  std::atomic<object*> source{new object(0)};
  std::atomic<concur::hazard_pointer*> mailbox{nullptr};
  mc::spawn([&] {
    concur::hazard_pointer* h = mailbox.load(std::memory_order_acquire);
    if (h == nullptr) return;
    mc::require(h->protect(source)->value < 2, "a value");
    h->reset_protection();
  });
  mc::spawn([&] {
    mailbox.store(new concur::hazard_pointer(concur::make_hazard_pointer()),
                  std::memory_order_release);
    source.exchange(new object(1), acq_rel)->retire(domain);
    domain.try_reclaim();
  });
  mc::join_all();
  delete mailbox.load(std::memory_order_relaxed);
  delete source.load(std::memory_order_relaxed);
}

/// A tree node that owns its child by a counted link, walked hand over hand by frames.
struct tree_node : concur::hazard_pointer_obj_linked<tree_node> {
  tree_node(concur::hazard_pointer_domain& in, int n, tree_node* c)
      : domain(in), value(n), child(c) {}
  ~tree_node() {
    if (tree_node* c = child.load(std::memory_order_relaxed)) c->release_link(domain);
  }
  concur::hazard_pointer_domain& domain;
  int value;
  std::atomic<tree_node*> child;
};

/// Two versions share a child; both go, while a reader walks from one of them to it.
inline void shared_child() {
  concur::hazard_pointer_domain domain;
  auto* const child = new tree_node(domain, 7, nullptr);
  child->acquire_link();
  std::atomic<tree_node*> live{new tree_node(domain, 1, child)};
  std::atomic<tree_node*> snapshot{new tree_node(domain, 2, child)};
  mc::spawn([&] {
    lib::hazard_frame frame(lib::thread_slots::mine());
    tree_node* const root = live.load(std::memory_order_acquire);
    if (root == nullptr) return;
    frame.announce(0, root);
    if (live.load(std::memory_order_acquire) != root) return;
    tree_node* const below = root->child.load(std::memory_order_acquire);
    frame.announce(1, below);
    if (root->child.load(std::memory_order_acquire) != below) return;
    frame.clear(0);
    mc::require(below->value == 7, "the child that versions share");
  });
  for (std::atomic<tree_node*>* version : {&live, &snapshot})
    mc::spawn([&, version] {
      version->exchange(nullptr, acq_rel)->release_link(domain);
      domain.try_reclaim();
    });
  mc::join_all();
}

// Readers in frames, as those of hamt: most batches are settled without the heavy fence.

struct framed : lib::retired_link {
  explicit framed(int n) : value(n) {}
  int value;
};

inline lib::thread_slot& me() {
  return lib::thread_slots::mine();
}

/// A section that looks at `source` twice.
inline void look_in_a_frame(const std::atomic<framed*>& source) {
  lib::hazard_frame frame(me());
  for (std::size_t i = 0; i < 2; ++i) {
    framed* const seen = source.load(std::memory_order_acquire);
    frame.announce(i, seen);
    if (source.load(std::memory_order_acquire) != seen) continue;
    mc::require(seen->value >= 0, "a value");
  }
}

/// Batches of one.
class framed_domain {
 public:
  ~framed_domain() { stripes.free_all(free()); }
  void replace(std::atomic<framed*>& source, int n) {
    framed* const old = source.exchange(new framed(n), acq_rel);
    if (stripes.retire(old, me(), 1)) stripes.collect(me(), address(), free());
  }
  void collect_all() { stripes.collect_all(address(), free()); }

 private:
  struct address {
    const void* operator()(lib::retired_link* o) const noexcept { return static_cast<framed*>(o); }
  };
  struct free {
    void operator()(lib::retired_link* link) const noexcept {
      auto* const o = static_cast<framed*>(link);
      o->value = -1;
      delete o;
    }
  };
  lib::retired_stripes stripes;
};

inline void framed_readers() {
  framed_domain domain;
  std::atomic<framed*> source{new framed(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      for (int i = 0; i < 2; ++i) look_in_a_frame(source);
    });
  mc::spawn([&] {
    for (int i = 1; i < 7; ++i) domain.replace(source, i);
  });
  mc::join_all();
  delete source.load(std::memory_order_relaxed);
}

/// Two who retire, and one who looks at everything.
inline void framed_writers() {
  framed_domain domain;
  std::atomic<framed*> source{new framed(0)};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      for (int i = 1; i < 4; ++i) {
        domain.replace(source, i);
        look_in_a_frame(source);
      }
    });
  mc::spawn([&] {
    look_in_a_frame(source);
    domain.collect_all();
    domain.collect_all();
  });
  mc::join_all();
  delete source.load(std::memory_order_relaxed);
}

enum class planted {
  nothing,
  no_sections,  ///< who is in the middle of a section is taken for one who fences himself
  not_begun     ///< who has not begun a section is taken for one who has
};

/// A scan by hand that asks at once, so that the next one finds who was asked.
inline void framed_and_asked(planted bug) {
  std::atomic<framed*> source{new framed(0)};
  framed* kept[3] = {};
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) look_in_a_frame(source);
  });
  mc::spawn([&] {
    me();
    for (int i = 0; i < 3; ++i) {
      framed* const old = source.exchange(new framed(i), acq_rel);
      constexpr auto none_has_begun = ~std::uint64_t{0};
      auto known = lib::settled::everything;
      if (bug == planted::no_sections && i > 0) {
        known = lib::section_fence::settle<lib::announces::eras>(me(), none_has_begun);
      } else if (bug != planted::not_begun) {
        known = lib::section_fence::settle<lib::announces::objects>(me(), none_has_begun);
      }
      const lib::hazard_set now;
      if (known != lib::settled::everything || now.contains(old)) {
        kept[i] = old;
      } else {
        delete old;
      }
    }
  });
  mc::join_all();
  for (framed* o : kept) delete o;
  delete source.load(std::memory_order_relaxed);
}

/// Everything above, named, for the kill matrix.
inline std::vector<mc::test_body> bodies(std::uint64_t executions) {
  std::vector<mc::test_body> all;
  const auto add = [&](const char* name, std::function<void()> body, bool membarrier = true) {
    for (const auto how : {mc::strategy::pct, mc::strategy::random})
      all.push_back({name, body, {.how = how, .executions = executions, .membarrier = membarrier}});
  };
  add("replaced", replaced);
  add("replaced, no membarrier", replaced, false);
  add("two reclaimers", two_reclaimers);
  add("handed on", handed_on);
  add("handed to a stranger", handed_to_a_stranger);
  add("shared child", shared_child);
  for (const bool membarrier : {true, false}) {
    add("framed readers", framed_readers, membarrier);
    add("framed writers", framed_writers, membarrier);
    add(
        "framed and asked", [] { framed_and_asked(planted::nothing); }, membarrier);
  }
  return all;
}

}  // namespace scenarios::hazard
