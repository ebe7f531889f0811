// SPDX-License-Identifier: MIT
#include "random.hpp"

#include "keys.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>

namespace concur_bench {
namespace {

class generator {
 public:
  explicit generator(std::uint64_t seed) noexcept : state_(finalize(seed + 1)) {}
  std::uint64_t operator()() noexcept { return finalize(state_ += 0x9e3779b97f4a7c15U); }
  std::uint32_t below(std::uint64_t n) noexcept {
    return static_cast<std::uint32_t>(((*this)() >> 32) * n >> 32);
  }
  double unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

/// Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994), theta 0.99.
class zipf_generator {
 public:
  explicit zipf_generator(std::size_t n) : n_(static_cast<double>(n)) {
    for (std::size_t i = 1; i <= n; ++i) zeta_ += std::pow(static_cast<double>(i), -theta);
    const double zeta2 = 1 + std::pow(2.0, -theta);
    eta_ = (1 - std::pow(2 / n_, 1 - theta)) / (1 - zeta2 / zeta_);
  }
  std::uint32_t operator()(generator& random) const {
    const double u = random.unit();
    const double scaled = u * zeta_;
    if (scaled < 1) return 0;
    if (scaled < 1 + std::pow(0.5, theta)) return 1;
    const double rank = n_ * std::pow(eta_ * u - eta_ + 1, 1 / (1 - theta));
    return static_cast<std::uint32_t>(std::min(rank, n_ - 1));
  }

 private:
  static constexpr double theta = 0.99;
  double n_;
  double zeta_ = 0;
  double eta_ = 0;
};

std::uint32_t mixed(generator& random, std::uint64_t keys, unsigned finds, unsigned inserts) {
  const std::uint32_t index = random.below(keys);
  const std::uint32_t roll = random.below(100);
  const auto kind = roll < finds             ? operation::find
                    : roll < finds + inserts ? operation::insert
                                             : operation::erase;
  return index | static_cast<std::uint32_t>(kind) << operation_shift;
}

std::vector<std::uint32_t> make(stream_kind kind, std::size_t n, unsigned thread) {
  // Long enough that the branch predictor cannot learn it, short enough to stay out of the way.
  const std::size_t length =
      std::bit_ceil(std::clamp<std::size_t>(n * 4, std::size_t{1} << 16, std::size_t{1} << 21));
  std::vector<std::uint32_t> out(length);
  generator random(static_cast<std::uint64_t>(kind) << 32 | thread);
  static std::map<std::size_t, zipf_generator> zipfs;
  const zipf_generator* zipf =
      kind == stream_kind::zipf ? &zipfs.try_emplace(n, n).first->second : nullptr;
  for (std::uint32_t& slot : out) {
    switch (kind) {
      case stream_kind::hits:
        slot = random.below(n);
        break;
      case stream_kind::misses:
        slot = static_cast<std::uint32_t>(n) + random.below(n);
        break;
      case stream_kind::zipf:
        slot = (*zipf)(random);
        break;
      case stream_kind::mix_90_9_1:
        slot = mixed(random, n * 10 / 9, 90, 9);
        break;
      case stream_kind::mix_50_25_25:
        slot = mixed(random, n * 2, 50, 25);
        break;
    }
  }
  return out;
}

}  // namespace

const std::vector<std::uint32_t>& stream(stream_kind kind, std::size_t n, unsigned thread) {
  static std::map<std::tuple<stream_kind, unsigned>, std::vector<std::uint32_t>> streams;
  static std::size_t size = 0;
  if (size != n) streams.clear();
  size = n;
  auto& found = streams[{kind, thread}];
  if (found.empty()) found = make(kind, n, thread);
  return found;
}

}  // namespace concur_bench
