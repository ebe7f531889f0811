// SPDX-License-Identifier: MIT
#include <sys/syscall.h>
#include <unistd.h>

#include "self/litmus.hpp"

namespace litmus {

namespace {

constexpr auto rlx = std::memory_order_relaxed;
constexpr auto acq = std::memory_order_acquire;
constexpr auto rel = std::memory_order_release;
constexpr auto ar = std::memory_order_acq_rel;
constexpr auto sc = std::memory_order_seq_cst;
using W = world&;

void membarrier() {
  syscall(SYS_membarrier, 8, 0, 0);
}
void light() {
  std::atomic_signal_fence(sc);
}
void fence(std::memory_order m) {
  std::atomic_thread_fence(m);
}

std::set<std::string> all_of_two() {
  return {"00", "01", "10", "11"};
}

std::set<std::string> all_bits(int n, const std::set<std::string>& without) {
  std::set<std::string> s;
  for (int v = 0; v < 1 << n; ++v) {
    std::string t;
    for (int i = 0; i < n; ++i) t += (v >> (n - 1 - i) & 1) != 0 ? '1' : '0';
    if (without.count(t) == 0) s.insert(t);
  }
  return s;
}

void final_xy(W w) {
  w.r[0] = w.x.load(rlx);
  w.r[1] = w.y.load(rlx);
}

void store_buffering(std::vector<program>& p) {
  const auto sb = [](auto store, auto middle, auto load) {
    return std::vector<std::function<void(W)>>{[=](W w) {
                                                 w.x.store(1, store);
                                                 middle();
                                                 w.r[0] = w.y.load(load);
                                               },
                                               [=](W w) {
                                                 w.y.store(1, store);
                                                 middle();
                                                 w.r[1] = w.x.load(load);
                                               }};
  };
  const auto nothing = [] {};
  const std::set<std::string> sequential = {"01", "10", "11"};
  p.push_back({"SB relaxed", sb(rlx, nothing, rlx), {}, all_of_two()});
  p.push_back({"SB release acquire", sb(rel, nothing, acq), {}, all_of_two()});
  p.push_back({"SB seq_cst", sb(sc, nothing, sc), {}, sequential});
  p.push_back({"SB seq_cst stores, relaxed loads", sb(sc, nothing, rlx), {}, all_of_two()});
  p.push_back({"SB seq_cst fences",
               sb(
                   rlx, [] { fence(sc); }, rlx),
               {},
               sequential});
  p.push_back({"SB acq_rel fences",
               sb(
                   rlx, [] { fence(ar); }, rlx),
               {},
               all_of_two()});
  p.push_back({"SB fence on one side only",
               {[](W w) {
                  w.x.store(1, rlx);
                  fence(sc);
                  w.r[0] = w.y.load(rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  w.r[1] = w.x.load(rlx);
                }},
               {},
               all_of_two()});
  p.push_back({"SB fence against seq_cst accesses",
               {[](W w) {
                  w.x.store(1, sc);
                  w.r[0] = w.y.load(sc);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  fence(sc);
                  w.r[1] = w.x.load(rlx);
                }},
               {},
               sequential});
  p.push_back({"SB acq_rel exchanges",
               {[](W w) {
                  w.x.exchange(1, ar);
                  w.r[0] = w.y.load(acq);
                },
                [](W w) {
                  w.y.exchange(1, ar);
                  w.r[1] = w.x.load(acq);
                }},
               {},
               all_of_two()});
  p.push_back({"SB light fence against membarrier",
               {[](W w) {
                  w.x.store(1, rlx);
                  light();
                  w.r[0] = w.y.load(rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  membarrier();
                  w.r[1] = w.x.load(rlx);
                }},
               {},
               sequential});
  p.push_back({"SB nothing against membarrier",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.r[0] = w.y.load(rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  membarrier();
                  w.r[1] = w.x.load(rlx);
                }},
               {},
               all_of_two()});
  p.push_back({"SB two light fences",
               sb(
                   rlx, [] { light(); }, rlx),
               {},
               all_of_two()});
}

void message_passing(std::vector<program>& p) {
  const auto mp = [](auto between, auto publish, auto look, auto after) {
    return std::vector<std::function<void(W)>>{[=](W w) {
                                                 w.x.store(1, rlx);
                                                 between();
                                                 w.y.store(1, publish);
                                               },
                                               [=](W w) {
                                                 w.r[0] = w.y.load(look);
                                                 after();
                                                 w.r[1] = w.x.load(rlx);
                                               }};
  };
  const auto nothing = [] {};
  const std::set<std::string> ordered = {"00", "01", "11"};
  p.push_back({"MP relaxed", mp(nothing, rlx, rlx, nothing), {}, all_of_two()});
  p.push_back({"MP release acquire", mp(nothing, rel, acq, nothing), {}, ordered});
  p.push_back({"MP release relaxed", mp(nothing, rel, rlx, nothing), {}, all_of_two()});
  p.push_back({"MP relaxed acquire", mp(nothing, rlx, acq, nothing), {}, all_of_two()});
  p.push_back({"MP fences", mp([] { fence(rel); }, rlx, rlx, [] { fence(acq); }), {}, ordered});
  p.push_back(
      {"MP release store, acquire fence", mp(nothing, rel, rlx, [] { fence(acq); }), {}, ordered});
  p.push_back(
      {"MP release fence, acquire load", mp([] { fence(rel); }, rlx, acq, nothing), {}, ordered});
  p.push_back({"release sequence through a read-modify-write",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.y.store(1, rel);
                },
                [](W w) { w.y.fetch_add(1, rlx); },
                [](W w) {
                  w.r[0] = w.y.load(acq);
                  if (w.r[0] == 2) w.r[1] = w.x.load(rlx);
                }},
               {},
               {"0", "1", "21"}});
  p.push_back({"no release sequence through a store (C++20)",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.y.store(1, rel);
                  w.y.store(2, rlx);
                },
                [](W w) {
                  w.r[0] = w.y.load(acq);
                  if (w.r[0] == 2) w.r[1] = w.x.load(rlx);
                }},
               {},
               {"0", "1", "20", "21"}});
}

void many_threads(std::vector<program>& p) {
  const auto iriw = [](auto store, auto load, auto between) {
    return std::vector<std::function<void(W)>>{[=](W w) { w.x.store(1, store); },
                                               [=](W w) { w.y.store(1, store); },
                                               [=](W w) {
                                                 w.r[0] = w.x.load(load);
                                                 between();
                                                 w.r[1] = w.y.load(load);
                                               },
                                               [=](W w) {
                                                 w.r[2] = w.y.load(load);
                                                 between();
                                                 w.r[3] = w.x.load(load);
                                               }};
  };
  const auto nothing = [] {};
  p.push_back({"IRIW release acquire", iriw(rel, acq, nothing), {}, all_bits(4, {})});
  p.push_back({"IRIW seq_cst", iriw(sc, sc, nothing), {}, all_bits(4, {"1010"})});
  p.push_back(
      {"IRIW seq_cst fences", iriw(rlx, rlx, [] { fence(sc); }), {}, all_bits(4, {"1010"})});
  p.push_back(
      {"IRIW relaxed stores, seq_cst loads", iriw(rlx, sc, nothing), {}, all_bits(4, {"1010"})});
  p.push_back({"WRC",
               {[](W w) { w.x.store(1, rel); },
                [](W w) {
                  w.r[0] = w.x.load(acq);
                  w.y.store(1, rel);
                },
                [](W w) {
                  w.r[1] = w.y.load(acq);
                  w.r[2] = w.x.load(rlx);
                }},
               {},
               all_bits(3, {"110"})});
  p.push_back({"ISA2",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.y.store(1, rel);
                },
                [](W w) {
                  w.r[0] = w.y.load(acq);
                  w.z.store(1, rel);
                },
                [](W w) {
                  w.r[1] = w.z.load(acq);
                  w.r[2] = w.x.load(rlx);
                }},
               {},
               all_bits(3, {"110"})});
  p.push_back({"RWC with fences",
               {[](W w) { w.x.store(1, rel); },
                [](W w) {
                  w.r[0] = w.x.load(acq);
                  fence(sc);
                  w.r[1] = w.y.load(rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  fence(sc);
                  w.r[2] = w.x.load(rlx);
                }},
               {},
               all_bits(3, {"100"})});
  p.push_back({"W+RWC: a fence orders what follows in another thread",
               {[](W w) {
                  w.x.store(1, rlx);
                  fence(sc);
                  w.z.store(1, rel);
                },
                [](W w) {
                  w.r[0] = w.z.load(acq);
                  w.r[1] = w.y.load(rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  fence(sc);
                  w.r[2] = w.x.load(rlx);
                }},
               {},
               all_bits(3, {"100"})});
}

void coherence(std::vector<program>& p) {
  p.push_back({"CoRR",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.x.store(2, rlx);
                },
                [](W w) {
                  w.r[0] = w.x.load(rlx);
                  w.r[1] = w.x.load(rlx);
                }},
               {},
               {"00", "01", "02", "11", "12", "22"}});
  p.push_back({"CoWR",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.r[0] = w.x.load(rlx);
                },
                [](W w) { w.x.store(2, rlx); }},
               [](W w) { w.r[1] = w.x.load(rlx); },
               {"11", "12", "22"}});
  p.push_back({"2+2W relaxed",
               {[](W w) {
                  w.x.store(1, rlx);
                  w.y.store(2, rlx);
                },
                [](W w) {
                  w.y.store(1, rlx);
                  w.x.store(2, rlx);
                }},
               final_xy,
               {"11", "12", "21", "22"}});
  p.push_back({"2+2W release",
               {[](W w) {
                  w.x.store(1, rel);
                  w.y.store(2, rel);
                },
                [](W w) {
                  w.y.store(1, rel);
                  w.x.store(2, rel);
                }},
               final_xy,
               {"11", "12", "21", "22"}});
  p.push_back({"2+2W seq_cst",
               {[](W w) {
                  w.x.store(1, sc);
                  w.y.store(2, sc);
                },
                [](W w) {
                  w.y.store(1, sc);
                  w.x.store(2, sc);
                }},
               final_xy,
               {"12", "21", "22"}});
  const auto s = [](auto publish, auto look) {
    return std::vector<std::function<void(W)>>{[=](W w) {
                                                 w.x.store(2, rlx);
                                                 w.y.store(1, publish);
                                               },
                                               [=](W w) {
                                                 w.r[0] = w.y.load(look);
                                                 w.x.store(1, rlx);
                                               }};
  };
  const auto final_x = [](W w) { w.r[1] = w.x.load(rlx); };
  p.push_back({"S relaxed", s(rlx, rlx), final_x, {"01", "02", "11", "12"}});
  p.push_back({"S release acquire", s(rel, acq), final_x, {"01", "02", "11"}});
  const auto r = [](auto m) {
    return std::vector<std::function<void(W)>>{[=](W w) {
                                                 w.x.store(1, m);
                                                 w.y.store(1, m);
                                               },
                                               [=](W w) {
                                                 w.y.store(2, m);
                                                 w.r[1] = w.x.load(m == rel ? acq : m);
                                               }};
  };
  const auto final_y = [](W w) { w.r[0] = w.y.load(rlx); };
  p.push_back({"R release acquire", r(rel), final_y, {"10", "11", "20", "21"}});
  p.push_back({"R seq_cst", r(sc), final_y, {"10", "11", "21"}});
  p.push_back({"two compare-exchanges",
               {[](W w) {
                  int e = 0;
                  w.r[0] = w.x.compare_exchange_strong(e, 1, rlx);
                },
                [](W w) {
                  int e = 0;
                  w.r[1] = w.x.compare_exchange_strong(e, 2, rlx);
                }},
               {},
               {"01", "10"}});
  p.push_back(
      {"two increments",
       {[](W w) { w.r[0] = w.x.fetch_add(1, rlx); }, [](W w) { w.r[1] = w.x.fetch_add(1, rlx); }},
       {},
       {"01", "10"}});
  p.push_back(
      {"nothing comes between a read-modify-write and what it read",
       {[](W w) {
          w.x.store(1, rlx);
          w.y.store(1, rlx);
        },
        [](W w) { w.r[0] = w.x.fetch_add(4, rlx); },
        [](W w) {
          w.r[1] = w.y.load(rlx);
          w.x.store(2, rlx);
        }},
       [](W w) { w.r[2] = w.x.load(rlx); },
       // final x is a store that nobody read, or the sum of one that was read
       {"001", "002", "011", "012", "102", "105", "112", "115", "201", "206", "211", "216"}});
  p.push_back({"LB relaxed",
               {[](W w) {
                  w.r[0] = w.y.load(rlx);
                  w.x.store(1, rlx);
                },
                [](W w) {
                  w.r[1] = w.x.load(rlx);
                  w.y.store(1, rlx);
                }},
               {},
               all_of_two(),
               {"11"}});
  p.push_back({"LB acquire release",
               {[](W w) {
                  w.r[0] = w.y.load(acq);
                  w.x.store(1, rel);
                },
                [](W w) {
                  w.r[1] = w.x.load(acq);
                  w.y.store(1, rel);
                }},
               {},
               {"00", "01", "10"}});
}

}  // namespace

const std::vector<program>& programs() {
  static const std::vector<program> all = [] {
    std::vector<program> p;
    store_buffering(p);
    message_passing(p);
    many_threads(p);
    coherence(p);
    return p;
  }();
  return all;
}

}  // namespace litmus
