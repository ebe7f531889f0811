// SPDX-License-Identifier: MIT
// Planted bugs: hazard pointers and epochs. A cell holds a node; writers replace it and retire the
// old one, readers look into it.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "self/planted.hpp"

namespace planted {

namespace {

struct node {
  int value;
};

// Hazard pointers ------------------------------------------------------------------------------

enum class hazard_bug {
  none,
  no_validation,
  no_reader_fence,
  no_reclaimer_fence,
  relaxed_clear,
  relaxed_republication,
  no_scan,
  asymmetric,  // correct: light fence and membarrier
  asymmetric_no_heavy,
  asymmetric_no_light,
};

template <hazard_bug Bug>
class hazard_cell {
 public:
  static constexpr bool asymmetric = Bug == hazard_bug::asymmetric ||
                                     Bug == hazard_bug::asymmetric_no_heavy ||
                                     Bug == hazard_bug::asymmetric_no_light;

  ~hazard_cell() { delete current_.load(rlx); }

  int read(int reader) {
    std::atomic<node*>& hazard = hazards_[reader];
    node* p = current_.load(acq);
    for (;;) {
      hazard.store(p, Bug == hazard_bug::relaxed_republication ? rlx : rel);
      light();
      node* const again = current_.load(acq);
      if (again == p || Bug == hazard_bug::no_validation) break;
      p = again;
    }
    const int v = p->value;
    hazard.store(nullptr, Bug == hazard_bug::relaxed_clear ? rlx : rel);
    return v;
  }
  /// Returns the retired node if it could not be freed yet.
  node* write(int v) {
    node* const old = current_.exchange(new node{v}, ar);
    heavy();
    for (auto& h : hazards_)
      if (h.load(acq) == old && Bug != hazard_bug::no_scan) return old;
    delete old;
    return nullptr;
  }

 private:
  static void light() {
    if constexpr (asymmetric && Bug != hazard_bug::asymmetric_no_light) {
      std::atomic_signal_fence(sc);
    } else if constexpr (!asymmetric && Bug != hazard_bug::no_reader_fence) {
      std::atomic_thread_fence(sc);
    }
  }
  static void heavy() {
    if constexpr (asymmetric && Bug != hazard_bug::asymmetric_no_heavy) {
      syscall(SYS_membarrier, 8, 0, 0);
    } else if constexpr (!asymmetric && Bug != hazard_bug::no_reclaimer_fence) {
      std::atomic_thread_fence(sc);
    }
  }

  std::atomic<node*> current_{new node{0}};
  std::atomic<node*> hazards_[2] = {};
};

template <hazard_bug Bug>
void hazard_program() {
  hazard_cell<Bug> cell;
  node* left[2] = {};
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) mc::require(cell.read(0) < 3, "a value");
  });
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) left[i] = cell.write(i + 1);
  });
  mc::join_all();
  for (node* n : left) delete n;
}

// Epochs ---------------------------------------------------------------------------------------

enum class epoch_bug {
  none,
  no_pin_fence,
  unchecked_advance,
  frees_one_epoch_early,
  tag_before_fence,  // crossbeam-epoch, pull request 53 (2017)
  tag_of_pin,        // the retired node is tagged with the epoch of the pin
  relaxed_unpin,
  relaxed_pin,  // the pin's store ends the release sequence of the unpin before
  relaxed_advance,
};

template <epoch_bug Bug>
class epochs {
 public:
  void pin(int t) {
    const unsigned e = global_.load(rlx);
    pinned_at_[t] = e;
    slots_[t].store(e << 1 | 1, Bug == epoch_bug::relaxed_pin ? rlx : rel);
    if constexpr (Bug != epoch_bug::no_pin_fence) std::atomic_thread_fence(sc);
  }
  void unpin(int t) { slots_[t].store(0, Bug == epoch_bug::relaxed_unpin ? rlx : rel); }

  void retire(int t, node* n) {
    unsigned tag;
    if constexpr (Bug == epoch_bug::tag_of_pin) {
      tag = pinned_at_[t];
    } else if constexpr (Bug == epoch_bug::tag_before_fence) {
      tag = global_.load(rlx);
    } else {
      std::atomic_thread_fence(sc);
      tag = global_.load(rlx);
    }
    bags_[t][counts_[t]++] = {n, tag};
  }
  void collect(int t) {
    const unsigned e = advance();
    const unsigned distance = Bug == epoch_bug::frees_one_epoch_early ? 1 : 2;
    for (int i = 0; i < counts_[t];) {
      if (bags_[t][i].tag + distance <= e) {
        delete bags_[t][i].object;
        bags_[t][i] = bags_[t][--counts_[t]];
      } else {
        ++i;
      }
    }
  }
  void drain() {
    for (int t = 0; t < threads; ++t)
      while (counts_[t] > 0) delete bags_[t][--counts_[t]].object;
  }

 private:
  static constexpr int threads = 3;
  struct retired {
    node* object;
    unsigned tag;
  };

  unsigned advance() {
    unsigned e = global_.load(rlx);
    std::atomic_thread_fence(sc);
    if constexpr (Bug != epoch_bug::unchecked_advance)
      for (auto& s : slots_) {
        const unsigned v = s.load(rlx);
        if ((v & 1) != 0 && v >> 1 != e) return e;
      }
    if constexpr (Bug != epoch_bug::relaxed_advance) std::atomic_thread_fence(acq);
    if (global_.compare_exchange_strong(e, e + 1, Bug == epoch_bug::relaxed_advance ? rlx : ar,
                                        Bug == epoch_bug::relaxed_advance ? rlx : acq))
      return e + 1;
    return e;
  }

  std::atomic<unsigned> global_{0};
  std::atomic<unsigned> slots_[threads] = {};
  unsigned pinned_at_[threads] = {};
  retired bags_[threads][8];
  int counts_[threads] = {};
};

template <epoch_bug Bug>
void epoch_program() {
  epochs<Bug> domain;
  std::atomic<node*> cell{new node{0}};
  mc::spawn([&] {
    for (int i = 0; i < 2; ++i) {
      domain.pin(0);
      mc::require(cell.load(acq)->value < 10, "a value");
      domain.unpin(0);
    }
  });
  mc::spawn([&] {
    domain.pin(1);
    domain.retire(1, cell.exchange(new node{1}, ar));
    domain.unpin(1);
    for (int i = 0; i < 2; ++i) domain.collect(1);
  });
  mc::spawn([&] {
    domain.collect(2);
    domain.pin(2);
    mc::require(cell.load(acq)->value < 10, "a value");
    domain.unpin(2);
    domain.collect(2);
  });
  mc::join_all();
  domain.drain();
  delete cell.load(rlx);
}

}  // namespace

void reclamation(std::vector<program>& p) {
  using enum mc::failure;
  using h = hazard_bug;
  p.push_back({"hazard pointers", none, hazard_program<h::none>});
  p.push_back({"hazard pointers: no validation", use_after_free, hazard_program<h::no_validation>});
  p.push_back({"hazard pointers: no fence in the reader", use_after_free,
               hazard_program<h::no_reader_fence>});
  p.push_back({"hazard pointers: no fence in the reclaimer", use_after_free,
               hazard_program<h::no_reclaimer_fence>});
  p.push_back({"hazard pointers: relaxed clear", use_after_free, hazard_program<h::relaxed_clear>});
  p.push_back({"hazard pointers: a slot is published again by a relaxed store", use_after_free,
               hazard_program<h::relaxed_republication>});
  p.push_back({"hazard pointers: no scan", use_after_free, hazard_program<h::no_scan>});
  p.push_back({"asymmetric hazard pointers", none, hazard_program<h::asymmetric>});
  p.push_back({"asymmetric hazard pointers: no membarrier", use_after_free,
               hazard_program<h::asymmetric_no_heavy>});
  p.push_back({"asymmetric hazard pointers: no light fence", use_after_free,
               hazard_program<h::asymmetric_no_light>});
  using e = epoch_bug;
  p.push_back({"epochs", none, epoch_program<e::none>});
  p.push_back({"epochs: no fence in pin", use_after_free, epoch_program<e::no_pin_fence>});
  p.push_back(
      {"epochs: advances without looking", use_after_free, epoch_program<e::unchecked_advance>});
  p.push_back(
      {"epochs: frees one epoch early", use_after_free, epoch_program<e::frees_one_epoch_early>});
  p.push_back({"epochs: the tag is read before the fence", use_after_free,
               epoch_program<e::tag_before_fence>});
  p.push_back(
      {"epochs: tagged with the epoch of the pin", use_after_free, epoch_program<e::tag_of_pin>});
  p.push_back({"epochs: relaxed unpin", use_after_free, epoch_program<e::relaxed_unpin>});
  p.push_back({"epochs: relaxed pin", use_after_free, epoch_program<e::relaxed_pin>});
  p.push_back({"epochs: relaxed advance", use_after_free, epoch_program<e::relaxed_advance>});
}

}  // namespace planted
