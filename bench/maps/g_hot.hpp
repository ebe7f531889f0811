// SPDX-License-Identifier: MIT
/// \file
/// Increments of one key by all threads.
#pragma once

#include "../support/run.hpp"

namespace concur_bench {

template <class Map, class Key>
measurement g_hot(const parameters& p) {
  Map& map = filled<Map, Key>(p, p.n, leaves::as_it_was);
  return timed(map, p, stream_kind::hits,
               [](auto& handle, std::uint32_t, value&) { handle.increment(key_of<Key>(0)); });
}

}  // namespace concur_bench
