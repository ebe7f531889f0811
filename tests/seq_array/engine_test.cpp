// SPDX-License-Identifier: MIT
// The engine in a tiny world: chunks of two to eight elements, so that a few operations cross every
// border.
#include <array>
#include <atomic>
#include <concur/detail/seq_array/engine.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/threads.hpp"

using concur::detail::backoff;
using concur::detail::exclusive_scope;
using concur::detail::leaf_hazard;
using concur::detail::seq_array_engine;
using concur_test::allocation_account;
using concur_test::counting_allocator;

namespace {

struct tiny {
  static constexpr unsigned first_bits = 1;
  static constexpr unsigned full_bits = 3;
};

// The words agree, and the first names a thread and a number of its own.
struct wide {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  explicit wide(std::uint64_t n = 0) : a(n), b(n), c(n) {}
  bool is_whole() const { return a == b && b == c; }
  bool operator==(const wide&) const = default;
};

struct small {
  std::uint64_t a = 0;
  explicit small(std::uint64_t n = 0) : a(n) {}
  bool is_whole() const { return true; }
  bool operator==(const small&) const = default;
};

// Books like counting_allocator, and remembers where the largest block lay.
std::uintptr_t last_chunk = 0;

template <class T>
struct remembering_allocator : counting_allocator<T> {
  using counting_allocator<T>::counting_allocator;
  template <class U>
  remembering_allocator(const remembering_allocator<U>& other) noexcept  // NOLINT: converts
      : counting_allocator<T>(other) {}
  T* allocate(std::size_t n) {
    T* const block = counting_allocator<T>::allocate(n);
    if (n == 8) last_chunk = reinterpret_cast<std::uintptr_t>(block);
    return block;
  }
};

template <class T>
using engine = seq_array_engine<T, counting_allocator<T>, tiny>;

}  // namespace

TEMPLATE_TEST_CASE("a random history agrees with a vector", "[seq_array][engine]", small, wide) {
  allocation_account account;
  {
    engine<TestType> array{counting_allocator<TestType>(account)};
    std::vector<TestType> model;
    std::mt19937 random(12345);
    for (std::uint64_t step = 1; step <= 4000; ++step) {
      const std::size_t n = random() % 120;
      switch (random() % 8) {
        case 0: {
          array.resize(n, TestType(step));
          model.resize(n, TestType(step));
          break;
        }
        case 1:
          array.reserve(n);
          break;
        case 2:
          array.shrink_to_fit();
          break;
        case 3: {
          REQUIRE(array.store(n, TestType(step)) == (n < model.size()));
          if (n < model.size()) model[n] = TestType(step);
          break;
        }
        case 4: {
          const auto old = array.exchange(n, TestType(step));
          REQUIRE(old.has_value() == (n < model.size()));
          if (old) {
            REQUIRE(*old == model[n]);
            model[n] = TestType(step);
          }
          break;
        }
        default:
          REQUIRE(array.push_back(TestType(step)) == model.size());
          model.push_back(TestType(step));
      }
      REQUIRE(array.size() == model.size());
      REQUIRE(array.capacity() >= array.size());
      const auto value = array.load(n);
      REQUIRE(value.has_value() == (n < model.size()));
      if (value) REQUIRE(*value == model[n]);
    }
    for (std::size_t i = 0; i < model.size(); ++i) REQUIRE(array.load(i) == model[i]);
    REQUIRE(account.live_bytes() == array.bytes());
  }
  REQUIRE(account.balanced());
}

TEMPLATE_TEST_CASE("concurrent push_backs get indices of their own, and no value is lost",
                   "[seq_array][engine]", small, wide) {
  allocation_account account;
  engine<TestType> array{counting_allocator<TestType>(account)};
  constexpr int threads = 4;
  constexpr std::uint64_t each = 2000;
  std::vector<std::size_t> indices[threads];
  concur_test::failures failures;
  concur_test::on_threads(threads, failures, [&](int me) {
    auto& mine = indices[static_cast<std::size_t>(me)];
    for (std::uint64_t i = 0; i < each; ++i) {
      const std::uint64_t name = static_cast<std::uint64_t>(me) * each + i + 1;
      const std::size_t index = array.push_back(TestType(name));
      MT_CHECK(failures, array.size() > index);
      MT_CHECK(failures, array.load(index) == TestType(name));
      MT_CHECK(failures, mine.empty() || mine.back() < index);
      mine.push_back(index);
    }
  });
  failures.require();
  REQUIRE(array.size() == threads * each);
  std::vector<bool> seen(threads * each);
  for (const auto& mine : indices) {
    for (const std::size_t index : mine) {
      REQUIRE_FALSE(seen[index]);
      seen[index] = true;
    }
  }
}

TEMPLATE_TEST_CASE("an index below the size is always that of an initialised element",
                   "[seq_array][engine]", small, wide) {
  allocation_account account;
  engine<TestType> array{counting_allocator<TestType>(account)};
  std::atomic<bool> done{false};
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int me) {
    if (me == 0) {
      for (std::uint64_t round = 0; round < 60; ++round) {
        for (std::uint64_t i = 0; i < 100; ++i) array.push_back(TestType(1 + round));
        array.shrink(round % 3 == 0 ? 0 : 10);
        array.resize(40, TestType(1000 + round));
        array.shrink(5);
      }
      done.store(true);
    } else {
      do {
        const std::size_t n = array.size();
        for (std::size_t i = 0; i < n; ++i) {
          const auto value = array.load(i);
          // Gone again, or whole and never the zero of a cell that nobody gave a value.
          if (value) MT_CHECK(failures, value->is_whole() && value->a != 0);
        }
        if (n != 0) {
          const auto old = array.exchange(n - 1, TestType(7));
          if (old) MT_CHECK(failures, old->is_whole() && old->a != 0);
        }
      } while (!done.load());
    }
  });
  failures.require();
  array.shrink(0);
  array.shrink_to_fit();
  REQUIRE(array.capacity() == 0);
  REQUIRE(array.bytes() == account.live_bytes());
}

TEMPLATE_TEST_CASE("everything at once leaves whole values and loses no memory",
                   "[seq_array][engine]", small, wide) {
  allocation_account account;
  {
    engine<TestType> array{counting_allocator<TestType>(account)};
    concur_test::failures failures;
    concur_test::on_threads(4, failures, [&](int me) {
      std::mt19937 random(static_cast<unsigned>(me) + 1);
      for (std::uint64_t step = 1; step <= 1500; ++step) {
        const std::size_t i = random() % 64;
        switch (random() % 9) {
          case 0:
            array.shrink(i);
            break;
          case 1:
            array.resize(i, TestType(step));
            break;
          case 2:
            array.push_back(TestType(step));
            break;
          case 3:
            array.store(i, TestType(step));
            break;
          case 4: {
            if (auto phase = array.claim(i)) {
              const exclusive_scope scope(&array);
              MT_CHECK(failures, phase->value().is_whole());
              if (step % 2 == 0) phase->publish(TestType(step));
            }
            break;
          }
          case 5: {
            TestType expected(step - 1);
            if (const auto same = array.compare_exchange(i, expected, TestType(step))) {
              MT_CHECK(failures, expected.is_whole());
            }
            break;
          }
          case 6:
            array.reserve(i + 8);
            break;
          case 7:
            array.shrink_to_fit();
            break;
          default:
            if (const auto value = array.load(i)) MT_CHECK(failures, value->is_whole());
        }
      }
    });
    failures.require();
    REQUIRE_FALSE(array.is_resizing());
    for (std::size_t i = 0; i < array.size(); ++i) REQUIRE(array.load(i).has_value());
    array.shrink(0);
    array.shrink_to_fit();
    REQUIRE(array.bytes() == account.live_bytes());
  }
  REQUIRE(account.balanced());
}

TEST_CASE("shrinking waits for a running callback, others go on, and its element is gone",
          "[seq_array][engine]") {
  allocation_account account;
  engine<wide> array{counting_allocator<wide>(account)};
  array.resize(40, wide(1));
  std::atomic<int> stage{0};
  concur_test::failures failures;
  concur_test::on_threads(3, failures, [&](int me) {
    backoff wait;
    if (me == 0) {
      auto phase = array.claim(35);
      MT_CHECK(failures, phase.has_value());
      stage.store(1);
      while (stage.load() != 2) wait.pause();
      phase->publish(wide(9));
    } else if (me == 1) {
      while (stage.load() != 1) wait.pause();
      array.shrink(10);  // element 35 is being updated
      MT_CHECK(failures, array.capacity() < 40);
    } else {
      while (stage.load() != 1) wait.pause();
      while (array.size() != 10) wait.pause();  // the shrink took effect at once
      MT_CHECK(failures, !array.load(35).has_value());
      MT_CHECK(failures, array.load(3) == wide(1));
      MT_CHECK(failures, array.store(3, wide(2)));
      MT_CHECK(failures, array.push_back(wide(3)) == 10);
      stage.store(2);
    }
  });
  failures.require();
  REQUIRE(array.size() == 11);
  array.resize(40, wide(4));
  REQUIRE(array.load(35) == wide(4));
}

TEST_CASE("a stalled reader keeps one chunk, and the array goes on", "[seq_array][engine]") {
  allocation_account account;
  seq_array_engine<wide, remembering_allocator<wide>, tiny> array{
      remembering_allocator<wide>(account)};
  array.resize(100, wide(1));
  const std::size_t full = account.live_bytes();
  std::atomic<int> stage{0};
  concur_test::failures failures;
  concur_test::on_threads(2, failures, [&](int me) {
    backoff wait;
    if (me == 0) {
      // What a reader has announced that is descheduled in the middle of a load.
      leaf_hazard guard;
      guard.announce(last_chunk);
      stage.store(1);
      while (stage.load() != 2) wait.pause();
    } else {
      while (stage.load() != 1) wait.pause();
      array.shrink(0);
      MT_CHECK(failures, array.capacity() == 0);
      const std::size_t kept = account.live_bytes() - array.bytes();
      MT_CHECK(failures, kept != 0 && kept < full / 5);
      array.resize(100, wide(2));
      MT_CHECK(failures, account.live_bytes() == full);  // the kept chunk is in use again
      MT_CHECK(failures, array.load(99) == wide(2));
      array.shrink(0);
      stage.store(2);
    }
  });
  failures.require();
  REQUIRE(account.live_bytes() > array.bytes());
  array.shrink_to_fit();
  REQUIRE(account.live_bytes() == array.bytes());
}
