// SPDX-License-Identifier: MIT
// What the machine can do over a map's footprint (32 bytes an element): an upper limit for a find
// is a hash and one independent load; a chain that cannot overlap is the other end. And what one
// shared word can do, for the hot key.
#include "../support/run.hpp"

#include <numeric>

namespace {

using namespace concur_bench;

const std::vector<std::uint64_t>& words(std::size_t n) {
  static std::vector<std::uint64_t> memory;
  if (memory.size() != n * 4) {
    release_kept_map();
    memory.resize(n * 4);
    std::iota(memory.begin(), memory.end(), std::uint64_t{0});
    keep_map(+[] { std::vector<std::uint64_t>().swap(memory); });
  }
  return memory;
}

struct no_map {
  struct handle {
    explicit handle(const no_map&) {}
  };
};

std::size_t place(std::uint64_t h, std::size_t size) {
  return static_cast<std::size_t>((h >> 32) * size >> 32);
}

measurement hashed_loads(const parameters& p) {
  const auto& memory = words(p.n);
  const no_map none;
  return timed(none, p, stream_kind::hits, [&](auto&, std::uint32_t index, value& sum) {
    std::uint64_t h = hash{}(key_of<std::uint64_t>(index));
    asm volatile("" : "+r"(h));  // one load at a time: no map can gather
    sum += memory[place(h, memory.size())];
  });
}

measurement dependent_loads(const parameters& p) {
  const auto& memory = words(p.n);
  const no_map none;
  return timed(none, p, stream_kind::hits, [&](auto&, std::uint32_t index, value& sum) {
    sum = memory[place(hash{}(key_of<std::uint64_t>(index) + sum), memory.size())];
  });
}

measurement shared_fetch_add(const parameters& p) {
  static std::atomic<std::uint64_t> word{0};
  const no_map none;
  return timed(none, p, stream_kind::hits,
               [&](auto&, std::uint32_t, value&) { word.fetch_add(1, std::memory_order_relaxed); });
}

measurement shared_exchange_loop(const parameters& p) {
  static std::atomic<std::uint64_t> word{0};
  const no_map none;
  return timed(none, p, stream_kind::hits, [&](auto&, std::uint32_t, value&) {
    std::uint64_t old = word.load(std::memory_order_relaxed);
    while (!word.compare_exchange_weak(old, old + 1, std::memory_order_relaxed)) {
    }
  });
}

[[maybe_unused]] const bool added = [] {
  for (const char* workload : {"a_hit", "b_miss"}) {
    registry().push_back(
        {workload, "u64", "hashed_loads", role::limit, false, false, hashed_loads});
    registry().push_back(
        {workload, "u64", "dependent_loads", role::limit, false, false, dependent_loads});
  }
  registry().push_back({"g_hot", "u64", "fetch_add", role::limit, false, false, shared_fetch_add});
  registry().push_back(
      {"g_hot", "u64", "compare_exchange", role::limit, false, false, shared_exchange_loop});
  return true;
}();

}  // namespace
