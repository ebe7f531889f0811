// SPDX-License-Identifier: MIT
/// \file
/// Every fault at every point of a life of a seq_array: allocations, callbacks, comparisons and
/// conversions that throw, in all operations that change something or call something.

#include "support/catch.hpp"
#include "support/fault_sweep.hpp"

#include <concur/seq_array.hpp>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;
using model_type = std::vector<number>;

template <class V>
class life {
 public:
  using allocator = sweep_allocator<V>;
  using array_type = concur::seq_array<V, allocator>;

  explicit life(allocation_account& account) : array_(allocator(account)), account_(account) {}

  /// Returns what went wrong, 0 if nothing.
  std::size_t run() {
    sizes();
    elements();
    whole_arrays();
    const std::size_t pending = std::exchange(fault_countdown, 0);
    check();
    fault_countdown = pending;
    return wrong_;
  }

 private:
  /// `run(array)`, all or nothing; `then(model)` is what it does if it gets through.
  template <class Run, class Then>
  void step(Run run, Then then) {
    if (got_through([&] { run(array_); })) {
      then(model_);
    } else {
      check();
    }
  }
  template <class Run>
  void step(Run run) {
    step(run, [](model_type&) {});
  }
  void expect(bool ok) { wrong_ += ok ? 0U : 1U; }

  static bool is_as(const array_type& array, const model_type& model) {
    if (array.size() != model.size()) return false;
    bool same = true;
    array.visit_all([&](std::size_t i, const V& v) { same &= number_of(v) == model[i]; });
    return same;
  }
  void check() { expect(is_as(array_, model_)); }

  void sizes() {
    for (number i = 0; i < 40; ++i) {
      step([&](auto& a) { a.push_back(V(i)); }, [&](auto& m) { m.push_back(i); });
    }
    for (const std::size_t n : {300U, 20U, 500U, 0U, 64U, 9'000U, 130U}) {
      step([&](auto& a) { a.resize(n, V(n)); }, [&](auto& m) { m.resize(n, n); });
    }
    step([](auto& a) { a.reserve(20'000); });
    step([](auto& a) { a.shrink_to_fit(); });
  }

  void elements() {
    const auto change = [](V& v) {
      fault_at(fault_kind::callback);
      v = V(number_of(v) + 1);
      fault_at(fault_kind::callback);
    };
    for (const std::size_t i : {0U, 7U, 8U, 100U}) {
      if (model_.size() <= i) continue;
      step([&](auto& a) { a.update(i, change); }, [&](auto& m) { ++m[i]; });
      step([&](auto& a) { a.store(i, V(sweep_number{i})); }, [&](auto& m) { m[i] = i; });
      step([&](auto& a) { a.exchange(i, V(sweep_number{i + 1})); }, [&](auto& m) { m[i] = i + 1; });
      bool is_exchanged = false;
      step(
          [&](auto& a) {
            V expected(i + 1);
            is_exchanged = a.compare_exchange(i, expected, V(i + 2));
          },
          [&](auto& m) {
            expect(is_exchanged == (m[i] == i + 1));
            if (is_exchanged) m[i] = i + 2;
          });
    }
    step([&](auto& a) {
      const std::size_t seen = a.visit_all([](const V&) { fault_at(fault_kind::callback); });
      expect(seen == model_.size());
    });
  }

  void whole_arrays() {
    step([&](auto& a) {
      const array_type copy(a);
      expect(copy == a);
    });
    step([&](auto& a) {
      array_type other(3, V(5), allocator(account_));
      other = a;
      array_type moved(std::move(other), allocator(account_));
      moved.swap(other);
      expect(moved.empty() && other.size() == model_.size());
    });
    step([](auto& a) { a = {V(1), V(2), V(3), V(4), V(5), V(6), V(7), V(8), V(9)}; },
         [](auto& m) { m = {1, 2, 3, 4, 5, 6, 7, 8, 9}; });
    step(
        [&](auto& a) {
          const std::vector<sweep_value> values(70, sweep_value(3));
          array_type made{allocator(account_)};
          for (const auto& v : values) made.push_back(V(sweep_number{v.a}));
          a.swap(made);
        },
        [](auto& m) { m.assign(70, 3); });
    step([](auto& a) { a.clear(); }, [](auto& m) { m.clear(); });
    step([](auto& a) { a.resize(33); }, [](auto& m) { m.resize(33, number_of(V())); });
  }

  model_type model_;
  array_type array_;
  allocation_account& account_;
  std::size_t wrong_ = 0;
};

}  // namespace

TEMPLATE_TEST_CASE("a fault at any point of a life leaves a seq_array whole", "[fault][seq_array]",
                   number, sweep_value) {
  faults_thrown = {};
  std::size_t lost = 0;
  std::size_t wrong = 0;
  const std::size_t points = sweep_script(
      [&](allocation_account& account) { wrong += life<TestType>(account).run(); }, lost);
  REQUIRE(wrong == 0);
  REQUIRE(lost == 0);
  REQUIRE(points > 200);
  REQUIRE(faults_of(fault_kind::allocation) > 30);
  REQUIRE(faults_of(fault_kind::callback) > 20);
  REQUIRE(faults_of(fault_kind::conversion) > 5);
}
