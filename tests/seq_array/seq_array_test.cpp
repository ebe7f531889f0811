// SPDX-License-Identifier: MIT
#include <array>
#include <concur/seq_array.hpp>
#include <cstdint>
#include <latch>
#include <limits>
#include <memory_resource>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"

using concur::seq_array;
using concur_test::allocation_account;
using concur_test::counting_allocator;
using concur_test::fancy_allocator;

namespace {

struct point {
  double x = 0;
  double y = 0;
  int tag = 0;
  bool operator==(const point&) const = default;
};

template <class Array>
std::vector<typename Array::value_type> contents(const Array& array) {
  std::vector<typename Array::value_type> result;
  array.visit_all([&](const auto& value) { result.push_back(value); });
  return result;
}

template <class T>
T number(int n) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<T>(n);
  } else {
    return T{static_cast<double>(n), 0.5, n};
  }
}

}  // namespace

TEST_CASE("an empty array allocates nothing and is small", "[seq_array]") {
  STATIC_REQUIRE(sizeof(seq_array<int>) <= 256);
  STATIC_REQUIRE(sizeof(seq_array<point, std::pmr::polymorphic_allocator<point>>) <= 256);
  allocation_account account;
  const seq_array<int, counting_allocator<int>> array{counting_allocator<int>(account)};
  REQUIRE(array.size() == 0);
  REQUIRE(array.empty());
  REQUIRE(array.capacity() == 0);
  REQUIRE_FALSE(array.try_load(0).has_value());
  REQUIRE(array.visit_all([](int) {}) == 0);
  REQUIRE(account.total_allocations() == 0);
}

TEMPLATE_TEST_CASE("elements keep what was stored in them", "[seq_array]", signed char, int,
                   std::uint64_t, point) {
  seq_array<TestType> array(10);
  REQUIRE(array.size() == 10);
  REQUIRE(array.load(9) == TestType());
  array.store(3, number<TestType>(5));
  REQUIRE(array.load(3) == number<TestType>(5));
  REQUIRE(array.exchange(3, number<TestType>(6)) == number<TestType>(5));
  array.update(3, [](TestType& value) {
    REQUIRE(value == number<TestType>(6));
    value = number<TestType>(7);
  });
  TestType expected = number<TestType>(1);
  REQUIRE_FALSE(array.compare_exchange(3, expected, number<TestType>(8)));
  REQUIRE(expected == number<TestType>(7));
  REQUIRE(array.compare_exchange(3, expected, number<TestType>(8)));
  REQUIRE(array.try_load(3) == number<TestType>(8));
  REQUIRE(array.load(2) == TestType());
  REQUIRE(array.load(4) == TestType());
}

TEST_CASE("an index at or beyond the size throws and changes nothing", "[seq_array]") {
  seq_array<point> array(5);
  point expected;
  for (const std::size_t bad :
       {std::size_t{5}, std::size_t{1000000}, std::numeric_limits<std::size_t>::max()}) {
    REQUIRE_THROWS_AS(static_cast<void>(array.load(bad)), std::out_of_range);
    REQUIRE_THROWS_AS(array.store(bad, point()), std::out_of_range);
    REQUIRE_THROWS_AS(array.exchange(bad, point()), std::out_of_range);
    REQUIRE_THROWS_AS(array.update(bad, [](point&) { FAIL("called"); }), std::out_of_range);
    REQUIRE_THROWS_AS(array.compare_exchange(bad, expected, point()), std::out_of_range);
    REQUIRE_FALSE(array.try_load(bad).has_value());
  }
  seq_array<int> numbers(1);
  REQUIRE_THROWS_AS(numbers.fetch_add(1, 1), std::out_of_range);
  int seven = 7;
  REQUIRE_THROWS_AS(numbers.compare_exchange(1, seven, 1), std::out_of_range);
  REQUIRE(array.size() == 5);
}

TEST_CASE("a length that cannot be throws length_error and leaves the array as it was",
          "[seq_array]") {
  seq_array<point> array(3, point{1, 2, 3});
  for (const std::size_t n :
       {seq_array<point>::max_size() + 1, std::numeric_limits<std::size_t>::max() / 2 + 1,
        std::numeric_limits<std::size_t>::max()}) {
    REQUIRE_THROWS_AS(array.resize(n), std::length_error);
    REQUIRE_THROWS_AS(array.resize(n, point()), std::length_error);
    REQUIRE_THROWS_AS(array.reserve(n), std::length_error);
    REQUIRE_THROWS_AS(seq_array<point>(n), std::length_error);
  }
  REQUIRE(contents(array) == std::vector<point>(3, point{1, 2, 3}));
}

TEST_CASE("fetch_add returns the value before, and integers wrap around", "[seq_array]") {
  seq_array<int> ints(1, std::numeric_limits<int>::max());
  REQUIRE(ints.fetch_add(0, 1) == std::numeric_limits<int>::max());
  REQUIRE(ints.load(0) == std::numeric_limits<int>::min());
  seq_array<unsigned short> shorts(1, 65535);
  REQUIRE(shorts.fetch_add(0, 2) == 65535);
  REQUIRE(shorts.load(0) == 1);
  seq_array<std::int64_t> longs(1, 5);
  REQUIRE(longs.fetch_add(0, -7) == 5);
  REQUIRE(longs.load(0) == -2);
  seq_array<double> doubles(1, 0.25);
  REQUIRE(doubles.fetch_add(0, 0.5) == 0.25);
  REQUIRE(doubles.load(0) == 0.75);
}

TEST_CASE("push_back returns consecutive indices", "[seq_array]") {
  seq_array<point> array;
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(array.push_back(number<point>(i)) == static_cast<std::size_t>(i));
  }
  REQUIRE(array.size() == 5000);
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(array.load(static_cast<std::size_t>(i)) == number<point>(i));
  }
}

TEST_CASE("resizing appends values, removes from the end, and forgets what it removed",
          "[seq_array]") {
  seq_array<int> array;
  array.resize(1000, 7);
  REQUIRE(contents(array) == std::vector<int>(1000, 7));
  array.resize(3);
  REQUIRE(array.size() == 3);
  REQUIRE_THROWS_AS(static_cast<void>(array.load(3)), std::out_of_range);
  array.resize(6);
  REQUIRE(contents(array) == std::vector<int>{7, 7, 7, 0, 0, 0});
  array.resize(6);
  REQUIRE(array.size() == 6);
  array.clear();
  REQUIRE(array.empty());
  REQUIRE(array.push_back(4) == 0);
  REQUIRE(contents(array) == std::vector<int>{4});
}

TEST_CASE("memory follows the size down", "[seq_array]") {
  allocation_account account;
  {
    seq_array<std::uint64_t, counting_allocator<std::uint64_t>> array(
        100000, 1, counting_allocator<std::uint64_t>(account));
    REQUIRE(array.capacity() >= 100000);
    REQUIRE(account.live_bytes() == array.stats().bytes);
    const std::size_t full = account.live_bytes();
    array.resize(100);
    REQUIRE(account.live_bytes() * 20 < full);
    REQUIRE(array.capacity() >= 100);
    REQUIRE(account.live_bytes() == array.stats().bytes);
    array.clear();
    REQUIRE(array.capacity() == 0);
    array.resize(100000, 2);
    REQUIRE(array.load(99999) == 2);
    REQUIRE(account.live_bytes() <= full);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("reserved memory is used, and given back when asked", "[seq_array]") {
  allocation_account account;
  seq_array<point, counting_allocator<point>> array{counting_allocator<point>(account)};
  array.reserve(3000);
  REQUIRE(array.capacity() >= 3000);
  REQUIRE(array.empty());
  const std::size_t allocations = account.total_allocations();
  for (int i = 0; i < 3000; ++i) array.push_back(number<point>(i));
  REQUIRE(account.total_allocations() == allocations);
  array.reserve(10);
  REQUIRE(array.capacity() >= 3000);
  array.resize(1);
  array.reserve(3000);
  array.shrink_to_fit();
  REQUIRE(array.capacity() < 100);
  REQUIRE(array.load(0) == number<point>(0));
}

TEST_CASE("a small array takes little memory", "[seq_array]") {
  seq_array<int> array(10);
  REQUIRE(array.stats().bytes <= 512);
}

TEST_CASE("a callback sees the old value through reads, and its writes throw", "[seq_array]") {
  seq_array<point> array(3, point{1, 1, 1});
  const auto throws = [](auto&& write) {
    try {
      write();
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur;
    }
    return false;
  };
  point expected;
  array.update(1, [&](point& value) {
    value.tag = 9;
    REQUIRE(array.load(1).tag == 1);
    REQUIRE(array.load(2).tag == 1);
    REQUIRE(array.size() == 3);
    REQUIRE(throws([&] { array.store(1, point()); }));
    REQUIRE(throws([&] { array.store(2, point()); }));
    REQUIRE(throws([&] { array.exchange(1, point()); }));
    REQUIRE(throws([&] { array.update(1, [](point&) {}); }));
    REQUIRE(throws([&] { array.compare_exchange(1, expected, point()); }));
    REQUIRE(throws([&] { array.push_back(point()); }));
    REQUIRE(throws([&] { array.resize(0); }));
    REQUIRE(throws([&] { array.resize(9); }));
    REQUIRE(throws([&] { array.clear(); }));
    REQUIRE(throws([&] { array.reserve(9); }));
    REQUIRE(throws([&] { array.shrink_to_fit(); }));
    seq_array<point> other(1);
    other.update(0, [&](point& p) { p = value; });
    REQUIRE(other.load(0).tag == 9);
  });
  REQUIRE(array.load(1).tag == 9);
  array.store(1, point());
  REQUIRE(array.load(1) == point());
}

TEST_CASE("update hands back what the callback returns, and a throw changes nothing",
          "[seq_array]") {
  seq_array<point> array(1, point{1, 2, 3});
  REQUIRE(array.update(0, [](point& p) { return ++p.tag; }) == 4);
  REQUIRE_THROWS_AS(array.update(0,
                                 [](point& p) {
                                   p.tag = 100;
                                   throw std::runtime_error("stop");
                                 }),
                    std::runtime_error);
  REQUIRE(array.load(0).tag == 4);
  array.store(0, point());
  REQUIRE(array.load(0) == point());
}

TEST_CASE("a user's == decides in compare_exchange", "[seq_array]") {
  struct name {
    char first;
    int noise;
    bool operator==(const name& other) const { return first == other.first; }
  };
  seq_array<name> array(1, name{'a', 1});
  name expected{'a', 2};
  REQUIRE(array.compare_exchange(0, expected, name{'b', 3}));
  expected = {'a', 2};
  REQUIRE_FALSE(array.compare_exchange(0, expected, name{'c', 4}));
  REQUIRE(expected.first == 'b');
  REQUIRE(expected.noise == 3);
}

TEST_CASE("arrays are made from ranges, lists and each other", "[seq_array]") {
  const std::vector<int> numbers{3, 1, 4, 1, 5};
  seq_array<int> from_range(numbers.begin(), numbers.end());
  REQUIRE(contents(from_range) == numbers);
  seq_array<int> from_list{3, 1, 4, 1, 5};
  REQUIRE(from_list == from_range);
  seq_array<int> copy = from_list;
  copy.store(0, 9);
  REQUIRE(from_list.load(0) == 3);
  REQUIRE_FALSE(copy == from_list);
  seq_array<int> moved = std::move(copy);
  REQUIRE(moved.load(0) == 9);
  REQUIRE(copy.empty());  // NOLINT: documented
  copy = from_list;
  REQUIRE(copy == from_list);
  copy = std::move(moved);
  REQUIRE(copy.load(0) == 9);
  copy = {1, 2};
  REQUIRE(contents(copy) == std::vector<int>{1, 2});
  const auto& alias = copy;
  copy = alias;
  REQUIRE(copy.size() == 2);
  swap(copy, from_list);
  REQUIRE(copy.size() == 5);
  REQUIRE(contents(from_list) == std::vector<int>{1, 2});
  from_list.push_back(3);
  REQUIRE(contents(from_list) == std::vector<int>{1, 2, 3});
}

TEST_CASE("visit_all passes the index to a callback that takes one", "[seq_array]") {
  const seq_array<int> array{5, 6, 7};
  std::size_t sum = 0;
  REQUIRE(array.visit_all([&](std::size_t i, int v) { sum += i * static_cast<std::size_t>(v); }) ==
          3);
  REQUIRE(sum == 20);
}

TEST_CASE("statistics print", "[seq_array]") {
  seq_array<int> array(3);
  const auto stats = array.stats();
  REQUIRE(stats.size == 3);
  REQUIRE(stats.capacity == array.capacity());
  REQUIRE_FALSE(stats.resizing);
  std::ostringstream out;
  out << stats;
  REQUIRE(out.str().find("size: 3") != std::string::npos);
}

TEST_CASE("types without a default constructor and over-aligned types are elements",
          "[seq_array]") {
  struct from_int {
    explicit from_int(int v) : value(v) {}
    int value;
    long more[3] = {1, 2, 3};
  };
  seq_array<from_int> a(3, from_int(4));
  a.push_back(from_int(5));
  REQUIRE(a.load(3).value == 5);
  struct alignas(64) aligned {
    int value;
  };
  seq_array<aligned> b(100, aligned{3});
  b.update(99, [](aligned& v) { ++v.value; });
  REQUIRE(b.load(99).value == 4);
  seq_array<std::array<char, 5000>> c(20);
  c.store(19, std::array<char, 5000>{'x'});
  REQUIRE(c.load(19)[0] == 'x');
}

TEST_CASE("moving between unequal allocators moves the elements and frees the source",
          "[seq_array][allocator]") {
  allocation_account first;
  allocation_account second;
  {
    using array = seq_array<int, counting_allocator<int>>;
    array a({1, 2, 3}, counting_allocator<int>(first));
    array b({4}, counting_allocator<int>(second));
    b = std::move(a);
    REQUIRE(contents(b) == std::vector<int>{1, 2, 3});
    REQUIRE(b.get_allocator() == counting_allocator<int>(second));
    REQUIRE(first.live_bytes() == 0);
    array c(std::move(b), counting_allocator<int>(first));
    REQUIRE(contents(c) == std::vector<int>{1, 2, 3});
    REQUIRE(second.live_bytes() == 0);
    array d(std::move(c), counting_allocator<int>(first));
    REQUIRE(d.size() == 3);
    d = array({9}, counting_allocator<int>(second));
    REQUIRE(contents(d) == std::vector<int>{9});
  }
  REQUIRE(first.balanced());
  REQUIRE(second.balanced());
}

TEST_CASE("fancy pointers and polymorphic allocators are accepted", "[seq_array][allocator]") {
  allocation_account account;
  {
    seq_array<point, fancy_allocator<point>> array(1000, point{}, fancy_allocator<point>(account));
    array.resize(10);
    array.store(9, point{1, 2, 3});
    REQUIRE(array.load(9).tag == 3);
    auto copy = array;
    REQUIRE(copy == array);
  }
  REQUIRE(account.balanced());
  std::pmr::monotonic_buffer_resource memory;
  seq_array<int, std::pmr::polymorphic_allocator<int>> array(100, 1, &memory);
  array.push_back(2);
  REQUIRE(array.get_allocator().resource() == &memory);
  REQUIRE(array.load(100) == 2);
}

TEST_CASE("a failing allocation leaves the array as it was, at every index", "[seq_array][fault]") {
  const auto sweep = [](auto&& operation) {
    int failures = 0;
    for (std::size_t index = 1;; ++index) {
      allocation_account account;
      bool failed = false;
      {
        seq_array<point, counting_allocator<point>> array(20, point{1, 2, 3},
                                                          counting_allocator<point>(account));
        const std::size_t capacity = array.capacity();
        account.fail_at(index);
        try {
          operation(array);
        } catch (const std::bad_alloc&) {
          failed = true;
          ++failures;
        }
        account.fail_never();
        if (failed) {
          REQUIRE(contents(array) == std::vector<point>(20, point{1, 2, 3}));
          REQUIRE(array.capacity() == capacity);
          operation(array);  // and now it works
        }
      }
      REQUIRE(account.balanced());
      if (!failed) break;
    }
    return failures;
  };
  REQUIRE(sweep([](auto& a) { a.resize(20000, point()); }) > 10);
  REQUIRE(sweep([](auto& a) { a.reserve(200000); }) > 10);
  REQUIRE(sweep([](auto& a) {
            while (a.size() < a.capacity()) a.push_back(point{1, 2, 3});
            a.resize(20);
            a.reserve(a.capacity() + 1);
          }) >= 1);
  REQUIRE(sweep([](auto& a) { auto copy = a; }) >= 2);
  REQUIRE(sweep([](auto& a) {
            std::decay_t<decltype(a)> other(a.get_allocator());
            other = a;
          }) >= 2);
}

TEST_CASE("a failing push_back leaves the array as it was", "[seq_array][fault]") {
  allocation_account account;
  seq_array<point, counting_allocator<point>> array{counting_allocator<point>(account)};
  for (std::size_t i = 0; i < 5000; ++i) {
    if (array.size() == array.capacity()) {
      account.fail_at(1);
      REQUIRE_THROWS_AS(array.push_back(point()), std::bad_alloc);
      REQUIRE(array.size() == i);
    }
    REQUIRE(array.push_back(point()) == i);
  }
}

TEST_CASE("compare_exchange of an unequal value waits for no callback", "[seq_array]") {
  const auto check = [](auto one, auto two) {
    using value = decltype(one);
    seq_array<value> array(1, one);
    std::latch is_inside(1);
    std::latch is_answered(1);
    std::thread writer([&] {
      array.update(0, [&](value&) {
        is_inside.count_down();
        is_answered.wait();
      });
    });
    is_inside.wait();
    value expected = two;
    const bool exchanged = array.compare_exchange(0, expected, two);
    is_answered.count_down();
    writer.join();
    REQUIRE_FALSE(exchanged);
    REQUIRE(expected == one);
    REQUIRE(array.compare_exchange(0, expected, two));
    REQUIRE(array.load(0) == two);
  };
  check(1, 2);
  check(1.5, 2.5);
  check("one", "two");
  check(point{1, 1, 1}, point{2, 2, 2});
}

namespace {

/// Tries to write to `target` whenever two are compared.
struct meddler {
  int value;
  int more[3];
  static inline seq_array<meddler>* target = nullptr;
  static inline int tries = 0;
  static inline int refusals = 0;
  friend bool operator==(const meddler& a, const meddler& b) {
    if (target != nullptr) {
      ++tries;
      try {
        target->store(1, meddler{9, {}});
      } catch (const std::system_error&) {
        ++refusals;
      }
    }
    return a.value == b.value;
  }
};

}  // namespace

TEST_CASE("a user's == may read in compare_exchange, and may not write", "[seq_array]") {
  seq_array<meddler> array(2, meddler{1, {}});
  meddler::target = &array;
  meddler expected{1, {}};
  REQUIRE(array.compare_exchange(0, expected, meddler{2, {}}));
  REQUIRE(meddler::tries == 2);
  REQUIRE(meddler::refusals == 2);
  REQUIRE_FALSE(array.compare_exchange(0, expected, meddler{3, {}}));
  REQUIRE(meddler::tries == 3);
  REQUIRE(meddler::refusals == 3);
  meddler::target = nullptr;
  REQUIRE(array.load(1).value == 1);
  REQUIRE(array.load(0).value == 2);
}

TEST_CASE("elements may be empty, and hide where they are", "[seq_array]") {
  struct empty {};
  seq_array<empty> nothing(3);
  nothing.store(1, empty());
  REQUIRE(nothing.push_back(empty()) == 3);
  struct nowhere {
    int value;
    char more[17];
    void operator&() const = delete;
    bool operator==(const nowhere& other) const { return value == other.value; }
  };
  seq_array<nowhere> array(2, nowhere{1, {}});
  array.update(0, [](nowhere& v) { v.value = 2; });
  nowhere expected{2, {}};
  REQUIRE(array.compare_exchange(0, expected, nowhere{3, {}}));
  REQUIRE(array.exchange(0, nowhere{4, {}}).value == 3);
  REQUIRE(array.load(0).value == 4);
}
