// SPDX-License-Identifier: MIT
/// \file
/// One row of the table: counts all words with one map and some threads, into a fresh map, and
/// compares every count with the known one.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "corpus.hpp"
#include "counted_memory.hpp"
#include "histogram.hpp"
#include "interrupt.hpp"
#include "words.hpp"

namespace tour {

using clock = std::chrono::steady_clock;

inline double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>(clock::now() - start).count();
}

/// The right answer: a plain count on one thread. Its keys point into the corpus.
using known_counts = std::unordered_map<std::string_view, std::uint64_t>;

/// What all rows have in common.
struct job {
  const corpus& text;
  const known_counts& known;
  std::uint64_t words;  ///< the sum of the known counts
  std::size_t rounds;   ///< how often a pass counts the text: more than once if it is short
  double seconds;       ///< for each row

  std::uint64_t words_per_pass() const { return words * rounds; }
};

enum class verdict { none, exact, wrong };

/// All words counted once, into a fresh map.
struct pass_result {
  double seconds = 0;
  std::uint64_t words = 0;
  histogram latency;  ///< of single increments, in nanoseconds
  std::size_t elements = 0;
  std::size_t bytes = 0;
  verdict check = verdict::none;  ///< none: interrupted
};

/// What several passes gave.
struct measurement {
  std::size_t passes = 0;       ///< complete ones
  double seconds = 0;           ///< all of them together
  double words_per_second = 0;  ///< in the fastest pass: the one that was disturbed least
  histogram latency;
  std::size_t elements = 0;
  std::size_t bytes = 0;
  verdict check = verdict::none;

  double bytes_per_element() const {
    return elements == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(elements);
  }

  /// A pass that was interrupted does not count, unless there is no other.
  void add(const pass_result& pass) {
    const bool is_complete = pass.check != verdict::none;
    if (!is_complete && passes != 0) return;
    passes += is_complete ? 1 : 0;
    seconds += pass.seconds;
    words_per_second =
        std::max(words_per_second, static_cast<double>(pass.words) / std::max(pass.seconds, 1e-9));
    latency.add(pass.latency);
    elements = pass.elements;
    bytes = pass.bytes;
    if (check != verdict::wrong) check = pass.check;
  }
};

/// What can be seen of a pass while it runs.
struct live_progress {
  const clock::time_point started = clock::now();
  std::atomic<std::uint64_t> words{0};
};

/// Says of which increments the duration is taken: of 1 in 128, at uneven distances, so that
/// reading the clock does not distort the whole, and no pattern in the text the sample.
class sampler {
 public:
  explicit sampler(std::uint64_t seed) noexcept : state_(seed * 2 + 1) {}

  bool is_due() noexcept {
    if (--left_ != 0) return false;
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    left_ = 65 + static_cast<unsigned>(state_ >> 57);
    return true;
  }

 private:
  std::uint64_t state_;
  unsigned left_ = 64;
};

/// What one thread does: takes pieces of the text until there are none left.
template <class Counter>
histogram count_pieces(Counter& counter, const job& work, std::atomic<std::size_t>& next,
                       live_progress& live) {
  const std::vector<std::string_view>& pieces = work.text.pieces;
  histogram latency;
  sampler sample(next.load(std::memory_order_relaxed));
  while (!interrupted()) {
    const std::size_t piece = next.fetch_add(1, std::memory_order_relaxed);
    if (piece >= pieces.size() * work.rounds) break;
    std::uint64_t words = 0;
    for_each_word(pieces[piece % pieces.size()], [&](std::string_view word) {
      ++words;
      if (!sample.is_due()) return counter.add(word);
      const clock::time_point start = clock::now();
      counter.add(word);
      const auto took = std::chrono::nanoseconds(clock::now() - start).count();
      latency.record(static_cast<std::uint64_t>(took));
    });
    live.words.fetch_add(words, std::memory_order_relaxed);
  }
  return latency;
}

/// Counts everything once. What a thread throws is thrown here, when all have ended.
template <class Counter>
histogram count_once(Counter& counter, const job& work, unsigned threads, live_progress& live) {
  std::atomic<std::size_t> next{0};
  std::vector<std::future<histogram>> others;
  for (unsigned i = 1; i < threads; ++i) {
    others.push_back(std::async(std::launch::async, [&] {  //
      return count_pieces(counter, work, next, live);
    }));
  }
  histogram latency = count_pieces(counter, work, next, live);
  for (std::future<histogram>& other : others) latency.add(other.get());
  return latency;
}

/// Word by word. Right counts, no further elements and the right sum: then all is as it should be.
template <class Counter>
bool is_exact(const Counter& counter, const job& work) {
  std::uint64_t sum = 0;
  counter.for_each_count([&](std::uint64_t n) { sum += n; });
  return sum == work.words_per_pass() && counter.size() == work.known.size() &&
         std::all_of(work.known.begin(), work.known.end(), [&](const auto& expected) {
           return counter.count(expected.first) == expected.second * work.rounds;
         });
}

template <class Counter>
pass_result pass_with(const job& work, unsigned threads, live_progress& live) {
  pass_result result;
  const std::size_t bytes_before = counted_bytes.load(std::memory_order_relaxed);
  Counter counter;
  const clock::time_point start = clock::now();
  result.latency = count_once(counter, work, threads, live);
  result.seconds = seconds_since(start);
  result.words = live.words.load(std::memory_order_relaxed);
  if (interrupted()) return result;
  result.elements = counter.size();
  result.bytes = counted_bytes.load(std::memory_order_relaxed) - bytes_before;
  result.check = is_exact(counter, work) ? verdict::exact : verdict::wrong;
  return result;
}

/// A map, a number of threads, and what came of it.
struct row {
  const char* map;
  unsigned threads;
  pass_result (*run)(const job&, unsigned threads, live_progress&);
  measurement result{};

  bool is_complete(double seconds) const { return result.passes != 0 && result.seconds >= seconds; }
};

template <class Counter>
row row_of(unsigned threads) {
  return {Counter::name, threads, &pass_with<Counter>};
}

}  // namespace tour
