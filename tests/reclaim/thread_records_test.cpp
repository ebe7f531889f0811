// SPDX-License-Identifier: MIT
#include <atomic>
#include <barrier>
#include <concur/detail/reclaim/thread_records.hpp>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

using concur::detail::thread_records;
using concur::detail::thread_slot;
using concur::detail::thread_slots;
using concur_test::allocation_account;
using concur_test::counting_allocator;
using concur_test::fancy_allocator;

namespace {

struct record {
  explicit record(thread_slot& slot) : owner(slot) {}
  thread_slot& owner;
  int visits = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("a thread has one record, made on first need and given back",
                   "[reclaim][thread_records]", counting_allocator<int>, fancy_allocator<int>) {
  allocation_account account;
  const TestType allocator(account);
  thread_records<record> records;
  thread_slot& me = thread_slots::mine();
  REQUIRE(records.find(me) == nullptr);
  REQUIRE(account.total_allocations() == 0);
  record& mine = records.ensure(me, allocator);
  REQUIRE(&mine.owner == &me);
  REQUIRE(&records.ensure(me, allocator) == &mine);
  REQUIRE(records.find(me) == &mine);
  REQUIRE(account.live_allocations() == 2);
  int n = 0;
  records.for_each([&n](record&) { ++n; });
  REQUIRE(n == 1);
  records.release(allocator);
  REQUIRE(records.find(me) == nullptr);
  REQUIRE(account.balanced());
}

TEST_CASE(
    "more threads than the directory has room for have records of their own, and their "
    "successors find them",
    "[reclaim][thread_records]") {
  constexpr int threads = 100;
  allocation_account account;
  const counting_allocator<int> allocator(account);
  thread_records<record> records;
  concur_test::failures failures;
  for (int round = 1; round <= 2; ++round) {
    std::barrier all_have_one(threads);
    concur_test::on_threads(threads, failures, [&](int) {
      thread_slot& me = thread_slots::mine();
      record& mine = records.ensure(me, allocator);
      MT_CHECK(failures, &mine.owner == &me);
      MT_CHECK(failures, records.find(me) == &mine);
      ++mine.visits;
      all_have_one.arrive_and_wait();
    });
  }
  failures.require();
  int visits = 0;
  records.for_each([&visits](record& r) { visits += r.visits; });
  REQUIRE(visits == 2 * threads);
  thread_records<record> others;
  others.swap(records);
  int n = 0;
  records.for_each([&n](record&) { ++n; });
  REQUIRE(n == 0);
  others.release(allocator);
  REQUIRE(account.balanced());
}

TEST_CASE("a failing allocation leaves no record and no leak", "[reclaim][thread_records]") {
  allocation_account account;
  const counting_allocator<int> allocator(account);
  thread_records<record> records;
  thread_slot& me = thread_slots::mine();
  for (std::size_t n = 1; n <= 2; ++n) {
    account.fail_at(n);
    REQUIRE_THROWS_AS(records.ensure(me, allocator), std::bad_alloc);
    account.fail_never();
    REQUIRE(records.find(me) == nullptr);
    records.release(allocator);
    REQUIRE(account.balanced());
  }
  account.fail_at(3);
  records.ensure(me, allocator);
  REQUIRE(account.failure_pending());
  records.release(allocator);
  REQUIRE(account.balanced());
}
