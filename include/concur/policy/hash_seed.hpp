// SPDX-License-Identifier: MIT
/// \file
/// Where the seeds of maps come from. A map that is built without a hasher argument draws a seed of
/// its own, so that nobody outside can choose keys that collide, and so that what is seen of one
/// map (its order, its timing) says nothing of another.
///
/// How: once per process, three words are taken from the operating system (`getrandom`,
/// `arc4random_buf`, `rand_s`) and xored with addresses and the clock, which are all there is where
/// neither exists. Every call counts up and sends the count through a bijection made of these
/// words, so that no two calls of a process ever return the same seed. A process made by `fork`
/// continues the sequence of its parent: the two may draw the same seeds from then on. With hidden
/// visibility each shared object has words and a count of its own. The sequence is not
/// cryptographic.
#pragma once

#include <atomic>
#include <concepts>
#include <concur/detail/bits/mix.hpp>
#include <cstdint>
#include <ctime>
#include <type_traits>

#if defined(__linux__)
#include <sys/random.h>
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#include <stdlib.h>
#elif defined(_ACRTIMP)  // Microsoft's C library, static or not
extern "C" _ACRTIMP int __cdecl rand_s(unsigned int*);  // <stdlib.h> hides it
#elif defined(_WIN32)
extern "C" __declspec(dllimport) int __cdecl rand_s(unsigned int*);
#endif

namespace concur::inline CONCUR_ABI::detail {

/// Three secret words, chosen when the first map is made.
struct process_secret {
  std::uint64_t word[3] = {};

  process_secret() noexcept {
#if defined(__linux__)
    // Before the kernel has gathered entropy this fails rather than waits; a short read is kept.
    static_cast<void>(getrandom(word, sizeof word, GRND_NONBLOCK));
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
    arc4random_buf(word, sizeof word);
#elif defined(_WIN32)
    for (std::uint64_t& secret : word) {
      unsigned int half[2] = {};
      static_cast<void>(rand_s(&half[0]));
      static_cast<void>(rand_s(&half[1]));
      secret = std::uint64_t{half[0]} << 32 | half[1];
    }
#endif
    std::uint64_t state = reinterpret_cast<std::uintptr_t>(this);
    for (std::uint64_t& secret : word) {
#if defined(_WIN32)  // not every C library there has timespec_get
      const auto now = static_cast<std::uint64_t>(std::time(nullptr));
      state = mix(state ^ now) ^ static_cast<std::uint64_t>(std::clock());
#else
      std::timespec now{};
      static_cast<void>(std::timespec_get(&now, TIME_UTC));
      state = mix(state ^ static_cast<std::uint64_t>(now.tv_sec)) ^
              static_cast<std::uint64_t>(now.tv_nsec);
#endif
      state = mix(state ^ reinterpret_cast<std::uintptr_t>(&now));
      secret ^= state;
    }
  }
};

/// A bijection of `count` for every secret.
inline std::uint64_t seed_of(std::uint64_t count, const process_secret& secret) noexcept {
  const std::uint64_t once = mix_bijective(count ^ secret.word[0]);
  return mix_bijective(once + secret.word[1]) ^ secret.word[2];
}

inline std::atomic<std::uint64_t> seeds_drawn{0};

/// A seed that no other call in this process returns. About 10 ns; never throws.
inline std::uint64_t random_seed() noexcept {
  static const process_secret secret;
  // relaxed: only that each count is handed out once matters, and the modification order of the
  // counter gives that.
  return seed_of(seeds_drawn.fetch_add(1, std::memory_order_relaxed), secret);
}

/// A hasher that is made from a seed and says which, as those of the library do.
template <class Hash>
concept seedable_hasher = std::constructible_from<Hash, std::uint64_t> &&
    requires(const Hash& hash) {
  { hash.seed() } -> std::same_as<std::uint64_t>;
};

/// The hasher of a map that was built without one.
template <class Hash>
Hash make_default_hasher() {
  if constexpr (seedable_hasher<Hash>) {
    return Hash(random_seed());
  } else {
    static_assert(std::default_initializable<Hash>,
                  "Hash has no default constructor: give the map a hasher object");
    return Hash{};
  }
}

}  // namespace concur::inline CONCUR_ABI::detail
