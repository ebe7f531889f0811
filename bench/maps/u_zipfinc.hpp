// SPDX-License-Identifier: MIT
/// \file
/// Increments of present keys, Zipf 0.99.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement u_zipfinc(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::zipf, [](auto& handle, std::uint32_t index, value&) {
    handle.increment(key_of<Key>(index));
  });
}

}  // namespace concur_bench
