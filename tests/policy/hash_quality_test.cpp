// SPDX-License-Identifier: MIT
/// \file
/// The quality of `concur::hash` and `concur::digest_hash`: avalanche, independence of seeds, and
/// how the families of keys that programs really have fall into places and tags. Thresholds and
/// their odds are in support/hash_quality.hpp.
#include <bit>
#include <concur/policy/hash.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/hash_quality.hpp"

namespace {

using concur_test::avalanche_bound;
using concur_test::spread_bound;
using concur_test::worst_avalanche;
using concur_test::worst_spread;

using key32 = std::array<unsigned char, 32>;

constexpr std::size_t family_size = 32768;

/// Avalanche of an integer type: random keys, and for narrow types also random seeds, because there
/// are not enough keys.
template <class Int>
double avalanche_of_integer() {
  concur_test::generator random(sizeof(Int));
  std::vector<std::pair<Int, std::uint64_t>> cases(concur_test::avalanche_samples);
  for (auto& [key, seed] : cases) {
    key = static_cast<Int>(random());
    seed = sizeof(Int) < 4 ? random() : 0;
  }
  return worst_avalanche(8 * sizeof(Int), [&](std::size_t i, int bit) {
    const auto flipped = bit < 0 ? 0 : std::uint64_t{1} << bit;
    const auto key = static_cast<Int>(static_cast<std::uint64_t>(cases[i].first) ^ flipped);
    return concur::hash<Int>(cases[i].second)(key);
  });
}

/// Avalanche over bits of byte keys; of long keys every n-th bit.
template <class HashOf>
double avalanche_of_bytes(std::size_t length, std::size_t tested_bits, HashOf hash_of) {
  const std::size_t bits = 8 * length;
  const std::size_t tested = std::min(bits, tested_bits);
  // Few different keys exist of one byte: the seed is random as well.
  concur_test::generator random(length);
  std::string key(length, '\0');
  std::uint64_t seed = 0;
  std::size_t drawn = ~std::size_t{0};
  return worst_avalanche(tested, [&](std::size_t i, int which) {
    if (i != drawn) {
      for (char& byte : key) byte = static_cast<char>(random());
      seed = random();
      drawn = i;
    }
    if (which < 0) return hash_of(key, seed);
    const std::size_t bit = static_cast<std::size_t>(which) * bits / tested;
    const auto toggle = [&] {
      key[bit / 8] = static_cast<char>(static_cast<unsigned char>(key[bit / 8]) ^ (1U << bit % 8));
    };
    toggle();
    const std::uint64_t hash = hash_of(key, seed);
    toggle();
    return hash;
  });
}

std::uint64_t hash_string(const std::string& key, std::uint64_t seed) {
  return concur::hash<std::string>(seed)(key);
}

key32 as_key32(const std::string& bytes) {
  key32 key;
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

template <class Hash, class KeyAt>
std::vector<std::uint64_t> hashes_of(const Hash& hash, KeyAt key_at) {
  std::vector<std::uint64_t> hashes(family_size);
  for (std::size_t i = 0; i < family_size; ++i) hashes[i] = hash(key_at(i));
  return hashes;
}

constexpr std::uint64_t seeds[] = {0, 1, 42, 0x8000000000000000, 0xE7037ED1A0B428DB};

/// A counter of 8 bytes at `offset` of a key that is otherwise `rest`.
key32 counter_key(std::uint64_t count, std::size_t offset, bool big_endian, const key32& rest) {
  key32 key = rest;
  for (std::size_t byte = 0; byte < 8; ++byte) {
    const std::size_t place = offset + (big_endian ? 7 - byte : byte);
    key[place] = static_cast<unsigned char>(count >> (8 * byte));
  }
  return key;
}

std::uint64_t big_endian_word(const key32& key, std::size_t word) {
  std::uint64_t value = 0;
  for (std::size_t byte = 0; byte < 8; ++byte) value = value << 8 | key[8 * word + byte];
  return value;
}

/// Four words as a key, in the byte order of the machine.
key32 key_of_words(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
  const std::uint64_t words[] = {a, b, c, d};
  key32 key;
  std::memcpy(key.data(), words, sizeof words);
  return key;
}

}  // namespace

TEST_CASE("integers of every width avalanche") {
  CHECK(avalanche_of_integer<std::uint8_t>() < avalanche_bound);
  CHECK(avalanche_of_integer<signed char>() < avalanche_bound);
  CHECK(avalanche_of_integer<std::int16_t>() < avalanche_bound);
  CHECK(avalanche_of_integer<char32_t>() < avalanche_bound);
  CHECK(avalanche_of_integer<std::int32_t>() < avalanche_bound);
  CHECK(avalanche_of_integer<std::uint64_t>() < avalanche_bound);
  CHECK(avalanche_of_integer<std::int64_t>() < avalanche_bound);
}

#if defined(__SIZEOF_INT128__)
TEST_CASE("128-bit integers avalanche") {
  concur_test::generator random(128);
  std::vector<concur::detail::uint128> keys(concur_test::avalanche_samples);
  for (auto& key : keys) key = static_cast<concur::detail::uint128>(random()) << 64 | random();
  const concur::hash<concur::detail::uint128> hash;
  CHECK(worst_avalanche(128, [&](std::size_t i, int bit) {
          const concur::detail::uint128 flipped =
              bit < 0 ? 0 : static_cast<concur::detail::uint128>(1) << bit;
          return hash(keys[i] ^ flipped);
        }) < avalanche_bound);
}
#endif

TEST_CASE("pairs, tuples and optionals of integers avalanche in every member") {
  concur_test::generator random(4);
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(concur_test::avalanche_samples);
  for (auto& key : keys) key = {random(), static_cast<std::uint32_t>(random())};
  const auto flipped = [&](std::size_t i, int bit) {
    auto key = keys[i];
    if (bit >= 64) key.second ^= 1U << (bit - 64);
    if (bit >= 0 && bit < 64) key.first ^= std::uint64_t{1} << bit;
    return key;
  };
  CHECK(worst_avalanche(96, [&](std::size_t i, int bit) {
          return concur::hash<std::pair<std::uint64_t, std::uint32_t>>{}(flipped(i, bit));
        }) < avalanche_bound);
  CHECK(worst_avalanche(96, [&](std::size_t i, int bit) {
          const auto key = flipped(i, bit);
          return concur::hash<std::tuple<std::uint64_t, std::string, std::uint32_t>>{}(
              {key.first, "between", key.second});
        }) < avalanche_bound);
  CHECK(worst_avalanche(64, [&](std::size_t i, int bit) {
          return concur::hash<std::optional<std::uint64_t>>{}(flipped(i, bit).first);
        }) < avalanche_bound);
}

TEST_CASE("strings of every path of XXH3 avalanche") {
  for (const std::size_t length : {1U, 2U, 3U, 4U, 7U, 8U, 9U, 12U, 16U}) {
    INFO("length " << length);
    CHECK(avalanche_of_bytes(length, 128, hash_string) < avalanche_bound);
  }
  for (const std::size_t length : {17U, 32U, 33U, 64U, 128U, 129U, 240U}) {
    INFO("length " << length);
    CHECK(avalanche_of_bytes(length, 32, hash_string) < avalanche_bound);
  }
}

TEST_CASE("strings longer than 240 bytes avalanche") {
  for (const std::size_t length : {241U, 1024U}) {
    INFO("length " << length);
    CHECK(avalanche_of_bytes(length, 8, hash_string) < avalanche_bound);
  }
}

TEST_CASE("32-byte keys avalanche under digest_hash and under hash") {
  CHECK(avalanche_of_bytes(32, 256, [](const std::string& key, std::uint64_t seed) {
          return concur::digest_hash(seed)(as_key32(key));
        }) < avalanche_bound);
  CHECK(avalanche_of_bytes(32, 256, [](const std::string& key, std::uint64_t) {
          return concur::digest_hash{}(as_key32(key));
        }) < avalanche_bound);
  CHECK(avalanche_of_bytes(32, 64, [](const std::string& key, std::uint64_t seed) {
          return concur::hash<key32>(seed)(as_key32(key));
        }) < avalanche_bound);
}

TEST_CASE("every bit of the seed flips every bit of the hash half of the time") {
  const auto flip = [](int bit) { return bit < 0 ? 0 : std::uint64_t{1} << bit; };
  const std::string word = "concurrent";
  concur_test::generator random(5);
  std::vector<std::uint64_t> drawn(concur_test::avalanche_samples);
  for (auto& seed : drawn) seed = random();
  CHECK(worst_avalanche(64, [&](std::size_t i, int bit) {
          return concur::hash<int>(i ^ flip(bit))(7);
        }) < avalanche_bound);
  CHECK(worst_avalanche(64, [&](std::size_t i, int bit) {
          return concur::hash<std::string>(drawn[i] ^ flip(bit))(word);
        }) < avalanche_bound);
  CHECK(worst_avalanche(64, [&](std::size_t i, int bit) {
          return concur::hash<std::pair<int, std::string>>(drawn[i] ^ flip(bit))({7, word});
        }) < avalanche_bound);
  CHECK(worst_avalanche(64, [&](std::size_t i, int bit) {
          return concur::digest_hash(drawn[i] ^ flip(bit))(key32{1, 2, 3});
        }) < avalanche_bound);
}

TEST_CASE("keys that share a place under one seed are spread under another") {
  std::vector<std::uint64_t> crowd;
  for (std::uint64_t key = 0; crowd.size() < 4096; ++key) {
    if (concur::hash<std::uint64_t>(1)(key) >> 58 == 0) crowd.push_back(key);
  }
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{2}, std::uint64_t{3} << 40}) {
    std::vector<std::uint64_t> hashes;
    for (const std::uint64_t key : crowd) hashes.push_back(concur::hash<std::uint64_t>(seed)(key));
    CHECK(concur_test::excess_of_chance(hashes, 10, [](std::uint64_t hash) {
            return static_cast<std::size_t>(hash >> 54);
          }) < spread_bound);
  }
}

TEST_CASE("stride keys spread like random ones over places and tags") {
  constexpr std::uint64_t strides[] = {
      1, 3, 8, 64, 4096, 65536, std::uint64_t{1} << 32, std::uint64_t{1} << 48, 0x9E3779B97F4A7C15};
  for (const std::uint64_t seed : seeds) {
    for (const std::uint64_t stride : strides) {
      for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{0xFFFFFFFFFFFFC000}}) {
        INFO("seed " << seed << ", stride " << stride << ", from " << first);
        const auto hashes = hashes_of(concur::hash<std::uint64_t>(seed), [=](std::size_t i) {
          return first + stride * std::uint64_t{i};
        });
        CHECK(worst_spread(hashes) < spread_bound);
        CHECK(concur_test::all_different(hashes));
      }
    }
    INFO("seed " << seed);
    CHECK(worst_spread(hashes_of(concur::hash<int>(seed), [](std::size_t i) {
            return static_cast<int>(i) - 16384;
          })) < spread_bound);
    CHECK(worst_spread(hashes_of(concur::hash<double>(seed), [](std::size_t i) {
            return static_cast<double>(i);
          })) < spread_bound);
  }
}

TEST_CASE("pointers spread like random keys over places and tags") {
  std::vector<std::unique_ptr<std::uint64_t>> heap(family_size);
  for (auto& object : heap) object = std::make_unique<std::uint64_t>();
  // The addresses differ from run to run: a bound that chance reaches once in 10^20 families.
  for (const std::uint64_t seed : seeds) {
    CHECK(worst_spread(hashes_of(concur::hash<const std::uint64_t*>(seed),
                                 [&](std::size_t i) { return heap[i].get(); })) < 2 * spread_bound);
  }
}

TEST_CASE("keys with few bits set spread like random ones") {
  std::vector<std::uint64_t> keys;
  for (int a = 0; a < 64; ++a) {
    for (int b = 0; b <= a; ++b) {
      for (int c = 0; c <= b; ++c) {
        keys.push_back(std::uint64_t{1} << a | std::uint64_t{1} << b | std::uint64_t{1} << c);
      }
    }
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  REQUIRE(keys.size() >= family_size);
  for (const std::uint64_t seed : seeds) {
    const auto hashes =
        hashes_of(concur::hash<std::uint64_t>(seed), [&](std::size_t i) { return keys[i]; });
    CHECK(worst_spread(hashes) < spread_bound);
  }
}

TEST_CASE("numbered strings and small pairs spread like random keys") {
  for (const std::uint64_t seed : seeds) {
    CHECK(worst_spread(hashes_of(concur::hash<std::string>(seed),
                                 [](std::size_t i) { return std::to_string(i); })) < spread_bound);
    CHECK(worst_spread(hashes_of(concur::hash<std::string>(seed), [](std::size_t i) {
            return "/usr/share/doc/package-" + std::to_string(i) + "/copyright";
          })) < spread_bound);
    CHECK(worst_spread(hashes_of(concur::hash<std::pair<int, int>>(seed), [](std::size_t i) {
            return std::pair<int, int>(static_cast<int>(i / 256), static_cast<int>(i % 256));
          })) < spread_bound);
  }
}

TEST_CASE("counters in any 8 bytes of a 32-byte key spread like random keys") {
  concur_test::generator random(6);
  key32 noise;
  for (auto& byte : noise) byte = static_cast<unsigned char>(random());
  for (const std::uint64_t seed : {seeds[0], seeds[4]}) {
    for (const key32& rest : {key32{}, noise}) {
      for (std::size_t offset = 0; offset <= 24; ++offset) {
        for (const bool big_endian : {false, true}) {
          INFO("seed " << seed << ", offset " << offset << ", big-endian " << big_endian);
          CHECK(worst_spread(hashes_of(concur::digest_hash(seed), [&](std::size_t i) {
                  return counter_key(i, offset, big_endian, rest);
                })) < spread_bound);
        }
      }
    }
  }
}

TEST_CASE("identifiers crafted against a linear hash do not collide") {
  // For every key a ^ rotl(b, 13) ^ rotl(c, 29) ^ rotl(d, 47) of its big-endian words is 0: under a
  // hash that is a function of this, all are one key.
  concur_test::generator random(7);
  std::vector<key32> keys(family_size);
  for (key32& key : keys) {
    for (auto& byte : key) byte = static_cast<unsigned char>(random());
    const std::uint64_t a = std::rotl(big_endian_word(key, 1), 13) ^
                            std::rotl(big_endian_word(key, 2), 29) ^
                            std::rotl(big_endian_word(key, 3), 47);
    for (std::size_t byte = 0; byte < 8; ++byte) {
      key[byte] = static_cast<unsigned char>(a >> (56 - 8 * byte));
    }
    REQUIRE((big_endian_word(key, 0) ^ a) == 0);
  }
  for (const std::uint64_t seed : seeds) {
    const auto hashes =
        hashes_of(concur::digest_hash(seed), [&](std::size_t i) { return keys[i]; });
    CHECK(concur_test::all_different(hashes));
    CHECK(worst_spread(hashes) < spread_bound);
  }
}

TEST_CASE("identifiers crafted against products of words do not collide when the seed is secret") {
  // Exchanged words, words related by the public constants, and words that are equal.
  constexpr std::uint64_t constants[] = {
      0, concur::detail::mix_increment, concur::detail::mix_multiplier,
      concur::detail::mix_increment ^ concur::detail::mix_multiplier};
  concur_test::generator random(8);
  for (int round = 0; round < 5; ++round) {
    const concur::digest_hash hash(random());
    std::vector<std::uint64_t> hashes;
    for (const std::uint64_t p : constants) {
      for (const std::uint64_t q : constants) {
        for (std::uint64_t i = 1; i <= 64; ++i) {
          const std::uint64_t a = i;
          const std::uint64_t b = i << 40;
          hashes.push_back(hash(key_of_words(a ^ p, b ^ q, a, b)));
          hashes.push_back(hash(key_of_words(b ^ p, a ^ q, a, b)));
          hashes.push_back(hash(key_of_words(a ^ p, b ^ q, b, a)));
          hashes.push_back(hash(key_of_words(b ^ p, a ^ q, b, a)));
          hashes.push_back(hash(key_of_words(a ^ p, b ^ q, std::rotl(b, 32), std::rotl(a, 32))));
        }
      }
    }
    CHECK(concur_test::all_different(hashes));
    CHECK(concur_test::excess_of_chance(hashes, 10, [](std::uint64_t value) {
            return static_cast<std::size_t>(value >> 54);
          }) < spread_bound);
  }
}

TEST_CASE("collisions that are made with a known seed are none under another seed") {
  // What the two factors of the first product are xored with.
  constexpr std::uint64_t known = 1;
  const std::uint64_t between =
      (known ^ concur::detail::mix_increment) ^ concur::detail::mix(known ^ 1);
  concur_test::generator random(9);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t a = random();
    const std::uint64_t b = random();
    const key32 key = key_of_words(a, b, 0, 0);
    const key32 twin = key_of_words(b ^ between, a ^ between, 0, 0);
    REQUIRE(key != twin);
    REQUIRE(concur::digest_hash(known)(key) == concur::digest_hash(known)(twin));
    REQUIRE(concur::digest_hash(0)(key) != concur::digest_hash(0)(twin));
    REQUIRE(concur::digest_hash(2)(key) != concur::digest_hash(2)(twin));
  }
}
