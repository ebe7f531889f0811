// SPDX-License-Identifier: MIT
/// \file
/// Programs with planted bugs, and the same programs without them.
#pragma once

#include <atomic>
#include <vector>

#include "self/expectations.hpp"

namespace planted {

using program = expectations::expectation;

inline constexpr auto rlx = std::memory_order_relaxed;
inline constexpr auto acq = std::memory_order_acquire;
inline constexpr auto rel = std::memory_order_release;
inline constexpr auto ar = std::memory_order_acq_rel;
inline constexpr auto sc = std::memory_order_seq_cst;

void cells(std::vector<program>& p);
void reclamation(std::vector<program>& p);
void structures(std::vector<program>& p);

}  // namespace planted
