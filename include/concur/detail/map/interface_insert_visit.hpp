// SPDX-License-Identifier: MIT
/// \file
/// The names that insert and show: for each of insert, try_emplace and emplace, `..._or_visit`
/// shows the element that was there, and `..._and_visit` the new one or the one that was there;
/// `cvisit` in place of `visit` shows a const element. Callables come last. The clauses are
/// explained in interface_lookup.hpp.
#pragma once

#include <concepts>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/insert_core.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_insert_visit {
  using key_type = Key;
  using size_type = std::size_t;
  using value_type = typename Traits::value_type;
  using init_type = typename Traits::init_type;
  using insert_result = typename Traits::insert_result;

 public:
  /// Inserts an element, or shows the present one to `f`.
  /// - Returns: whether it was inserted; ranges: how many were.
  /// - Linearizes at: as `insert` when inserted, else as `visit`.
  /// - Progress: write.
  /// - Callback: `f` as in `visit`, on the element that was there.
  /// - Throws: as `insert`, and what `f` throws. A range keeps what is done.
  /// - Needs: as `insert`.
  template <element_argument<Derived> P = init_type, class F>
  insert_result insert_or_visit(P&& value, F&& f) {
    return to_result<insert_result>(
        insertion_or<lend::exclusive>(derived(), f).insert(std::forward<P>(value)));
  }
  template <std::input_iterator It, class F>
  size_type insert_or_visit(It first, It last, F&& f) {
    return insert_all(std::move(first), last, insertion_or<lend::exclusive>(derived(), f));
  }
  template <class F>
  size_type insert_or_visit(std::initializer_list<value_type> values, F&& f) {
    return insert_all(values.begin(), values.end(), insertion_or<lend::exclusive>(derived(), f));
  }
  template <class Range, class F>
  size_type insert_range_or_visit(Range&& values, F&& f) {
    return insert_all(std::begin(values), std::end(values),
                      insertion_or<lend::exclusive>(derived(), f));
  }

  /// Inserts an element, or shows the present one to `f`, const. All clauses as `insert_or_visit`.
  template <element_argument<Derived> P = init_type, class F>
  insert_result insert_or_cvisit(P&& value, F&& f) {
    return to_result<insert_result>(
        insertion_or<lend::shared>(derived(), f).insert(std::forward<P>(value)));
  }
  template <std::input_iterator It, class F>
  size_type insert_or_cvisit(It first, It last, F&& f) {
    return insert_all(std::move(first), last, insertion_or<lend::shared>(derived(), f));
  }
  template <class F>
  size_type insert_or_cvisit(std::initializer_list<value_type> values, F&& f) {
    return insert_all(values.begin(), values.end(), insertion_or<lend::shared>(derived(), f));
  }
  template <class Range, class F>
  size_type insert_range_or_cvisit(Range&& values, F&& f) {
    return insert_all(std::begin(values), std::end(values),
                      insertion_or<lend::shared>(derived(), f));
  }

  /// Inserts an element and shows it to `f1`, or shows the present one to `f2`.
  /// - Returns: whether it was inserted; ranges: how many were.
  /// - Linearizes at: as `insert` when inserted, else as `visit`. Where callbacks are exclusive,
  ///   nobody sees the new element before `f1` is done.
  /// - Progress: write.
  /// - Callback: `f1` or `f2`, as in `visit`, once.
  /// - Throws: as `insert`, and what they throw; `f1` that throws keeps the new element. A range
  ///   keeps what is done.
  /// - Needs: as `insert`.
  template <element_argument<Derived> P = init_type, class F1, class F2>
  insert_result insert_and_visit(P&& value, F1&& f1, F2&& f2) {
    return to_result<insert_result>(
        insertion_and<lend::exclusive>(derived(), f1, f2).insert(std::forward<P>(value)));
  }
  template <std::input_iterator It, class F1, class F2>
  size_type insert_and_visit(It first, It last, F1&& f1, F2&& f2) {
    return insert_all(std::move(first), last, insertion_and<lend::exclusive>(derived(), f1, f2));
  }
  template <class F1, class F2>
  size_type insert_and_visit(std::initializer_list<value_type> values, F1&& f1, F2&& f2) {
    return insert_all(values.begin(), values.end(),
                      insertion_and<lend::exclusive>(derived(), f1, f2));
  }
  template <class Range, class F1, class F2>
  size_type insert_range_and_visit(Range&& values, F1&& f1, F2&& f2) {
    return insert_all(std::begin(values), std::end(values),
                      insertion_and<lend::exclusive>(derived(), f1, f2));
  }

  /// `insert_and_visit` with const elements.
  template <element_argument<Derived> P = init_type, class F1, class F2>
  insert_result insert_and_cvisit(P&& value, F1&& f1, F2&& f2) {
    return to_result<insert_result>(
        insertion_and<lend::shared>(derived(), f1, f2).insert(std::forward<P>(value)));
  }
  template <std::input_iterator It, class F1, class F2>
  size_type insert_and_cvisit(It first, It last, F1&& f1, F2&& f2) {
    return insert_all(std::move(first), last, insertion_and<lend::shared>(derived(), f1, f2));
  }
  template <class F1, class F2>
  size_type insert_and_cvisit(std::initializer_list<value_type> values, F1&& f1, F2&& f2) {
    return insert_all(values.begin(), values.end(), insertion_and<lend::shared>(derived(), f1, f2));
  }
  template <class Range, class F1, class F2>
  size_type insert_range_and_cvisit(Range&& values, F1&& f1, F2&& f2) {
    return insert_all(std::begin(values), std::end(values),
                      insertion_and<lend::shared>(derived(), f1, f2));
  }

  /// `try_emplace(k, args...)` with a callable at the end: `try_emplace_or_visit(k, args..., f)`.
  /// All clauses as `try_emplace` and `insert_or_visit`.
  template <new_key<Derived> K = key_type, class... Args>
  insert_result try_emplace_or_visit(K&& k, Args&&... args) {
    return with_last_first<1>(
        [&](auto&& f, auto&&... values) {
          return to_result<insert_result>(
              insertion_or<lend::exclusive>(derived(), f)
                  .try_emplace(std::forward<K>(k), static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `try_emplace_or_visit` with const elements.
  template <new_key<Derived> K = key_type, class... Args>
  insert_result try_emplace_or_cvisit(K&& k, Args&&... args) {
    return with_last_first<1>(
        [&](auto&& f, auto&&... values) {
          return to_result<insert_result>(
              insertion_or<lend::shared>(derived(), f)
                  .try_emplace(std::forward<K>(k), static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `try_emplace(k, args...)` with two callables at the end: `try_emplace_and_visit(k,
  /// args..., f1, f2)`. All clauses as `try_emplace` and `insert_and_visit`.
  template <new_key<Derived> K = key_type, class... Args>
  insert_result try_emplace_and_visit(K&& k, Args&&... args) {
    return with_last_first<2>(
        [&](auto&& f1, auto&& f2, auto&&... values) {
          return to_result<insert_result>(
              insertion_and<lend::exclusive>(derived(), f1, f2)
                  .try_emplace(std::forward<K>(k), static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `try_emplace_and_visit` with const elements.
  template <new_key<Derived> K = key_type, class... Args>
  insert_result try_emplace_and_cvisit(K&& k, Args&&... args) {
    return with_last_first<2>(
        [&](auto&& f1, auto&& f2, auto&&... values) {
          return to_result<insert_result>(
              insertion_and<lend::shared>(derived(), f1, f2)
                  .try_emplace(std::forward<K>(k), static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `emplace(args...)` with a callable at the end: `emplace_or_visit(args..., f)`.
  /// All clauses as `emplace` and `insert_or_visit`.
  template <class... Args>
  insert_result emplace_or_visit(Args&&... args) {
    return with_last_first<1>(
        [&](auto&& f, auto&&... values) {
          return to_result<insert_result>(insertion_or<lend::exclusive>(derived(), f)
                                              .emplace(static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `emplace_or_visit` with const elements.
  template <class... Args>
  insert_result emplace_or_cvisit(Args&&... args) {
    return with_last_first<1>(
        [&](auto&& f, auto&&... values) {
          return to_result<insert_result>(insertion_or<lend::shared>(derived(), f)
                                              .emplace(static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `emplace(args...)` with two callables at the end: `emplace_and_visit(args..., f1,
  /// f2)`. All clauses as `emplace` and `insert_and_visit`.
  template <class... Args>
  insert_result emplace_and_visit(Args&&... args) {
    return with_last_first<2>(
        [&](auto&& f1, auto&& f2, auto&&... values) {
          return to_result<insert_result>(insertion_and<lend::exclusive>(derived(), f1, f2)
                                              .emplace(static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

  /// `emplace_and_visit` with const elements.
  template <class... Args>
  insert_result emplace_and_cvisit(Args&&... args) {
    return with_last_first<2>(
        [&](auto&& f1, auto&& f2, auto&&... values) {
          return to_result<insert_result>(insertion_and<lend::shared>(derived(), f1, f2)
                                              .emplace(static_cast<decltype(values)>(values)...));
        },
        std::forward<Args>(args)...);
  }

 private:
  Derived& derived() noexcept { return static_cast<Derived&>(*this); }

  template <class It, class End, class Inserter>
  static size_type insert_all(It first, End last, Inserter inserter) {
    size_type inserted = 0;
    for (; first != last; ++first) {
      if (inserter.insert(*first) == insert_outcome::inserted) ++inserted;
    }
    return inserted;
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
