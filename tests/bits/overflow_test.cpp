// SPDX-License-Identifier: MIT
/// \file
/// Sums and differences at the ends: the compiler's way, and the one for compilers that have none.
#include "support/catch.hpp"

#include <concur/detail/bits/overflow.hpp>
#include <cstdint>

namespace detail = concur::detail;

TEST_CASE("sums and differences beyond the ends are seen, with and without the compiler's help") {
  constexpr std::int64_t edges[] = {0,
                                    1,
                                    -1,
                                    2,
                                    -2,
                                    INT64_MAX,
                                    INT64_MAX - 1,
                                    INT64_MIN,
                                    INT64_MIN + 1,
                                    INT64_MAX / 2,
                                    INT64_MIN / 2,
                                    INT64_MAX / 2 + 1,
                                    INT64_MIN / 2 - 1};
  for (const std::int64_t a : edges) {
    for (const std::int64_t b : edges) {
      std::int64_t one = 0;
      std::int64_t other = 0;
      CHECK(detail::add_overflows(a, b, one) == detail::add_overflows_portable(a, b, other));
      if (!detail::add_overflows(a, b, one)) CHECK(one == other);
      CHECK(detail::subtract_overflows(a, b, one) ==
            detail::subtract_overflows_portable(a, b, other));
      if (!detail::subtract_overflows(a, b, one)) CHECK(one == other);
    }
  }
}
