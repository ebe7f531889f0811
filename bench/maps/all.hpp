// SPDX-License-Identifier: MIT
/// \file
/// Registers every workload that an adapter can do.
#pragma once

#include "a_hit.hpp"
#include "b_miss.hpp"
#include "c_zipf.hpp"
#include "check.hpp"
#include "d_90_9_1.hpp"
#include "e_50_25_25.hpp"
#include "f_grow.hpp"
#include "g_hot.hpp"
#include "g_hot_backoff.hpp"
#include "g_hotread.hpp"
#include "h_erase.hpp"
#include "i_iter.hpp"
#include "k_locks.hpp"
#include "l_insert.hpp"
#include "m_memory.hpp"
#include "n_empty.hpp"
#include "s_diff.hpp"
#include "s_iterate.hpp"
#include "s_take.hpp"
#include "s_update.hpp"
#include "u_zipfinc.hpp"

namespace concur_bench {

template <template <class, class> class Adapter, class Key>
void add_map() {
  using map = Adapter<Key, value>;
  const auto add = [](const char* workload, run_function run, bool one_thread = false,
                      bool own_process = false) {
    registry().push_back({workload, key_maker<Key>::name, map::name, map::kind,
                          one_thread || map::kind == role::ceiling, own_process, run});
  };
  checks().push_back(
      {"check", key_maker<Key>::name, map::name, map::kind, true, false, check<map, Key>});
  add("a_hit", a_hit<map, Key>);
  add("b_miss", b_miss<map, Key>);
  add("c_zipf", c_zipf<map, Key>);
  if constexpr (can_increment<map, Key>) add("u_zipfinc", u_zipfinc<map, Key>);
  if constexpr (can_erase<map, Key>) add("d_90_9_1", d_90_9_1<map, Key>);
  if constexpr (can_erase<map, Key>) add("e_50_25_25", e_50_25_25<map, Key>);
  if constexpr (can_increment<map, Key>) add("g_hot", g_hot<map, Key>);
  add("g_hotread", g_hotread<map, Key>);
  if constexpr (in_processes<map>) return;
  add("f_grow", f_grow<map, Key>);
  if constexpr (can_erase<map, Key>) add("h_erase", h_erase<map, Key>);
  if constexpr (can_sum<map>) add("i_iter", i_iter<map, Key>, true);
  if constexpr (can_lock<map, Key>) {
    add("k_lock_uniform", k_locks<map, Key, stream_kind::hits, 0>);
    add("k_lock_zipf", k_locks<map, Key, stream_kind::zipf, 0>);
    add("k_lock_zipf_1us", k_locks<map, Key, stream_kind::zipf, 1'000>);
  }
  if constexpr (can_lock_absent<map, Key>) add("k_lock_absent", k_lock_absent<map, Key>);
  if constexpr (can_snapshot<map>) {
    add("s_take", s_take<map, Key>, true);
    add("s_iterate", s_iterate<map, Key>, true);
    if constexpr (can_increment<map, Key>) {
      add("s_diff", s_diff<map, Key>, true);
      add("s_update", s_update<map, Key, 0>);
      add("s_update_1ms", s_update<map, Key, 1'000>);
    }
  }
  add("l_insert", l_insert<map, Key>, false, true);
  add("m_memory", m_memory<map, Key>, true, true);
  add("n_empty", n_empty<map>, true);
}

template <template <class, class> class Adapter, class... Keys>
bool add_maps() {
  (add_map<Adapter, Keys>(), ...);
  return true;
}

/// For a variant of a map that has nothing to show but this.
template <template <class, class> class Adapter>
bool add_backoff_variant() {
  using map = Adapter<std::uint64_t, value>;
  registry().push_back({"g_hot_backoff", key_maker<std::uint64_t>::name, map::name, map::kind,
                        false, false, g_hot_backoff<map, std::uint64_t>});
  return true;
}

}  // namespace concur_bench

/// For adapters that take any key.
#define CONCUR_BENCH_MAP(adapter)                                            \
  [[maybe_unused]] static const bool adapter##_added =                       \
      concur_bench::add_maps<adapter, std::uint64_t, concur_bench::text_key, \
                             concur_bench::wide_key>()

/// Beside it, for adapters whose keys need not be trivially copyable.
#define CONCUR_BENCH_STRING_MAP(adapter)                       \
  [[maybe_unused]] static const bool adapter##_strings_added = \
      concur_bench::add_maps<adapter, std::string>()

/// For adapters of word keys only.
#define CONCUR_BENCH_WORD_MAP(adapter)                 \
  [[maybe_unused]] static const bool adapter##_added = \
      concur_bench::add_maps<adapter, std::uint64_t>()
