// SPDX-License-Identifier: MIT
#include <array>
#include <atomic>
#include <concur/detail/sync/seqlock_cell.hpp>
#include <cstdint>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"
#include "support/threads.hpp"

using concur::detail::cell_exchange;
using concur::detail::seqlock_cell;

namespace {

// Every byte says the same number: a mixture of two values is seen.
template <std::size_t Size>
struct uniform {
  unsigned char data[Size];

  explicit uniform(unsigned n = 0) {
    for (auto& byte : data) byte = static_cast<unsigned char>(n);
  }
  bool is_whole() const {
    for (const auto byte : data) {
      if (byte != data[0]) return false;
    }
    return true;
  }
  bool operator==(const uniform&) const = default;
};

template <std::size_t Size>
void search_for_torn_reads() {
  seqlock_cell<uniform<Size>> cell(uniform<Size>(0));
  std::atomic<int> writers{2};
  concur_test::failures failures;
  concur_test::on_threads(4, failures, [&](int me) {
    if (me < 2) {
      for (unsigned i = 0; i < 4000; ++i) {
        const uniform<Size> value(i * 2 + static_cast<unsigned>(me));
        switch (i % 4) {
          case 0:
            cell.store(value);
            break;
          case 1:
            MT_CHECK(failures, cell.exchange(value)->is_whole());
            break;
          case 2:
            cell.update([&](uniform<Size>& v) { v = value; });
            break;
          default: {
            uniform<Size> expected = cell.load();
            cell.compare_exchange(expected, value);
            MT_CHECK(failures, expected.is_whole());
          }
        }
      }
      writers.fetch_sub(1);
    } else {
      do {
        MT_CHECK(failures, cell.load().is_whole());
      } while (writers.load() != 0);
    }
  });
  failures.require();
  REQUIRE(cell.load().is_whole());
}

}  // namespace

TEST_CASE("a cell holds what was stored in it", "[sync][seqlock_cell]") {
  seqlock_cell<uniform<24>> cell(uniform<24>(1));
  REQUIRE(cell.load() == uniform<24>(1));
  REQUIRE(cell.store(uniform<24>(2)));
  REQUIRE(*cell.exchange(uniform<24>(3)) == uniform<24>(2));
  REQUIRE(cell.load() == uniform<24>(3));
}

TEST_CASE("no reader ever sees a mixture of two values", "[sync][seqlock_cell]") {
  search_for_torn_reads<1>();
  search_for_torn_reads<4>();
  search_for_torn_reads<7>();
  search_for_torn_reads<8>();
  search_for_torn_reads<9>();
  search_for_torn_reads<24>();
  search_for_torn_reads<61>();
  search_for_torn_reads<200>();
}

TEMPLATE_TEST_CASE("read-modify-writes lose nothing", "[sync][seqlock_cell]", std::uint32_t,
                   std::uint64_t, (std::array<std::uint64_t, 3>)) {
  constexpr bool is_array = sizeof(TestType) == 24;
  seqlock_cell<TestType> cell;
  const auto add = [](TestType& value) {
    if constexpr (is_array) {
      for (auto& word : value) ++word;
    } else {
      ++value;
    }
  };
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int me) {
    for (int i = 0; i < 3000; ++i) {
      if ((i + me) % 3 == 0) {
        cell.update(add);
      } else if ((i + me) % 3 == 1) {
        cell.modify([&](TestType value) noexcept {
          add(value);
          return value;
        });
      } else {
        TestType expected = cell.load();
        TestType desired = expected;
        add(desired);
        while (cell.compare_exchange(expected, desired) != cell_exchange::done) {
          desired = expected;
          add(desired);
        }
      }
    }
  });
  failures.require();
  if constexpr (is_array) {
    REQUIRE(cell.load() == TestType{9000, 9000, 9000});
  } else {
    REQUIRE(cell.load() == 9000);
  }
}

TEST_CASE("readers see the old value while a callback runs, and writers wait for it",
          "[sync][seqlock_cell]") {
  seqlock_cell<uniform<16>> cell(uniform<16>(1));
  std::atomic<bool> stored{false};
  std::thread writer;
  cell.update([&](uniform<16>& value) {
    value = uniform<16>(2);
    REQUIRE(cell.load() == uniform<16>(1));
    writer = std::thread([&] {
      cell.store(uniform<16>(3));
      stored.store(true);
    });
    for (int i = 0; i < 20; ++i) std::this_thread::yield();
    REQUIRE_FALSE(stored.load());
  });
  writer.join();
  REQUIRE(cell.load() == uniform<16>(3));
}

TEST_CASE("a callback that throws leaves the old value and a cell that works",
          "[sync][seqlock_cell]") {
  seqlock_cell<uniform<16>> wide(uniform<16>(1));
  seqlock_cell<int> small(1);
  REQUIRE_THROWS_AS(wide.update([](auto& v) {
    v = uniform<16>(9);
    throw std::runtime_error("stop");
  }),
                    std::runtime_error);
  REQUIRE_THROWS_AS(small.update([](int& v) {
    v = 9;
    throw std::runtime_error("stop");
  }),
                    std::runtime_error);
  REQUIRE(wide.load() == uniform<16>(1));
  REQUIRE(small.load() == 1);
  REQUIRE(wide.store(uniform<16>(2)));
  REQUIRE(small.store(2));
  REQUIRE(wide.load() == uniform<16>(2));
  REQUIRE(small.load() == 2);
}

TEST_CASE("compare_exchange compares by ==, not by bytes", "[sync][seqlock_cell]") {
  seqlock_cell<double> cell(-0.0);
  double expected = 0.0;
  REQUIRE(cell.compare_exchange(expected, 2.5) == cell_exchange::done);
  REQUIRE(cell.load() == 2.5);
  expected = 1.0;
  REQUIRE(cell.compare_exchange(expected, 3.0) == cell_exchange::unequal);
  REQUIRE(expected == 2.5);
  REQUIRE(cell.replace_if(4.0, expected, [](double a, double b) { return a == b; }) == true);
  expected = 0;
  REQUIRE(cell.replace_if(5.0, expected, [](double a, double b) { return a == b; }) == false);
  REQUIRE(expected == 4.0);
}

TEMPLATE_TEST_CASE("a vacant cell takes part in nothing until its owner occupies it",
                   "[sync][seqlock_cell]", std::uint64_t, (std::array<std::uint64_t, 2>)) {
  using cell_type = seqlock_cell<TestType>;
  cell_type cell(typename cell_type::vacant_tag{});
  const TestType one{1};
  const TestType two{2};
  TestType expected = one;
  const auto takes_part_in_nothing = [&] {
    REQUIRE_FALSE(cell.read().has_value());
    REQUIRE_FALSE(cell.store(one));
    REQUIRE_FALSE(cell.exchange(one).has_value());
    REQUIRE_FALSE(cell.update([](TestType&) { FAIL("called"); }));
    REQUIRE(cell.compare_exchange(expected, two) == cell_exchange::vacant);
  };
  takes_part_in_nothing();
  cell.prepare(two);
  takes_part_in_nothing();
  cell.occupy();
  REQUIRE(cell.load() == two);
  REQUIRE(cell.store(one));
  cell.update([&](TestType&) { REQUIRE_FALSE(cell.try_vacate()); });
  REQUIRE(cell.try_vacate());
  REQUIRE(cell.try_vacate());
  takes_part_in_nothing();
}

TEST_CASE("cells are small", "[sync][seqlock_cell]") {
  STATIC_REQUIRE(sizeof(seqlock_cell<char>) == 8);
  STATIC_REQUIRE(sizeof(seqlock_cell<float>) == 8);
  STATIC_REQUIRE(sizeof(seqlock_cell<std::uint64_t>) == 16);
  STATIC_REQUIRE(sizeof(seqlock_cell<std::array<std::uint64_t, 3>>) == 32);
  STATIC_REQUIRE(seqlock_cell<std::uint64_t>::is_small);
  STATIC_REQUIRE_FALSE(seqlock_cell<uniform<9>>::is_small);
  SUCCEED("checked by the compiler");
}
