// SPDX-License-Identifier: MIT
/// \file
/// To wait for a key of a lockmap, and count how often it was in vain: a waiter sleeps once when it
/// queues, and once more each time that it was woken and came too late.
#pragma once

#include <atomic>
#include <concur/detail/lockmap/locking_interface.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/sync/futex.hpp>
#include <cstdint>

namespace concur_test {

class counting_patience {
 public:
  static constexpr bool waits = true;

  explicit counting_patience(int& sleeps) noexcept : sleeps_(&sleeps) {}
  static concur::detail::lockmap::no_subscription subscribe(std::atomic<std::uint32_t>&) noexcept {
    return {};
  }
  static constexpr bool is_over() noexcept { return false; }
  /// Until the word changes: what the kernel wakes without a reason is not counted.
  bool sleep(std::atomic<std::uint32_t>& word, std::uint32_t seen) noexcept {
    ++*sleeps_;
    // relaxed: the caller looks again.
    while (word.load(std::memory_order_relaxed) == seen) concur::detail::futex::wait(word, seen);
    return true;
  }

 private:
  int* sleeps_;
};

/// As `map.lock(key)` or `map.lock_shared(key)`.
template <concur::detail::lockmap::lock_mode Mode, class Map>
auto lock_and_count(Map& map, const typename Map::key_type& key, int& sleeps) {
  auto& engine = concur::detail::map_access::engine(map);
  using engine_type = concur::detail::engine_of<Map>;
  using key_from = typename engine_type::template key_from<const typename Map::key_type&>;
  using maker = concur::detail::lockmap::entry_maker<engine_type>;
  const auto what = engine.template acquire<Mode>(engine.hash(key), key, key_from(key),
                                                  counting_patience(sleeps));
  if constexpr (Mode == concur::detail::lockmap::lock_mode::exclusive) {
    return maker::exclusive(engine, what);
  } else {
    return maker::shared(engine, what);
  }
}

}  // namespace concur_test
