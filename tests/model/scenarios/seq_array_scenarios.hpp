// SPDX-License-Identifier: MIT
/// \file
/// seq_array with chunks of two and four elements. An index is a key: it is there while the size is
/// above it. What changes the size changes every key that it passes.
#pragma once

#include <concur/seq_array.hpp>

#include "scenarios/vocabulary_adapter.hpp"

namespace scenarios {

struct tiny_chunks {
  static constexpr unsigned first_bits = 1;
  static constexpr unsigned full_bits = 2;
};

template <class T>
using tiny_array = concur::detail::seq_array_engine<T, std::allocator<T>, tiny_chunks>;

constexpr std::uint64_t indices = 6;

template <class T>
class array_actions {
 public:
  explicit array_actions(recorder& record) : record_(record) {}

  void push(std::uint64_t v) {
    const int id = record_.begin(kind::insert, 0, v);
    const std::size_t index = array_.push_back(coder<T>::make(v));
    record_.set_key(id, index);
    record_.end(id, 1);
  }
  void load(std::size_t i) {
    const int id = record_.begin(kind::find, i);
    record_.end(id, code(array_.load(i)));
  }
  void exchange(std::size_t i, std::uint64_t v) {
    const int id = record_.begin(kind::set, i, v);
    record_.end(id, code(array_.exchange(i, coder<T>::make(v))));
  }
  void replace(std::size_t i, std::uint64_t from, std::uint64_t to) {
    const int id = record_.begin(kind::replace, i, from, to);
    T expected = coder<T>::make(from);
    const auto done = array_.compare_exchange(i, expected, coder<T>::make(to));
    record_.end(id, done && *done ? 1 : 0);
  }
  /// Every index below n is there, every other one is not: each from a moment within the call.
  void resize(std::size_t n, std::uint64_t v) {
    int ids[indices];
    for (std::uint64_t i = 0; i < indices; ++i)
      ids[i] = record_.begin(i < n ? kind::ensure : kind::remove, i, v);
    array_.resize(n, coder<T>::make(v));
    for (int id : ids) record_.end(id, 0);
  }
  void shrink_to_fit() { array_.shrink_to_fit(); }
  void reserve(std::size_t n) { array_.reserve(n); }

  void check_quiet() {
    const std::size_t n = array_.size();
    for (std::size_t i = 0; i < indices; ++i) {
      load(i);
      mc::require(array_.load(i).has_value() == (i < n), "the size says which elements there are");
    }
    record_.check();
  }

 private:
  static std::uint64_t code(const std::optional<T>& v) { return v ? coder<T>::read(*v) : absent; }

  recorder& record_;
  tiny_array<T> array_{std::allocator<T>()};
};

template <class T>
using array_action = std::function<void(array_actions<T>&)>;

template <class T>
void execute_array(int first, const std::vector<array_action<T>>& threads) {
  recorder record(mc::pick(2) == 1 ? precedence::real_time : precedence::causal);
  array_actions<T> array(record);
  for (int i = 0; i < first; ++i) array.push(static_cast<std::uint64_t>(i) + 1);
  for (const auto& t : threads) mc::spawn([&array, &t] { t(array); });
  mc::join_all();
  array.check_quiet();
}

template <class T>
struct array_scenario {
  const char* name;
  int first;  ///< elements that are there before
  std::vector<array_action<T>> threads;
  unsigned weight = 1;  ///< how many times as many executions of it the kill matrix needs
};

template <class T>
std::vector<array_scenario<T>> array_scenarios() {
  using a = array_actions<T>;
  return {
      {"two push",
       0,
       {[](a& x) {
          x.push(10);
          x.load(1);
        },
        [](a& x) {
          x.push(20);
          x.load(0);
        }}},
      {"push across chunks beside readers",
       2,
       {[](a& x) {
          x.push(10);
          x.push(11);
        },
        [](a& x) {
          x.load(2);
          x.load(3);
        },
        [](a& x) {
          x.load(3);
          x.load(2);
        }}},
      {"writers of one element",
       1,
       {[](a& x) { x.exchange(0, 10); },
        [](a& x) {
          x.replace(0, 1, 20);
          x.load(0);
        },
        [](a& x) {
          x.replace(0, 10, 30);
          x.load(0);
        }}},
      {"an element dies beside its readers and writers",
       2,
       {[](a& x) { x.resize(1, 0); },
        [](a& x) {
          x.load(1);
          x.load(0);
        },
        [](a& x) {
          x.exchange(1, 30);
          x.load(1);
        }}},
      {"an element dies and is born again",
       2,
       {[](a& x) {
          x.resize(1, 0);
          x.push(40);
        },
        [](a& x) {
          x.load(1);
          x.load(1);
        },
        [](a& x) { x.exchange(1, 30); }}},
      {"chunks are freed beside readers",
       5,
       {[](a& x) {
          x.resize(1, 0);
          x.shrink_to_fit();
        },
        [](a& x) {
          x.load(4);
          x.load(2);
        },
        [](a& x) {
          x.exchange(3, 30);
          x.load(0);
        }}},
      {"freed and made again",
       4,
       {[](a& x) {
          x.resize(0, 0);
          x.shrink_to_fit();
          x.push(50);
        },
        [](a& x) {
          x.load(0);
          x.load(3);
        },
        [](a& x) { x.push(60); }}},
      {"grow beside push and shrink",
       1,
       {[](a& x) { x.resize(4, 7); }, [](a& x) { x.push(60); },
        [](a& x) {
          x.load(3);
          x.load(1);
        }}},
      {"two shrink, one grows",
       3,
       {[](a& x) { x.resize(1, 0); },
        [](a& x) {
          x.resize(2, 0);
          x.load(1);
        },
        [](a& x) {
          x.push(70);
          x.load(2);
        }}},
      {"born by one, cut by another, read by a third",
       0,
       {[](a& x) { x.resize(4, 7); }, [](a& x) { x.resize(2, 0); },
        [](a& x) {
          x.load(1);
          x.load(0);
        }}},
      {"pushed and cut by one, read by another",
       0,
       {[](a& x) {
          x.push(10);
          x.push(11);
          x.resize(1, 0);
        },
        [](a& x) {
          x.load(0);
          x.load(0);
          x.load(0);
        }},
       20},
      {"reserve beside shrink_to_fit",
       2,
       {[](a& x) {
          x.reserve(6);
          x.push(80);
        },
        [](a& x) { x.shrink_to_fit(); },
        [](a& x) {
          x.push(81);
          x.load(2);
        }}},
  };
}

}  // namespace scenarios
