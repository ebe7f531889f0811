// SPDX-License-Identifier: MIT
// The eviction policies beside plain models of them: the same hits, the same elements in the same
// order after every operation.
#include <concur/policy/eviction.hpp>
#include <random>
#include <string>
#include <vector>

#include "support/cache_simulator.hpp"
#include "support/catch.hpp"
#include "support/eviction_models.hpp"
#include "support/made_traces.hpp"

namespace {

using concur_test::simulated_shard;
namespace eviction = concur::eviction;

std::uint64_t hash_of(std::uint64_t key) {
  return concur::hash<std::uint64_t>{}(key);
}

template <class Policy, class Model>
void run_trace(const concur_test::trace& trace, std::uint64_t capacity) {
  simulated_shard<Policy> cache(capacity);
  Model model(capacity);
  std::size_t differences = 0;
  for (const std::uint64_t key : trace) {
    if (cache.access(key, hash_of(key)) != model.access(key, hash_of(key))) ++differences;
  }
  CHECK(differences == 0);
  CHECK(cache.size() <= capacity);
  CHECK(cache.keys() == model.keys());
}

template <class Policy, class Model>
void run_traces() {
  constexpr std::size_t n = 20000;
  for (const std::uint64_t capacity : {1U, 2U, 3U, 9U, 10U, 25U, 128U, 300U}) {
    CAPTURE(capacity);
    run_trace<Policy, Model>(concur_test::zipf_trace(n, 1000, 0.99, 1), capacity);
    run_trace<Policy, Model>(concur_test::zipf_trace(n, 1000, 0.6, 2), capacity);
    run_trace<Policy, Model>(concur_test::loop_trace(n, 270), capacity);
    run_trace<Policy, Model>(concur_test::scan_trace(n, 500, 100, 3), capacity);
    run_trace<Policy, Model>(concur_test::mixed_trace(n, 500, 4), capacity);
  }
}

/// Everything that a map does with a policy, by chance.
template <class Policy, class Model>
class random_life {
 public:
  random_life(std::uint64_t seed, std::uint64_t capacity, std::uint32_t heaviest)
      : random_(seed),
        heaviest_(heaviest),
        most_(2 * capacity),
        cache_(capacity),
        model_(capacity) {}

  void run(std::size_t operations) {
    for (std::size_t i = 0; i != operations; ++i) {
      step();
      if (i % 16 == 0) {
        REQUIRE(cache_.keys() == model_.keys());
      }
    }
    REQUIRE(cache_.keys() == model_.keys());
    while (model_.pop()) cache_.pop();
    CHECK(cache_.keys().empty());
    CHECK(cache_.queue().weight() == 0);
  }

 private:
  void step() {
    const std::uint64_t key = random_() % 64;
    switch (random_() % 40) {
      case 0: {
        const auto evicted = cache_.pop();
        CHECK(evicted == model_.pop());
        break;
      }
      case 1:
        if (!is_held(key)) {
          const bool erased = cache_.erase(key);
          CHECK(erased == model_.erase(key));
        }
        break;
      case 2:
        if (cache_.contains(key) && !is_held(key)) {
          const std::uint32_t weight = random_weight();
          cache_.reweigh(key, weight);
          model_.reweigh(key, weight);
        }
        break;
      case 3: {
        const std::uint64_t capacity = random_() % most_;
        cache_.set_capacity(capacity);
        model_.set_capacity(capacity);
        break;
      }
      case 4:
        if (cache_.contains(key) && !is_held(key)) {
          cache_.hold(key);
          model_.hold(key);
          held_.push_back(key);
        }
        break;
      case 5:
        if (!held_.empty()) {
          cache_.release(held_.back());
          model_.release(held_.back());
          held_.pop_back();
        }
        break;
      default:
        if (!is_held(key)) {
          const std::uint32_t weight = random_weight();
          const bool hit = cache_.access(key, hash_of(key), weight);
          REQUIRE(hit == model_.access(key, hash_of(key), weight));
        }
    }
  }
  bool is_held(std::uint64_t key) const {
    return std::find(held_.begin(), held_.end(), key) != held_.end();
  }
  std::uint32_t random_weight() { return static_cast<std::uint32_t>(1 + random_() % heaviest_); }

  std::mt19937_64 random_;
  std::uint32_t heaviest_;
  std::uint64_t most_;
  simulated_shard<Policy> cache_;
  Model model_;
  std::vector<std::uint64_t> held_;
};

template <class Policy, class Model>
void run_lives() {
  for (std::uint64_t seed = 0; seed != 40; ++seed) {
    CAPTURE(seed);
    random_life<Policy, Model>(seed, 1 + seed, 1).run(1500);
    random_life<Policy, Model>(seed, 10 + 10 * seed, 12).run(1500);
  }
}

}  // namespace

TEST_CASE("eviction: exact LRU keeps what a plain LRU keeps") {
  run_traces<eviction::exact_lru, concur_test::lru_model>();
  run_lives<eviction::exact_lru, concur_test::lru_model>();
}

TEST_CASE("eviction: S3-FIFO keeps what a plain S3-FIFO keeps") {
  run_traces<eviction::s3fifo, concur_test::s3fifo_model>();
  run_lives<eviction::s3fifo, concur_test::s3fifo_model>();
}

TEST_CASE("eviction: W-TinyLFU keeps what a plain W-TinyLFU keeps") {
  run_traces<eviction::w_tinylfu, concur_test::w_tinylfu_model>();
  run_lives<eviction::w_tinylfu, concur_test::w_tinylfu_model>();
}
