// SPDX-License-Identifier: MIT
#include <concur/policy/hash.hpp>
#include <concur/policy/hash_seed.hpp>
#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"
#include "support/threads.hpp"

namespace detail = concur::detail;

namespace {

struct seedless {
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key); }
};
/// Made from a number, but the number is no seed.
struct modulo {
  explicit modulo(std::uint64_t divisor = 7) : divisor_(divisor) {}
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key) % divisor_; }
  std::uint64_t divisor_;
};
struct seeded_by_user {
  explicit seeded_by_user(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t seed() const { return seed_; }
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key) ^ seed_; }
  std::uint64_t seed_;
};

}  // namespace

TEST_CASE("no two default hashers of a process share a seed") {
  std::vector<std::uint64_t> seeds;
  for (int i = 0; i < 20000; ++i) {
    seeds.push_back(detail::make_default_hasher<concur::hash<int>>().seed());
    seeds.push_back(detail::make_default_hasher<concur::hash<std::string>>().seed());
    seeds.push_back(detail::make_default_hasher<concur::digest_hash>().seed());
  }
  CHECK(concur_test::all_different(seeds));
}

TEST_CASE("threads that draw seeds at once draw different ones") {
  constexpr std::size_t threads = 4;
  std::vector<std::vector<std::uint64_t>> drawn(threads);
  concur_test::failures failures;
  concur_test::on_threads(threads, failures, [&](auto thread) {
    auto& mine = drawn[static_cast<std::size_t>(thread)];
    for (int i = 0; i < 10000; ++i) mine.push_back(detail::random_seed());
  });
  failures.require();
  std::vector<std::uint64_t> all;
  for (const auto& mine : drawn) all.insert(all.end(), mine.begin(), mine.end());
  REQUIRE(all.size() == threads * 10000);
  CHECK(concur_test::all_different(all));
}

TEST_CASE("seeds of consecutive maps look random, whatever the secret of the process is") {
  detail::process_secret secret;
  concur_test::generator random(1);
  for (int round = 0; round < 8; ++round) {
    for (auto& word : secret.word) word = round == 0 ? 0 : random();
    std::vector<std::uint64_t> seeds;
    for (std::uint64_t count = 0; count < 16384; ++count) {
      seeds.push_back(detail::seed_of(count, secret));
    }
    CHECK(concur_test::all_different(seeds));
    CHECK(concur_test::worst_spread(seeds) < concur_test::spread_bound);
  }
}

TEST_CASE("each secret of a process is drawn anew") {
  const detail::process_secret a;
  const detail::process_secret b;
  for (int i = 0; i < 3; ++i) {
    CHECK(a.word[i] != 0);
    CHECK(a.word[i] != b.word[i]);
  }
}

TEST_CASE("a hasher is seeded when it can be made from a seed and says which") {
  STATIC_REQUIRE(detail::seedable_hasher<concur::hash<int>>);
  STATIC_REQUIRE(detail::seedable_hasher<concur::digest_hash>);
  STATIC_REQUIRE(detail::seedable_hasher<seeded_by_user>);
  STATIC_REQUIRE(!detail::seedable_hasher<seedless>);
  STATIC_REQUIRE(!detail::seedable_hasher<modulo>);
  STATIC_REQUIRE(!detail::seedable_hasher<concur::identity_hash>);
  STATIC_REQUIRE(!detail::seedable_hasher<std::hash<int>>);
  STATIC_REQUIRE(noexcept(detail::random_seed()));
  CHECK(detail::make_default_hasher<modulo>().divisor_ == 7);
  CHECK(detail::make_default_hasher<seedless>()(5) == 5);
  CHECK(detail::make_default_hasher<seeded_by_user>().seed() !=
        detail::make_default_hasher<seeded_by_user>().seed());
}
