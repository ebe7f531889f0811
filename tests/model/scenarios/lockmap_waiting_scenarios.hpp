// SPDX-License-Identifier: MIT
/// \file
/// Those who wait for a key of a lockmap: nobody is overtaken for ever, and who is told to stop
/// leaves the queue as if he had never been there.
#pragma once

#include <concur/lockmap_stop.hpp>

#include <stop_token>
#include <vector>

#include "scenarios/lockmap_scenarios.hpp"
#include "support/counting_patience.hpp"

namespace scenarios::locks {

using concur::detail::lockmap::lock_mode;

/// So often may the front of a queue be woken in vain.
inline constexpr int promised_losses = 2;

/// Beside somebody who takes the key and leaves it again and again: the front of the queue is woken
/// in vain a bounded number of times, then it gets the key from the hand that leaves it.
template <lock_mode Others>
void overtaken() {
  map_type map{{1, 0}};
  int plain = 0;
  int sleeps = 0;
  mc::spawn([&] {
    const auto entry = concur_test::lock_and_count<lock_mode::exclusive>(map, 1, sleeps);
    ++plain;
  });
  mc::spawn([&] {
    for (int i = 0; i < promised_losses + 4; ++i) {
      if constexpr (Others == lock_mode::exclusive) {
        const auto entry = map.lock(1);
        ++plain;
      } else {
        const auto entry = map.lock_shared(1);
        mc::require(plain == 0 || plain == 1, "read");
      }
    }
  });
  mc::join_all();
  mc::require(sleeps <= 1 + promised_losses, "it is overtaken no more often than that");
  nothing_left(map);
}

/// A reader is let in by the first who leaves the key: it is never overtaken.
inline void reader_beside_writers() {
  map_type map{{1, 0}};
  int plain = 0;
  int sleeps = 0;
  mc::spawn([&] {
    const auto entry = concur_test::lock_and_count<lock_mode::shared>(map, 1, sleeps);
    mc::require(plain >= 0, "read");
  });
  mc::spawn([&] {
    for (int i = 0; i < 3; ++i) {
      const auto entry = map.lock(1);
      ++plain;
    }
  });
  mc::join_all();
  mc::require(sleeps <= 1, "it is not overtaken");
  nothing_left(map);
}

inline std::vector<named_body> queue_bodies() {
  return {{"overtaken by writers", overtaken<lock_mode::exclusive>},
          {"overtaken by readers", overtaken<lock_mode::shared>},
          {"a reader beside writers", reader_beside_writers}};
}

#if defined(__cpp_lib_jthread)
/// A stop beside a hand-over: the waiter has the key, or comes back with nothing because of the
/// stop; and the others get it, whoever was woken in vain.
template <lock_mode Mode>
void stopped() {
  map_type map;
  std::stop_source source;
  int plain = 0;
  bool had = false;
  mc::spawn([&] {
    const auto entry = map.lock(1);
    ++plain;
  });
  mc::spawn([&] {
    if constexpr (Mode == lock_mode::exclusive) {
      if (const auto entry = map.lock(1, source.get_token())) {
        ++plain;
        had = true;
      }
    } else {
      if (const auto entry = map.lock_shared(1, source.get_token())) {
        mc::require(plain >= 0, "read");
        had = true;
      }
    }
    mc::require(had || source.stop_requested(), "it waits until it is told to stop");
  });
  mc::spawn([&] {
    const auto entry = map.lock(1);
    ++plain;
  });
  mc::spawn([&] { source.request_stop(); });
  mc::join_all();
  mc::require(plain == 2 + (had && Mode == lock_mode::exclusive ? 1 : 0), "each had the key");
  nothing_left(map);
  mc::require(static_cast<bool>(map.try_lock(1)), "the key is not lost");
}

/// Nobody leaves the key: the stop itself has to wake the waiter.
inline void stopped_beside_a_holder() {
  map_type map;
  std::stop_source source;
  {
    const auto entry = map.lock(1);
    const int waiter = mc::spawn([&] {
      mc::require(!map.lock(1, source.get_token()), "it is held all the time");
      mc::require(!map.lock_shared(1, source.get_token()), "it was stopped before");
    });
    const int stopper = mc::spawn([&] { source.request_stop(); });
    mc::join(waiter);
    mc::join(stopper);
  }
  nothing_left(map);
  mc::require(map.stats().keys == 0, "the absent key is gone");
}

#endif

/// None where the library has no stop tokens.
inline std::vector<named_body> stop_bodies() {
#if defined(__cpp_lib_jthread)
  return {{"stopped", stopped<lock_mode::exclusive>},
          {"a reader is stopped", stopped<lock_mode::shared>},
          {"stopped beside a holder", stopped_beside_a_holder}};
#else
  return {};
#endif
}

}  // namespace scenarios::locks
