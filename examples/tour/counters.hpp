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

#include <atomic>
#include <concur/cmap.hpp>
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

/// The general map, with strings as keys: what everybody would write next. A count is changed by
/// putting a new element in the place of the old one.
class cmap_counter {
 public:
  static constexpr const char* name = "concur::cmap, key: string";
  static constexpr bool is_concurrent = true;

  void add(std::string_view word) {
    counts_.upsert(
        word, [](std::uint64_t& n) { ++n; }, std::uint64_t{1});
  }
  std::uint64_t count(std::string_view word) const {
    return counts_.find_or(word, std::uint64_t{0});
  }
  std::size_t size() const { return counts_.size(); }
  template <class F>
  void for_each_count(F f) const {
    counts_.cvisit_all([&](const auto& element) { f(element.second); });
  }

 private:
  concur::cmap<counted_string, std::uint64_t, concur::hash<counted_string>, std::equal_to<>,
               counting_allocator<std::pair<const counted_string, std::uint64_t>>>
      counts_;
};

/// The same with counts that are atomic themselves: elements of a cmap do not move, and need
/// neither copies nor moves. Nothing is allocated for a word that is there.
class atomic_cmap_counter {
 public:
  static constexpr const char* name = "concur::cmap, atomic count";
  static constexpr bool is_concurrent = true;

  void add(std::string_view word) {
    counts_.try_emplace_or_cvisit(word, 1U, [](const auto& element) { element.second.add(); });
  }
  std::uint64_t count(std::string_view word) const {
    std::uint64_t n = 0;
    counts_.cvisit(word, [&](const auto& element) { n = element.second.get(); });
    return n;
  }
  std::size_t size() const { return counts_.size(); }
  template <class F>
  void for_each_count(F f) const {
    counts_.cvisit_all([&](const auto& element) { f(element.second.get()); });
  }

 private:
  class atomic_count {
   public:
    explicit atomic_count(std::uint64_t n) noexcept : n_(n) {}
    void add() const noexcept { n_.fetch_add(1, std::memory_order_relaxed); }
    std::uint64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

   private:
    mutable std::atomic<std::uint64_t> n_;  // what a visitor is lent is const
  };

  concur::cmap<counted_string, atomic_count, concur::hash<counted_string>, std::equal_to<>,
               counting_allocator<std::pair<const counted_string, atomic_count>>>
      counts_;
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
