// SPDX-License-Identifier: MIT
/// \file
/// What every hasher of the library is made of: a 64-bit seed.
#pragma once

#include <concur/detail/config.hpp>
#include <cstdint>

namespace concur::inline CONCUR_ABI::detail {

/// Base of a hasher that holds a seed. Hashers of one type are equal when their seeds are.
template <class Hasher>
class seeded {
 public:
  constexpr seeded() noexcept = default;
  constexpr explicit seeded(std::uint64_t seed) noexcept : seed_(seed) {}

  constexpr std::uint64_t seed() const noexcept { return seed_; }

  friend constexpr bool operator==(const Hasher& a, const Hasher& b) noexcept {
    return a.seed() == b.seed();
  }

 private:
  std::uint64_t seed_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail
