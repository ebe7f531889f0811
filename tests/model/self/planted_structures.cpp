// SPDX-License-Identifier: MIT
// Planted bugs: stacks, queues, a deque, reference counts, a set.
#include <atomic>
#include <cstdint>

#include "self/planted.hpp"

namespace planted {

namespace {

// Treiber's stack over a pool of nodes, which are reused -----------------------------------------

template <bool Tagged, std::memory_order Push = rel>
class pool_stack {
 public:
  struct node {
    std::atomic<std::uint32_t> next{0};
    int value = 0;
  };
  node nodes[4];  // number 0 is nobody

  void push(std::uint32_t n) {
    std::uint64_t head = head_.load(rlx);
    for (;;) {
      nodes[n].next.store(static_cast<std::uint32_t>(head), rlx);
      if (head_.compare_exchange_weak(head, with(head, n), Push, rlx)) return;
    }
  }
  std::uint32_t pop() {
    std::uint64_t head = head_.load(acq);
    for (;;) {
      const auto n = static_cast<std::uint32_t>(head);
      if (n == 0) return 0;
      const std::uint32_t next = nodes[n].next.load(rlx);
      if (head_.compare_exchange_weak(head, with(head, next), acq, acq)) return n;
    }
  }

 private:
  static std::uint64_t with(std::uint64_t old, std::uint32_t n) {
    return Tagged ? ((old >> 32) + 1) << 32 | n : n;
  }
  std::atomic<std::uint64_t> head_{0};
};

template <bool Tagged, std::memory_order Push = rel>
void stack_program() {
  pool_stack<Tagged, Push> stack;
  for (std::uint32_t n = 1; n <= 3; ++n) stack.push(n);
  std::atomic<int> owner[4] = {};
  const auto take = [&] {
    const std::uint32_t n = stack.pop();
    if (n != 0) {
      mc::require(owner[n].fetch_add(1, rlx) == 0, "a node has two owners");
      stack.nodes[n].value = mc::self();
    }
    return n;
  };
  const auto give = [&](std::uint32_t n) {
    if (n == 0) return;
    owner[n].fetch_sub(1, rlx);
    stack.push(n);
  };
  mc::spawn([&] { take(); });
  mc::spawn([&] {
    const std::uint32_t a = take();
    take();
    give(a);
  });
  mc::spawn([&] { take(); });
  mc::join_all();
}

// Single producer, single consumer ---------------------------------------------------------------

template <std::memory_order Publish, std::memory_order Look, std::memory_order Free>
void ring_program() {
  int slots[2] = {};
  std::atomic<unsigned> head{0};
  std::atomic<unsigned> tail{0};
  mc::spawn([&] {
    for (unsigned i = 0; i < 4; ++i) {
      while (i - head.load(Free == rlx ? rlx : acq) == 2) {
      }
      slots[i % 2] = static_cast<int>(i) + 1;
      tail.store(i + 1, Publish);
    }
  });
  mc::spawn([&] {
    for (unsigned i = 0; i < 4; ++i) {
      while (tail.load(Look) == i) {
      }
      mc::require(slots[i % 2] == static_cast<int>(i) + 1, "first in, first out");
      head.store(i + 1, Free);
    }
  });
  mc::join_all();
}

// The work-stealing deque of Chase and Lev, with the orders of Le et al. (PPoPP 2013) ------------

enum class deque_bug { none, no_fence_in_take, no_fence_in_steal, no_contest_for_the_last };

template <deque_bug Bug>
class deque {
 public:
  void push(int v) {
    const int b = bottom_.load(rlx);
    items_[b % 4].store(v, rlx);
    std::atomic_thread_fence(rel);
    bottom_.store(b + 1, rlx);
  }
  int take() {
    const int b = bottom_.load(rlx) - 1;
    bottom_.store(b, rlx);
    if constexpr (Bug != deque_bug::no_fence_in_take) std::atomic_thread_fence(sc);
    int t = top_.load(rlx);
    if (t > b) {
      bottom_.store(b + 1, rlx);
      return 0;
    }
    const int v = items_[b % 4].load(rlx);
    if (t < b) return v;
    bool won = true;
    if constexpr (Bug != deque_bug::no_contest_for_the_last)
      won = top_.compare_exchange_strong(t, t + 1, sc, rlx);
    bottom_.store(b + 1, rlx);
    return won ? v : 0;
  }
  int steal() {
    int t = top_.load(acq);
    if constexpr (Bug != deque_bug::no_fence_in_steal) std::atomic_thread_fence(sc);
    const int b = bottom_.load(acq);
    if (t >= b) return 0;
    const int v = items_[t % 4].load(rlx);
    return top_.compare_exchange_strong(t, t + 1, sc, rlx) ? v : 0;
  }

 private:
  std::atomic<int> top_{0};
  std::atomic<int> bottom_{0};
  std::atomic<int> items_[4] = {};
};

template <deque_bug Bug>
void deque_program() {
  deque<Bug> d;
  std::atomic<int> taken[4] = {};
  const auto mark = [&](int v) {
    if (v != 0) mc::require(taken[v].fetch_add(1, rlx) == 0, "taken twice");
  };
  mc::spawn([&] {
    d.push(1);
    d.push(2);
    mark(d.take());
    mark(d.take());
  });
  mc::spawn([&] {
    mark(d.steal());
    mark(d.steal());
  });
  mc::join_all();
}

// Reference counts -------------------------------------------------------------------------------

enum class count_bug { none, relaxed_release, no_acquire, not_atomic, resurrection };

template <count_bug Bug>
struct counted {
  std::atomic<int> count{1};
  int data = 0;

  void add() { count.fetch_add(1, rlx); }
  void drop() {
    if constexpr (Bug == count_bug::not_atomic) {
      const int n = count.load(acq);
      count.store(n - 1, rel);
      if (n == 1) delete this;
    } else {
      if (count.fetch_sub(1, Bug == count_bug::relaxed_release ? rlx : rel) != 1) return;
      if constexpr (Bug != count_bug::no_acquire) std::atomic_thread_fence(acq);
      delete this;
    }
  }
};

template <count_bug Bug>
void count_program() {
  auto* object = new counted<Bug>();
  if (Bug != count_bug::resurrection) object->add();
  mc::spawn([=] {
    if (Bug == count_bug::resurrection) object->add();  // too late: the other may have dropped it
    mc::require(object->data == 0, "alive");
    object->drop();
  });
  mc::spawn([=] {
    mc::require(object->data == 0, "alive");
    object->drop();
  });
  mc::join_all();
  if (Bug == count_bug::resurrection) return;
}

// Small ones -------------------------------------------------------------------------------------

template <bool Deletes>
void lazy_race_program() {
  std::atomic<int*> once{nullptr};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      if (once.load(acq) != nullptr) return;
      int* const mine = new int(1);
      int* expected = nullptr;
      if (!once.compare_exchange_strong(expected, mine, rel, acq) && Deletes) delete mine;
    });
  mc::join_all();
  delete once.load(rlx);
}

template <bool Atomic>
void lost_update_program() {
  std::atomic<int> n{0};
  for (int t = 0; t < 2; ++t)
    mc::spawn([&] {
      if (Atomic)
        n.fetch_add(1, rlx);
      else
        n.store(n.load(sc) + 1, sc);
    });
  mc::join_all();
  mc::require(n.load(rlx) == 2, "lost update");
}

/// A set of two cells: insert finds no equal key, then takes the first free cell.
template <bool OrderedClaim>
void duplicate_program() {
  std::atomic<int> cells[2] = {};
  const auto insert = [&](int key) {
    if (!OrderedClaim)
      for (auto& c : cells)
        if (c.load(acq) == key) return false;
    for (auto& c : cells) {
      int seen = c.load(acq);
      if (seen == 0 && c.compare_exchange_strong(seen, key, ar, acq)) return true;
      if (OrderedClaim && seen == key) return false;
    }
    return false;
  };
  bool won[2] = {};
  for (int t = 0; t < 2; ++t) mc::spawn([&, t] { won[t] = insert(7); });
  mc::join_all();
  mc::require(won[0] != won[1], "exactly one insert wins");
}

/// A reader-writer word: the writer must not enter beside readers.
template <bool InOneStep>
void reader_writer_program() {
  std::atomic<int> word{0};  // readers, or −1
  int data = 0;
  mc::spawn([&] {
    int seen = word.load(rlx);
    while (seen < 0 || !word.compare_exchange_weak(seen, seen + 1, acq, rlx)) seen = word.load(rlx);
    mc::require(data >= 0, "read");
    word.fetch_sub(1, rel);
  });
  mc::spawn([&] {
    if (InOneStep) {
      int zero = 0;
      while (!word.compare_exchange_weak(zero, -1, acq, rlx)) zero = 0;
    } else {
      while (word.load(acq) != 0) {
      }
      word.store(-1, rlx);
    }
    data = 1;
    word.store(0, rel);
  });
  mc::join_all();
}

}  // namespace

void structures(std::vector<program>& p) {
  using enum mc::failure;
  p.push_back({"pool stack", none, stack_program<true>});
  p.push_back({"pool stack: ABA", requirement, stack_program<false>});
  p.push_back({"pool stack: relaxed push", race, stack_program<true, rlx>});
  p.push_back({"ring", none, ring_program<rel, acq, rel>});
  p.push_back({"ring: relaxed publication", race, ring_program<rlx, acq, rel>});
  p.push_back({"ring: relaxed look", race, ring_program<rel, rlx, rel>});
  p.push_back({"ring: a slot is given back too weakly", race, ring_program<rel, acq, rlx>});
  using d = deque_bug;
  p.push_back({"work-stealing deque", none, deque_program<d::none>});
  p.push_back(
      {"work-stealing deque: no fence in take", requirement, deque_program<d::no_fence_in_take>});
  p.push_back(
      {"work-stealing deque: no fence in steal", requirement, deque_program<d::no_fence_in_steal>});
  p.push_back({"work-stealing deque: the last is not contested", requirement,
               deque_program<d::no_contest_for_the_last>});
  using c = count_bug;
  p.push_back({"reference count", none, count_program<c::none>});
  p.push_back({"reference count: relaxed drop", use_after_free, count_program<c::relaxed_release>});
  p.push_back(
      {"reference count: no acquire before delete", use_after_free, count_program<c::no_acquire>});
  p.push_back({"reference count: not atomic", leak, count_program<c::not_atomic>});
  p.push_back({"reference count: resurrection", use_after_free, count_program<c::resurrection>});
  p.push_back({"lazy creation", none, lazy_race_program<true>});
  p.push_back({"lazy creation: the loser leaks", leak, lazy_race_program<false>});
  p.push_back({"counter", none, lost_update_program<true>});
  p.push_back({"counter: lost update", requirement, lost_update_program<false>});
  p.push_back({"set", none, duplicate_program<true>});
  p.push_back({"set: look, then insert", requirement, duplicate_program<false>});
  p.push_back({"reader-writer word", none, reader_writer_program<true>});
  p.push_back({"reader-writer word: look, then take", race, reader_writer_program<false>});
}

}  // namespace planted
