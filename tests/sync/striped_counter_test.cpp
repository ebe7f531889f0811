// SPDX-License-Identifier: MIT
#include <concur/detail/sync/striped_counter.hpp>
#include <memory>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::striped_counter;
using concur::detail::thread_slots;

namespace {

std::unique_ptr<striped_counter::stripe[]> make_stripes() {
  return std::make_unique<striped_counter::stripe[]>(striped_counter::stripe_count);
}

}  // namespace

TEST_CASE("a counter counts on one word while it is small", "[sync][striped_counter]") {
  striped_counter counter;
  REQUIRE(counter.sum() == 0);
  REQUIRE(counter.add(5, thread_slots::mine()) == 5);
  REQUIRE(counter.add(-2, thread_slots::mine()) == 3);
  REQUIRE(counter.sum() == 3);
  REQUIRE(counter.stripes() == nullptr);
}

TEST_CASE("the sum is exact when nobody writes, whenever the stripes came",
          "[sync][striped_counter]") {
  auto stripes = make_stripes();
  striped_counter counter;
  std::atomic<int> done{0};
  concur_test::failures failures;
  constexpr int changes = 5000;
  concur_test::on_threads(4, failures, [&](int me) {
    auto& slot = thread_slots::mine();
    for (int i = 0; i < changes; ++i) {
      if (me == 0 && i == changes / 2) counter.spread(stripes.get());
      counter.add(+3, slot);
      counter.add(-2, slot);
      MT_CHECK(failures, counter.sum() >= 0);
    }
    done.fetch_add(1);
  });
  failures.require();
  REQUIRE(done.load() == 4);
  REQUIRE(counter.sum() == 4 * changes);
}

TEST_CASE("a sum is at least what happened before it", "[sync][striped_counter]") {
  auto stripes = make_stripes();
  striped_counter counter;
  counter.spread(stripes.get());
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int) {
    auto& slot = thread_slots::mine();
    std::int64_t mine = 0;
    for (int i = 0; i < 3000; ++i) {
      counter.add(1, slot);
      ++mine;
      MT_CHECK(failures, counter.sum() >= mine);
    }
  });
  failures.require();
  REQUIRE(counter.sum() == 9000);
}

TEST_CASE("more threads than stripes lose nothing", "[sync][striped_counter]") {
  auto stripes = make_stripes();
  striped_counter counter;
  counter.spread(stripes.get());
  concur_test::failures failures;
  constexpr int threads = static_cast<int>(striped_counter::stripe_count) + 8;
  concur_test::on_threads(threads, failures, [&](int) {
    for (int i = 0; i < 200; ++i) counter.add(1, thread_slots::mine());
  });
  failures.require();
  REQUIRE(counter.sum() == threads * 200);
}

TEST_CASE("only the first set of stripes is taken", "[sync][striped_counter]") {
  auto first = make_stripes();
  auto second = make_stripes();
  striped_counter counter;
  REQUIRE(counter.spread(first.get()));
  REQUIRE_FALSE(counter.spread(second.get()));
  REQUIRE(counter.stripes() == first.get());
}

TEST_CASE("swapping exchanges sums and stripes", "[sync][striped_counter]") {
  auto stripes = make_stripes();
  striped_counter a;
  striped_counter b;
  a.spread(stripes.get());
  a.add(7, thread_slots::mine());
  b.add(2, thread_slots::mine());
  a.swap(b);
  REQUIRE(a.sum() == 2);
  REQUIRE(b.sum() == 7);
  REQUIRE(a.stripes() == nullptr);
  REQUIRE(b.stripes() == stripes.get());
}
