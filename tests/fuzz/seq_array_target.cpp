// SPDX-License-Identifier: MIT
/// \file
/// One thread on one seq_array: every answer is that of std::vector.
#include "fuzz/fuzz.hpp"

#include <concur/seq_array.hpp>
#include <optional>
#include <utility>
#include <vector>

namespace concur_fuzz {
namespace {

template <class V>
class array_program {
  using array_type = concur::seq_array<V>;

 public:
  void run(bytes input) {
    while (!input.empty()) step(input);
    check();
  }

 private:
  void check() const {
    FUZZ_CHECK(array_.size() == model_.size() && array_.capacity() >= array_.size());
    const std::size_t seen =
        array_.visit_all([&](std::size_t i, const V& v) { FUZZ_CHECK(number_of(v) == model_[i]); });
    FUZZ_CHECK(seen == model_.size());
  }

  void step(bytes& input) {
    const unsigned op = input.next() % 16;
    const std::size_t high = input.next();
    const std::size_t index = high * 4 + input.next() % 4;
    if (op < 8) {
      number_of_elements(op, index);
    } else {
      one_element(op, index, input.next());
    }
  }

  void number_of_elements(unsigned op, std::size_t n) {
    switch (op) {
      case 0:
      case 1: {
        const std::size_t size = model_.size();
        FUZZ_CHECK(array_.push_back(V(n)) == size);
        model_.push_back(n);
        break;
      }
      case 2:
        array_.resize(n, V(n));
        model_.resize(n, n);
        break;
      case 3:
        array_.reserve(n * 4);
        break;
      case 4:
        array_.shrink_to_fit();
        break;
      case 5:
        if (n % 8 != 0) break;
        array_.clear();
        model_.clear();
        break;
      case 6: {
        array_type copy(array_);
        FUZZ_CHECK(copy == array_);
        array_ = std::move(copy);
        break;
      }
      default:
        check();
    }
  }

  void one_element(unsigned op, std::size_t index, number value) {
    if (index >= model_.size()) {
      FUZZ_CHECK(!array_.try_load(index));
      return;
    }
    switch (op) {
      case 8:
      case 9:
        array_.store(index, V(value));
        model_[index] = value;
        break;
      case 10:
        FUZZ_CHECK(number_of(array_.exchange(index, V(value))) ==
                   std::exchange(model_[index], value));
        break;
      case 11:
        array_.update(index, [&](V& v) { v = V(number_of(v) + value); });
        model_[index] += value;
        break;
      case 12: {
        V expected(value);
        const bool is_equal = model_[index] == value;
        FUZZ_CHECK(array_.compare_exchange(index, expected, V(value + 1)) == is_equal);
        FUZZ_CHECK(number_of(expected) == model_[index]);
        if (is_equal) ++model_[index];
        break;
      }
      default:
        FUZZ_CHECK(number_of(array_.load(index)) == model_[index]);
    }
  }

  array_type array_;
  std::vector<number> model_;
};

}  // namespace
}  // namespace concur_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace concur_fuzz;
  bytes input(data, size);
  if (input.next() % 2 == 0) {
    array_program<number>().run(input);
  } else {
    array_program<wide>().run(input);
  }
  return 0;
}
