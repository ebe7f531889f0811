// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/detail/sync/asymmetric_fence.hpp>
#include <concur/detail/sync/backoff.hpp>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::asymmetric_fence;
using concur::detail::backoff;

namespace {

// Two threads meet before each round; then each stores its word, fences, and loads the other's.
// Both seeing the old word is the outcome that the fences forbid. Returns how often it happened.
int forbidden_outcomes(int rounds) {
  std::atomic<int> words[2] = {0, 0};
  std::atomic<int> arrived{0};
  std::atomic<int> fence_failures{0};
  std::vector<int> seen[2];
  concur_test::failures failures;
  concur_test::on_threads(2, failures, [&](int me) {
    const auto mine = static_cast<std::size_t>(me);
    for (int round = 1; round <= rounds; ++round) {
      arrived.fetch_add(1, std::memory_order_acq_rel);
      backoff wait;
      while (arrived.load(std::memory_order_acquire) < 2 * round) wait.pause();
      words[mine].store(round, std::memory_order_relaxed);
      if (me == 0) {
        asymmetric_fence::light();
      } else if (!asymmetric_fence::heavy()) {
        fence_failures.fetch_add(1);
      }
      seen[mine].push_back(words[1 - mine].load(std::memory_order_relaxed));
    }
  });
  failures.require();
  REQUIRE(fence_failures.load() == 0);
  int forbidden = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(rounds); ++i) {
    const int round = static_cast<int>(i) + 1;
    if (seen[0][i] < round && seen[1][i] < round) ++forbidden;
  }
  return forbidden;
}

}  // namespace

TEST_CASE("of two threads that store, fence and load one sees the other", "[sync][fence]") {
  asymmetric_fence::prepare();
  REQUIRE(forbidden_outcomes(2000) == 0);
}

TEST_CASE("the fences order without membarrier too", "[sync][fence]") {
  // Not undone: a process that once asked for symmetric fences keeps them.
  asymmetric_fence::use_symmetric_fences();
  REQUIRE(forbidden_outcomes(2000) == 0);
}

TEST_CASE("preparing is idempotent and the heavy side reports success", "[sync][fence]") {
  const bool first = asymmetric_fence::prepare();
  REQUIRE(asymmetric_fence::prepare() == first);
  REQUIRE(asymmetric_fence::heavy());
}
