// SPDX-License-Identifier: MIT
/// \file
/// What the fuzz targets share: a program of operations read from bytes, the sizes and hashes that
/// make rare events frequent, and a check that ends the process.
#pragma once

#include "support/scattered.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <type_traits>

/// To be given bytes by libFuzzer, or by replay.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace concur_fuzz {

using concur_test::number;

[[noreturn]] inline void fail(const char* what, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
  std::abort();
}

/// The input; beyond its end there are zeros.
class bytes {
 public:
  bytes(const std::uint8_t* data, std::size_t size) noexcept : data_(data), left_(size) {}
  bool empty() const noexcept { return left_ == 0; }
  unsigned next() noexcept {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  bytes first_half() const noexcept { return {data_, left_ / 2}; }
  bytes second_half() const noexcept { return {data_ + left_ / 2, left_ - left_ / 2}; }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

/// From a hash as it should be to one that is none.
struct any_hash {
  using is_avalanching = std::true_type;
  unsigned kind = 0;
  std::uint64_t operator()(number key) const noexcept {
    switch (kind % 5) {
      case 0:
        return concur_test::scattered(key);
      case 1:
        return key << 56;  // one bucket after the other, all tags equal
      case 2:
        return key;  // all in the first bucket, different tags
      case 3:
        return (key % 4) << 62 | key;  // four homes of every table
      default:
        return 0x8000'0000'0000'0000;  // one hash
    }
  }
};

/// A user's equality: keys are compared one by one.
struct any_equal {
  bool operator()(number a, number b) const noexcept { return a == b; }
};

/// A value of three words that agree.
struct wide {
  number a = 0;
  number b = ~number{0};
  number c = 1;
  wide() = default;
  explicit wide(number n) noexcept : a(n), b(~n), c(n + 1) {}
  friend bool operator==(const wide&, const wide&) = default;
};

/// A value with memory of its own.
class boxed {
 public:
  explicit boxed(number n) : number_(std::make_unique<number>(n)) {}
  boxed(const boxed& other) : number_(std::make_unique<number>(*other.number_)) {}
  boxed(boxed&&) = default;
  boxed& operator=(const boxed& other) {
    number_ = std::make_unique<number>(*other.number_);
    return *this;
  }
  boxed& operator=(boxed&&) = default;
  ~boxed() = default;
  friend bool operator==(const boxed& a, const boxed& b) noexcept {
    return *a.number_ == *b.number_;
  }
  friend number number_of(const boxed& b) noexcept { return *b.number_; }

 private:
  std::unique_ptr<number> number_;
};

inline number number_of(number n) noexcept {
  return n;
}
inline number number_of(const wide& w) {
  if (w.b != ~w.a || w.c != w.a + 1) fail("a value is whole", __FILE__, __LINE__);
  return w.a;
}

}  // namespace concur_fuzz

#define FUZZ_CHECK(...) \
  ((__VA_ARGS__) ? void() : ::concur_fuzz::fail(#__VA_ARGS__, __FILE__, __LINE__))
