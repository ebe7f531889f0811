// SPDX-License-Identifier: MIT
/// \file
/// get_or_compute: one computation per key at a time. Who finds nothing takes the key, looks again,
/// and computes while he holds it; the others wait for the key as readers do, and are let in
/// together. If the computation throws, the key is given back without a value, and the next one
/// who waited computes.
#pragma once

#include <concur/detail/lockmap/element.hpp>
#include <concur/detail/lockmap/patience.hpp>
#include <cstdint>
#include <optional>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::lockmap {

template <class Engine, class K, class MakeKey, class F>
typename Engine::mapped_type compute_once(Engine& engine, std::uint64_t hash, const K& key,
                                          MakeKey make_key, F& f) {
  using mapped_type = typename Engine::mapped_type;
  std::optional<mapped_type> found;
  const auto copy = [&](const auto& element) { found.emplace(element.second); };
  engine.read(hash, key, copy);
  if (found) return *std::move(found);
  grip<Engine> held(engine, engine.template acquire<lock_mode::exclusive>(hash, key, make_key,
                                                                          endless_patience()));
  if (!held.is_present()) held.make(f());
  return held.value();
}

}  // namespace concur::inline CONCUR_ABI::detail::lockmap
