// SPDX-License-Identifier: MIT
/// \file
/// `concur::seq_array`: a growable array that any number of threads read and write, and whose
/// elements change as a whole, whatever their size.
///
///   concur::seq_array<point> track(1000);
///   track.store(7, {x, y, z});                              // never seen half-written
///   track.update(7, [](point& p) { p.x += 1; });
///   std::size_t i = track.push_back({x, y, z});             // readers go on meanwhile
///
///   array object        segments        chunks: 8, 8, 16, 32, ..., 4096, 4096, ... elements
///   [o|o| | ] settled   [o|o|o|...]     [cell][cell][cell][cell]...
///   [size ] tail lock    | | +--------> [cell][cell]...             cell = [state][value words]
///
/// Elements never move: growing adds chunks, shrinking frees them, and neither costs more in a
/// larger array. Readers wait neither for growth nor for shrinking, nor for each other. How it
/// works, where each operation takes effect, and what it touches: detail/seq_array/engine.hpp; how
/// an element is read and written: detail/sync/seqlock_cell.hpp.
///
/// Use it for state that is indexed by a small number and larger than one atomic word: positions,
/// counters that belong together, the rows of a table. For values that are not trivially copyable
/// store them elsewhere and their index here.
#pragma once

#include <concepts>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/wrapping_sum.hpp>
#include <concur/detail/map/deduced.hpp>
#include <concur/detail/map/from_range.hpp>
#include <concur/detail/seq_array/engine.hpp>
#include <concur/detail/seq_array/stats.hpp>
#include <concur/detail/sync/reentrancy.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/allocator.hpp>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// A growable array of trivially copyable `T` with atomic elements.
///
/// Every operation on one element is atomic and linearizable, except in its index argument: an
/// index at or beyond `size()` throws `std::out_of_range` and changes nothing. `size()` counts the
/// `push_back` calls that have returned and some of those that are running; an index below it is
/// always that of an element with a value that somebody gave it.
///
/// Thread safety: everything may run beside everything, but for move, swap and destruction, which
/// need the array to be quiet. Copying, comparing and traversing are safe beside writers.
///
/// Progress: reads of a `T` of up to 8 bytes never wait. Reads of a larger one wait only while that
/// very element is being stored. Writers of one element wait for each other, also through the
/// callback of `update`. `push_back` and `resize` take turns, in steps of bounded length.
///
/// Callbacks: inside the callback of `update` (and a user-written `==` in `compare_exchange`) reads
/// of the same array see the old value, and every write to it throws `std::system_error`
/// (`resource_deadlock_would_occur`).
///
/// Beyond 64 threads at once, the first operation of a thread may throw `std::bad_alloc`.
template <class T, class Allocator>
class seq_array {
  static_assert(std::is_trivially_copyable_v<T> && std::is_same_v<T, std::remove_cv_t<T>>,
                "concur::seq_array: T must be trivially copyable and not const or volatile: "
                "an element is copied while another thread may be writing it");
  static_assert(std::copy_constructible<T>,
                "concur::seq_array: T must be copyable: a read is a copy");
  static_assert(std::is_same_v<T, typename std::allocator_traits<Allocator>::value_type>,
                "concur::seq_array: the allocator's value_type must be T");

 public:
  using value_type = T;
  using allocator_type = Allocator;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;

  // ---- construction --------------------------------------------------------------------------

  /// Empty; allocates nothing.
  seq_array() noexcept(noexcept(Allocator())) : seq_array(Allocator()) {}
  explicit seq_array(const Allocator& allocator) noexcept : engine_(allocator) {}

  /// `n` value-initialized elements. Throws `std::length_error`, and what the allocator throws.
  explicit seq_array(size_type n, const Allocator& allocator = Allocator()) requires
      std::is_default_constructible_v<T> : seq_array(allocator) {
    resize(n);
  }

  /// `n` elements equal to `value`. Throws as above.
  seq_array(size_type n, const T& value, const Allocator& allocator = Allocator())
      : seq_array(allocator) {
    resize(n, value);
  }

  template <std::input_iterator Iterator>
  seq_array(Iterator first, Iterator last, const Allocator& allocator = Allocator())
      : seq_array(allocator) {
    for (; first != last; ++first) push_back(*first);
  }

  template <detail::any_range Range>
  explicit seq_array(from_range_t, Range&& range, const Allocator& allocator = Allocator())
      : seq_array(allocator) {
    for (auto&& value : range) push_back(value);
  }
  seq_array(std::initializer_list<T> values, const Allocator& allocator = Allocator())
      : seq_array(values.begin(), values.end(), allocator) {}

  /// Safe beside writers of `other`: each element as of some moment during the copy.
  seq_array(const seq_array& other)
      : seq_array(other, detail::allocator_of_copy(other.engine_.allocator())) {}
  seq_array(const seq_array& other, const Allocator& allocator) : seq_array(allocator) {
    reserve(other.size());
    other.visit_all([this](const T& value) { push_back(value); });
  }

  /// Needs both to be quiet. `other` is empty afterwards.
  seq_array(seq_array&& other) noexcept : seq_array(other.engine_.allocator()) {
    engine_.swap_contents(other.engine_);
  }
  /// The same with another allocator: copies the elements if the two are not equal.
  seq_array(seq_array&& other, const Allocator& allocator) : seq_array(allocator) {
    take_from(other);
  }

  /// Needs this array to be quiet. If it throws, this array is as it was.
  seq_array& operator=(const seq_array& other) {
    if (this == &other) return *this;
    seq_array copy(other,
                   detail::pocca<Allocator> ? other.engine_.allocator() : engine_.allocator());
    engine_.release();
    detail::copy_assign_allocator(engine_.allocator(), other.engine_.allocator());
    engine_.swap_contents(copy.engine_);
    return *this;
  }

  /// Needs both to be quiet. If it throws (only with unequal allocators), both are as they were.
  seq_array& operator=(seq_array&& other) noexcept(detail::pocma<Allocator> ||
                                                   detail::always_equal<Allocator>) {
    if (this == &other) return *this;
    if (detail::memory_moves(engine_.allocator(), other.engine_.allocator())) {
      engine_.release();
      detail::move_assign_allocator(engine_.allocator(), other.engine_.allocator());
      engine_.swap_contents(other.engine_);
    } else {
      seq_array copy(other, engine_.allocator());
      engine_.release();
      engine_.swap_contents(copy.engine_);
      other.engine_.release();
    }
    return *this;
  }

  seq_array& operator=(std::initializer_list<T> values) {
    seq_array copy(values, engine_.allocator());
    engine_.release();
    engine_.swap_contents(copy.engine_);
    return *this;
  }

  /// Gives all memory back to the allocator. Needs quiet.
  ~seq_array() = default;

  /// Needs both to be quiet. Allocators that do not propagate on swap must be equal.
  void swap(seq_array& other) noexcept {
    detail::swap_allocators(engine_.allocator(), other.engine_.allocator());
    engine_.swap_contents(other.engine_);
  }
  friend void swap(seq_array& a, seq_array& b) noexcept { a.swap(b); }

  allocator_type get_allocator() const noexcept { return engine_.allocator(); }

  // ---- one element ---------------------------------------------------------------------------

  /// Returns the value of element `index`. Linearizes where the value is read.
  /// Progress: as in the class comment. Throws `std::out_of_range`.
  [[nodiscard]] T load(size_type index) const {
    std::optional<T> value = engine_.load(index);
    if (!value) [[unlikely]]
      bad_index();
    return *value;
  }

  /// Returns the value, or nothing if there is no element `index`. Throws nothing for a bad index.
  [[nodiscard]] std::optional<T> try_load(size_type index) const { return engine_.load(index); }

  /// Linearizes where the new value becomes readable. Throws `std::out_of_range`.
  void store(size_type index, const T& value) {
    if (!engine_.store(index, value)) [[unlikely]]
      bad_index();
  }

  /// Stores `value` and returns the one it replaced, in one step. Throws `std::out_of_range`.
  T exchange(size_type index, const T& value) {
    std::optional<T> old = engine_.exchange(index, value);
    if (!old) [[unlikely]]
      bad_index();
    return *old;
  }

  /// Calls `f(T&)` once on a copy of the value and stores the copy, in one step.
  /// Returns what `f` returns.
  /// Callback: exclusive among the writers of this element; readers see the old value until it is
  /// over. If it throws, the old value stays. Writes to this array from inside it throw.
  /// Throws `std::out_of_range`, and what `f` throws.
  template <class F>
  decltype(auto) update(size_type index, F&& f) {
    return update_phase(index, [&f](auto& phase) -> decltype(auto) {
      T copy = phase.value();
      if constexpr (std::is_void_v<std::invoke_result_t<F, T&>>) {
        std::forward<F>(f)(copy);
        phase.publish(copy);
      } else {
        // By value: a reference that `f` returns may lead into the copy.
        std::decay_t<std::invoke_result_t<F, T&>> result = std::forward<F>(f)(copy);
        phase.publish(copy);
        return result;
      }
    });
  }

  /// If the value `== expected`, stores `desired` and returns true; else stores the value in
  /// `expected` and returns false. One step either way; an unequal value is answered without any
  /// write to shared memory. Throws `std::out_of_range`, and what `==` throws.
  bool compare_exchange(size_type index, T& expected, const T& desired) requires
      requires(const T& a) {
    static_cast<bool>(a == a);
  } && std::is_copy_assignable_v<T> {
    const std::optional<bool> exchanged = engine_.compare_exchange(index, expected, desired);
    if (!exchanged) [[unlikely]]
      bad_index();
    return *exchanged;
  }

  /// Adds `delta` and returns the value before, in one step. Integers wrap around.
  /// Throws `std::out_of_range`.
  T fetch_add(size_type index, T delta) requires std::is_arithmetic_v<T> &&
      (!std::is_same_v<T, bool>) {
    std::optional<T> old = engine_.modify(
        index, [delta](T value) noexcept -> T { return detail::wrapping_sum(value, delta); });
    if (!old) [[unlikely]]
      bad_index();
    return *old;
  }

  // ---- their number --------------------------------------------------------------------------

  /// Appends `value` and returns its index: no other call gets the same one. Linearizes where
  /// `size()` goes up. Complexity: constant; now and then one chunk of bounded size is added.
  /// Progress: takes turns with other calls that append or remove.
  /// Throws `std::length_error`, and what the allocator throws; the array is then as it was.
  size_type push_back(const T& value) { return engine_.push_back(value); }

  /// The number of elements. Exact; beside writers, the number at some moment during the call.
  [[nodiscard]] size_type size() const noexcept { return engine_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// The number of elements for which there is memory.
  [[nodiscard]] size_type capacity() const noexcept { return engine_.capacity(); }
  [[nodiscard]] static constexpr size_type max_size() noexcept {
    return detail::seq_array_engine<T, Allocator>::max_size();
  }

  /// Makes `size() == n`: removes elements at the end, or appends value-initialized ones.
  /// Removal is one step; then their memory is given back, as far as nobody is reading it.
  /// Appending is done in steps of up to 64 elements, as if by `push_back` until `size() >= n`:
  /// beside other writers, elements of theirs may come between. Complexity: the elements added or
  /// removed. Throws as `push_back`, before anything is appended.
  void resize(size_type n) requires std::is_default_constructible_v<T> { engine_.resize(n, T()); }
  /// The same, appending elements equal to `value`.
  void resize(size_type n, const T& value) { engine_.resize(n, value); }

  /// Takes memory so that `capacity() >= n`. Elements stay where they are.
  /// Throws as `push_back`; the capacity is then as it was.
  void reserve(size_type n) { engine_.reserve(n); }

  /// Gives back the memory of chunks without elements.
  void shrink_to_fit() { engine_.shrink_to_fit(); }

  /// Removes every element that was there when the call began.
  void clear() { engine_.shrink(0); }

  // ---- all elements --------------------------------------------------------------------------

  /// Calls `f(const T&)`, or `f(index, const T&)` if that can be called, on a copy of each element
  /// in the order of their indices, and returns how many there were. Weakly consistent: each as of
  /// some moment during the call; elements appended meanwhile may be seen or not.
  /// Callback: nothing is held while it runs, and it may use the array in any way.
  template <class F>
  size_type visit_all(F&& f) const {
    size_type index = 0;
    for (; index < size(); ++index) {
      const std::optional<T> value = engine_.load(index);
      if (!value) break;
      if constexpr (std::is_invocable_v<F&, size_type, const T&>) {
        f(index, *value);
      } else {
        f(*value);
      }
    }
    return index;
  }

  /// Whether both have as many elements, pairwise equal. Weakly consistent beside writers.
  friend bool operator==(const seq_array& a, const seq_array& b) requires requires(const T& x) {
    static_cast<bool>(x == x);
  }
  {
    if (&a == &b) return true;
    const size_type n = a.size();
    if (b.size() != n) return false;
    for (size_type i = 0; i < n; ++i) {
      const std::optional<T> x = a.try_load(i);
      const std::optional<T> y = b.try_load(i);
      if (!x || !y || !(*x == *y)) return false;
    }
    return true;
  }

  [[nodiscard]] seq_array_stats stats() const noexcept {
    return {size(), capacity(), engine_.chunks(), engine_.bytes(), engine_.is_resizing()};
  }

 private:
  [[noreturn]] static void bad_index() {
    detail::fail_out_of_range("concur::seq_array: index out of range");
  }

  /// `body(phase)` in the update phase of an element. Returns what it returns.
  template <class Body>
  decltype(auto) update_phase(size_type index, Body&& body) {
    auto phase = engine_.claim(index);
    if (!phase) [[unlikely]]
      bad_index();
    const detail::exclusive_scope scope(&engine_);
    return std::forward<Body>(body)(*phase);
  }

  void take_from(seq_array& other) {
    // The allocator stays, also one that would propagate.
    if (detail::always_equal<Allocator> || engine_.allocator() == other.engine_.allocator()) {
      engine_.swap_contents(other.engine_);
    } else {
      other.visit_all([this](const T& value) { push_back(value); });
      other.engine_.release();
    }
  }

  detail::seq_array_engine<T, Allocator> engine_;
};

template <std::input_iterator Iterator,
          detail::allocator_argument Allocator = std::allocator<std::iter_value_t<Iterator>>>
seq_array(Iterator, Iterator, Allocator = Allocator())
    -> seq_array<std::iter_value_t<Iterator>, Allocator>;
template <detail::any_range Range,
          detail::allocator_argument Allocator = std::allocator<detail::element_of<Range>>>
seq_array(from_range_t, Range&&, Allocator = Allocator())
    -> seq_array<detail::element_of<Range>, Allocator>;

}  // namespace concur::inline CONCUR_ABI
