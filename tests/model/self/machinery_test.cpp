// SPDX-License-Identifier: MIT
#include "self/expectations.hpp"

#include "support/catch.hpp"

TEST_CASE("the machinery reports what it must, and nothing else", "[machinery]") {
  for (const auto& e : expectations::machinery()) {
    INFO(e.name);
    CHECK(expectations::verify(e) == "");
  }
}
