// SPDX-License-Identifier: MIT
/// \file
/// The maps that take part, each behind the same few functions:
///
///     add(word)            one more of it; from any thread where `is_concurrent`
///     count(word)          how many there were
///     size()               how many different words
///     for_each_count(f)    f(n) for each of them
///
/// A new map is a new class here and a line in `rows_for` in main.cpp.
#pragma once

#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "counted_memory.hpp"
#include "keys.hpp"

namespace tour {

/// What everybody would write first. Looks words up without making strings of them.
class plain_counter {
 public:
  static constexpr const char* name = "std::unordered_map";
  static constexpr bool is_concurrent = false;

  void add(std::string_view word) {
    if (const auto found = counts_.find(word); found != counts_.end()) {
      ++found->second;
    } else {
      counts_.emplace(word, 1);
    }
  }
  std::uint64_t count(std::string_view word) const {
    const auto found = counts_.find(word);
    return found != counts_.end() ? found->second : 0;
  }
  std::size_t size() const { return counts_.size(); }
  template <class F>
  void for_each_count(F f) const {
    for (const auto& [word, n] : counts_) f(n);
  }

 private:
  struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<counted_string, std::uint64_t, string_hash, std::equal_to<>,
                     counting_allocator<std::pair<const counted_string, std::uint64_t>>>
      counts_;
};

/// The same, with a lock around it.
class locked_counter {
 public:
  static constexpr const char* name = "std::unordered_map + mutex";
  static constexpr bool is_concurrent = true;

  void add(std::string_view word) {
    const std::lock_guard lock(mutex_);
    plain_.add(word);
  }
  std::uint64_t count(std::string_view word) const {
    const std::lock_guard lock(mutex_);
    return plain_.count(word);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return plain_.size();
  }
  template <class F>
  void for_each_count(F f) const {
    const std::lock_guard lock(mutex_);
    plain_.for_each_count(f);
  }

 private:
  mutable std::mutex mutex_;
  plain_counter plain_;
};

/// `KeyOf` makes keys of words, see keys.hpp.
template <class KeyOf>
class seqmap_counter {
 public:
  static constexpr const char* name = KeyOf::name;
  static constexpr bool is_concurrent = true;

  void add(std::string_view word) { counts_.fetch_add(KeyOf::of(word), 1); }
  std::uint64_t count(std::string_view word) const {
    return counts_.find_or(KeyOf::of(word), std::uint64_t{0});
  }
  std::size_t size() const { return counts_.size(); }
  template <class F>
  void for_each_count(F f) const {
    counts_.cvisit_all([&](const auto& element) { f(element.second); });
  }

 private:
  using key = typename KeyOf::type;
  concur::seqmap<key, std::uint64_t, typename KeyOf::hasher, std::equal_to<>,
                 counting_allocator<std::pair<const key, std::uint64_t>>>
      counts_;
};

}  // namespace tour
