// SPDX-License-Identifier: MIT
/// \file
/// What CTest asks of a whole process, beside what its tests do by themselves:
///
///   CONCUR_TEST_FENCES=symmetric   every light fence is a real one, as where there is no
///   membarrier CONCUR_TEST_LOAD=<n>           n times as many threads, where a test can do with
///   more
///
/// Included by support/threads.hpp; the fences are set before main.
#pragma once

#include <concur/detail/sync/asymmetric_fence.hpp>
#include <cstdlib>
#include <cstring>

namespace concur_test {

inline const bool has_symmetric_fences = [] {
  const char* const wanted = std::getenv("CONCUR_TEST_FENCES");
  if (wanted == nullptr || std::strcmp(wanted, "symmetric") != 0) return false;
  concur::detail::asymmetric_fence::use_symmetric_fences();
  return true;
}();

/// 1 unless CTest asks for more.
inline int load_factor() {
  const char* const wanted = std::getenv("CONCUR_TEST_LOAD");
  const int factor = wanted == nullptr ? 1 : std::atoi(wanted);
  return factor < 1 ? 1 : factor;
}

}  // namespace concur_test
