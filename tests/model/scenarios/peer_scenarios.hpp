// SPDX-License-Identifier: MIT
/// \file
/// What the scenarios of other libraries' maps share: which of ours they can run.
#pragma once

#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios {

/// `Adapter::can(verb)` beside `can(kind)`: a peer need not have every operation on the whole map.
template <class Adapter>
bool is_supported(const scenario& s) {
  const auto all = [](const std::vector<call>& calls) {
    for (const call& c : calls)
      if (c.kind_of_call == verb::one_key ? !Adapter::can(c.what) : !Adapter::can(c.kind_of_call))
        return false;
    return true;
  };
  bool good = all(s.before);
  for (const auto& t : s.threads) good = good && all(t);
  return good;
}

template <class Adapter>
std::uint64_t explore_mixes(std::uint64_t executions, const mc::options& how = {}) {
  std::uint64_t done = 0;
  for (const scenario& s : mixes())
    if (is_supported<Adapter>(s)) done += explore<Adapter>(s, executions, how);
  return done;
}
template <class Adapter>
std::uint64_t explore_pairs(std::uint64_t executions, const mc::options& how = {}) {
  std::uint64_t done = 0;
  for (const scenario& s : pairs<Adapter>())
    if (is_supported<Adapter>(s)) done += explore<Adapter>(s, executions, how);
  return done;
}

}  // namespace scenarios
