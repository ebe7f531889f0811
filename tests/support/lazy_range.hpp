// SPDX-License-Identifier: MIT
/// \file
/// A range as std::views::filter makes one: it finds its begin when it is asked for it, and so has
/// none where it is const.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace concur_test {

template <class T>
class lazy_range {
 public:
  /// Shows `all` but those at the beginning that are `skipped`.
  lazy_range(std::vector<T> all, T skipped)
      : elements_(std::move(all)), skipped_(std::move(skipped)) {}

  const T* begin() {
    while (first_ < elements_.size() && elements_[first_] == skipped_) ++first_;
    return elements_.data() + first_;
  }
  const T* end() { return elements_.data() + elements_.size(); }

 private:
  std::vector<T> elements_;
  T skipped_;
  std::size_t first_ = 0;
};

}  // namespace concur_test
