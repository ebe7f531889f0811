// SPDX-License-Identifier: MIT
/// \file
/// What traversals share: a count, and how `concur::parallel` deals out the hashes. The policy is a
/// dependent type throughout, so that only its users pay for <thread>.
#pragma once

#include <atomic>
#include <concepts>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/hash_range.hpp>
#include <concur/detail/sync/reentrancy.hpp>
#include <concur/version.hpp>
#include <cstddef>

namespace concur::inline CONCUR_ABI::detail {

struct traversal_count {
  std::size_t value = 0;
};

/// What the parts of one traversal share: nothing, or the moment that all of it shows.
struct no_moment {};
template <class Engine>
auto moment_of(const Engine& engine) {
  if constexpr (requires { engine.to_traverse(); }) {
    return engine.to_traverse();
  } else {
    return no_moment();
  }
}
template <class Engine, class Moment, class F>
bool traverse_part(Engine& engine, const Moment& moment, hash_range range, F&& f) {
  if constexpr (std::same_as<Moment, no_moment>) {
    return engine.traverse(range, f);
  } else {
    return engine.traverse(moment, range, f);
  }
}

/// Before threads help that know nothing of what the caller holds, and whom he waits for. Throws
/// std::system_error (resource_deadlock_would_occur) if they would wait for him.
template <bool IsExclusive, class Parallel, class Engine>
void require_nothing_held_here(const Parallel& policy, const Engine& engine) {
  if (policy.thread_count() == 1) return;
  if constexpr (requires { engine.require_nothing_held(); }) {
    engine.require_nothing_held();
  } else if constexpr (requires { engine.template require_nothing_held_against<IsExclusive>(); }) {
    engine.template require_nothing_held_against<IsExclusive>();
  } else if constexpr (IsExclusive && Engine::callback_is_exclusive) {
    exclusive_scope::require_inactive(&engine);
  }
}

/// The sum of the counts of every part: part(hash_range, count, go_on) traverses one and returns
/// false to stop all; it asks go_on() after each element.
template <class Parallel, class Part>
std::size_t count_in_parallel(const Parallel& policy, Part&& part) {
  std::atomic<std::size_t> total{0};
  const std::size_t parts = policy.parts();
  policy.for_each_part(parts, [&](std::size_t index, auto& go_on) {
    traversal_count count;
    const bool more = part(hash_range::part(index, parts), count, go_on);
    total.fetch_add(count.value, std::memory_order_relaxed);  // relaxed: read after the join
    return more;
  });
  return total.load(std::memory_order_relaxed);  // relaxed: the threads have been joined
}

}  // namespace concur::inline CONCUR_ABI::detail
