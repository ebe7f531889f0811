// SPDX-License-Identifier: MIT
/// \file
/// How maps differ, as constants: `concur::guarantees<M>`. Tests branch on them, and the table in
/// the documentation is checked against them.
#pragma once

#include <concepts>
#include <concur/version.hpp>

namespace concur::inline CONCUR_ABI {

/// Whom an operation may have to wait for.
enum class progress : unsigned char {
  blocking,          ///< other operations, whatever they are at
  element_blocking,  ///< at most a write that is being published to the very element
  lock_free,         ///< nobody: some operation always completes
  wait_free,         ///< nobody, and it completes in a bounded number of steps
};

/// What a callback gets when it calls its own map.
enum class reentry : unsigned char {
  works,       ///< the same as outside
  old_value,   ///< reads see the element as it was before the callback
  other_keys,  ///< works for keys its thread does not hold; else as `throws`
  throws,      ///< `std::system_error`, `resource_deadlock_would_occur`; never a hang
};

struct reentry_rules {
  reentry reads;
  reentry writes;
  friend constexpr bool operator==(const reentry_rules&, const reentry_rules&) noexcept = default;
};

/// The constants of map `M`, which it names as `M::guarantees_type`; a map that is not ours gets a
/// specialisation. `map_guarantees` lists what must be there.
template <class M>
struct guarantees : M::guarantees_type {};

/// - `read_progress`, `write_progress`: of the operations on one key, while no callback runs long.
/// - `callback_is_exclusive`: `visit` lends `value_type&`, and nobody else changes the element
///   meanwhile.
/// - `callback_may_run_again`: callables of `update`, `upsert`, `compute` and keyed predicates,
///   after a lost race. Visits run once per element everywhere.
/// - `exclusive_callback`: re-entry from `visit`, `update`, `upsert`, `compute`, predicates of
///   `erase_if` and the inserting families; `shared_callback`: from every `cvisit`.
/// - `callback_keeps_old_value`: a callback that throws leaves the value as it was before, else as
///   the callback left it.
/// - `garbage_is_bounded`: what is retired and not yet freed, even when a thread is stalled.
/// - `is_bounded`: insertions may find the map full.
/// - `needs_trivially_copyable`: keys and values.
template <class G>
concept map_guarantees = requires {
  requires std::same_as<decltype(G::read_progress), const progress>;
  requires std::same_as<decltype(G::write_progress), const progress>;
  requires std::same_as<decltype(G::callback_is_exclusive), const bool>;
  requires std::same_as<decltype(G::callback_may_run_again), const bool>;
  requires std::same_as<decltype(G::exclusive_callback), const reentry_rules>;
  requires std::same_as<decltype(G::shared_callback), const reentry_rules>;
  requires std::same_as<decltype(G::callback_keeps_old_value), const bool>;
  requires std::same_as<decltype(G::garbage_is_bounded), const bool>;
  requires std::same_as<decltype(G::is_bounded), const bool>;
  requires std::same_as<decltype(G::needs_trivially_copyable), const bool>;
};

}  // namespace concur::inline CONCUR_ABI
