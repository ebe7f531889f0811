// SPDX-License-Identifier: MIT
#include "self/expectations.hpp"
#include "self/litmus.hpp"

#include "support/catch.hpp"

// The checker is broken on purpose, in one place at a time: its litmus tests or its machinery tests
// have to notice. A fault that nobody notices is a hole in the tests of the checker.

namespace {

struct seeded_fault {
  int number;
  const char* what;
};

constexpr seeded_fault faults[] = {
    {1, "partial-order reduction takes all accesses for independent"},
    {2, "a new thread does not know its parent's past"},
    {3, "seq_cst fences do not limit what may be read"},
    {4, "seq_cst loads ignore seq_cst fences"},
    {5, "a thread forgets what it has read itself"},
    {6, "seq_cst accesses are not in one order"},
    {7, "acquire loads do not acquire"},
    {8, "relaxed loads keep nothing for acquire fences"},
    {9, "release stores do not release"},
    {10, "release fences do not reach later stores"},
    {11, "read-modify-writes end release sequences"},
    {12, "a store comes between a read-modify-write and what it read"},
    {13, "read-modify-writes read old values"},
    {14, "compare-exchange succeeds on old values"},
    {15, "a seq_cst fence learns nothing"},
    {16, "a seq_cst fence teaches nothing"},
    {17, "acquire fences do nothing"},
    {18, "release fences do nothing"},
    {19, "membarrier does not reach other threads"},
    {20, "the race shadow forgets other bytes of the same eight"},
    {21, "freed memory is not noticed"},
    {22, "sizes of atomics are not compared"},
    {23, "a second free is not noticed"},
    {24, "leaks are not noticed"},
    {25, "static storage is not restored"},
    {26, "a mutex does not order"},
    {27, "a futex does not wake"},
    {28, "a futex does not compare"},
    {29, "a join does not order"},
};

bool litmus_notices(int fault) {
  for (const litmus::program& p : litmus::programs()) {
    std::set<std::string> expected = p.allowed;
    for (const std::string& gap : p.missing) expected.erase(gap);
    mc::options o{.how = mc::strategy::exhaustive, .executions = 300'000, .trace = false};
    o.seeded_fault = fault;
    const auto seen = litmus::outcomes(p, o);
    if (seen.result.failed() || seen.seen != expected) return true;
  }
  return false;
}

bool machinery_notices(int fault) {
  for (const auto& e : expectations::machinery())
    if (!expectations::verify(e, fault).empty()) return true;
  return false;
}

}  // namespace

TEST_CASE("every fault that is seeded into the checker is noticed by its own tests", "[faults]") {
  for (const seeded_fault& f : faults) {
    INFO(f.number << ": " << f.what);
    const bool noticed = f.number < 20 ? litmus_notices(f.number) || machinery_notices(f.number)
                                       : machinery_notices(f.number);
    CHECK(noticed);
  }
}
