// SPDX-License-Identifier: MIT
#include "self/expectations.hpp"

#include "support/catch.hpp"

TEST_CASE("the machinery reports what it must, and nothing else", "[machinery]") {
  for (const auto& e : expectations::machinery()) {
    INFO(e.name);
    CHECK(expectations::verify(e) == "");
  }
}

// The unwinder asks a flag, once. In a process of its own, as CTest runs it, a body is the first to
// do so, and what it leaves there is not "in progress" to the C library.
TEST_CASE("an exception may be thrown outside after one inside a body", "[machinery]") {
  const auto inside = [] {
    try {
      throw 1;
    } catch (int) {
    }
  };
  CHECK(!mc::run({.executions = 20}, inside).failed());
  int caught = 0;
  try {
    throw 2;
  } catch (int v) {
    caught = v;
  }
  CHECK(caught == 2);
}
