// SPDX-License-Identifier: MIT
/// \file
/// Traces of requests through the whole cache: exact LRU hits as often as a reference, to the unit;
/// the other policies as often as their golden counts or near it. Made traces everywhere, real ones
/// where CONCUR_TRACES names them.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/made_traces.hpp"
#include "support/trace_files.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

using namespace concur_test;

namespace {

std::size_t reference_hits(const trace& requests, std::size_t capacity) {
  std::list<number> order;
  std::unordered_map<number, std::list<number>::iterator> where;
  std::size_t hits = 0;
  for (const number key : requests) {
    if (const auto at = where.find(key); at != where.end()) {
      ++hits;
      order.splice(order.end(), order, at->second);
      continue;
    }
    where.emplace(key, order.insert(order.end(), key));
    if (order.size() > capacity) {
      where.erase(order.front());
      order.pop_front();
    }
  }
  return hits;
}

template <class Policy>
std::size_t hits(const trace& requests, std::size_t capacity, std::size_t shards = 0) {
  cache<number, number, Policy> map(
      concur::cache_options<number, number>{.capacity = capacity, .shards = shards},
      concur::hash<number>(1));
  for (const number key : requests) {
    if (!map.find(key)) map.try_emplace(key, key);
  }
  const auto stats = map.stats();
  REQUIRE(stats.hits + stats.misses == requests.size());
  REQUIRE(stats.size <= capacity);
  return static_cast<std::size_t>(stats.hits);
}

trace made_zipf() {
  return zipf_trace(40'000, 10'000, 0.9, 1);
}
trace made_loop() {
  return loop_trace(5000, 400);
}
trace made_scan() {
  return scan_trace(40'000, 4000, 500, 3);
}

/// False, and a message, where there are no traces.
bool traces_are_here() {
  if (!trace_folder().empty()) return true;
  WARN("skipped: CONCUR_TRACES names no folder of access traces");
  return false;
}

}  // namespace

TEST_CASE("made traces: exact LRU hits as often as the reference", "[lru][trace]") {
  for (const trace& requests :
       {made_zipf(), made_loop(), made_scan(), mixed_trace(40'000, 3000, 5)}) {
    for (const std::size_t capacity : {1U, 10U, 100U, 399U, 400U, 2000U}) {
      REQUIRE(hits<concur::eviction::exact_lru>(requests, capacity) ==
              reference_hits(requests, capacity));
    }
  }
}

TEST_CASE("made traces: lazy LRU, one shard and many, is within a point of exact", "[lru][trace]") {
  const trace requests = made_scan();
  for (const std::size_t capacity : {256U, 512U, 1024U, 2048U}) {
    const auto exact = static_cast<double>(reference_hits(requests, capacity));
    for (const std::size_t shards : {std::size_t{1}, capacity / 128}) {
      const auto lazy =
          static_cast<double>(hits<concur::eviction::lru>(requests, capacity, shards));
      INFO("capacity " << capacity << ", shards " << shards << ": " << lazy << " of " << exact);
      REQUIRE(std::abs(lazy - exact) <= 0.01 * static_cast<double>(requests.size()));
    }
  }
}

TEST_CASE("made traces: what resists a loop and a scan", "[lru][trace]") {
  const trace loop = made_loop();
  REQUIRE(hits<concur::eviction::lru>(loop, 300) == 0);
  REQUIRE(hits<concur::eviction::w_tinylfu>(loop, 300) > loop.size() / 2);
  const trace scan = made_scan();
  REQUIRE(hits<concur::eviction::s3fifo>(scan, 400) > hits<concur::eviction::exact_lru>(scan, 400));
}

TEST_CASE("made traces: saved and restored in the middle, a cache hits as often as ever",
          "[lru][trace][save]") {
  using record = concur::cache_record<number, number>;
  const trace requests = zipf_trace(60'000, 20'000, 0.9, 9);
  const concur::cache_options<number, number> options{.capacity = 2048, .shards = 16};
  const std::size_t half = requests.size() / 2;
  const auto use = [&](auto& map, std::size_t from, std::size_t to) {
    std::size_t found = 0;
    for (std::size_t i = from; i < to; ++i) {
      if (map.find(requests[i])) {
        ++found;
      } else {
        map.try_emplace(requests[i], requests[i]);
      }
    }
    return found;
  };
  cache<number, number> map(options, concur::hash<number>(1));
  use(map, 0, half);
  std::vector<record> saved;
  map.save([&](number k, number v, concur::cache_duration) { saved.push_back({k, v}); });
  // Other seed, other shards.
  cache<number, number> other(options, concur::hash<number>(2));
  std::size_t at = 0;
  other.restore([&]() -> std::optional<record> {
    if (at == saved.size()) return std::nullopt;
    return saved[at++];
  });
  const auto restored = static_cast<double>(use(other, half, requests.size()));
  const auto uninterrupted = static_cast<double>(use(map, half, requests.size()));
  INFO(restored << " of " << uninterrupted);
  REQUIRE(std::abs(restored - uninterrupted) <= 0.005 * static_cast<double>(half));
}

TEST_CASE("real traces: exact LRU to the unit, lazy LRU near it", "[lru][trace]") {
  if (!traces_are_here()) return;
  double worst = 0;
  double sum = 0;
  std::size_t compared = 0;
  for (const auto& [name, golden] : golden_traces()) {
    for (const auto& [capacity, exact] : golden.hits.at("lru")) {
      INFO(name << " @ " << capacity);
      REQUIRE(hits<concur::eviction::exact_lru>(golden.keys, capacity) == exact);
      const auto lazy = hits<concur::eviction::lru>(golden.keys, capacity);
      const double points = 100 * (static_cast<double>(lazy) - static_cast<double>(exact)) /
                            static_cast<double>(golden.keys.size());
      worst = points < worst ? points : worst;
      sum += points;
      ++compared;
    }
  }
  INFO("lazy LRU, default shards: mean " << sum / static_cast<double>(compared) << ", worst "
                                         << worst << " points to exact");
  CHECK(sum / static_cast<double>(compared) >= -0.15);
  CHECK(worst >= -1.5);
}

TEST_CASE("real traces: S3-FIFO to the unit in one shard", "[lru][trace]") {
  if (!traces_are_here()) return;
  for (const auto& [name, golden] : golden_traces()) {
    const auto counts = golden.hits.find("s3fifo_t1");
    if (counts == golden.hits.end()) continue;
    for (const auto& [capacity, exact] : counts->second) {
      INFO(name << " @ " << capacity);
      REQUIRE(hits<concur::eviction::s3fifo>(golden.keys, capacity, 1) == exact);
    }
  }
}
