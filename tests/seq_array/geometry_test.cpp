// SPDX-License-Identifier: MIT
#include <concur/detail/seq_array/geometry.hpp>
#include <cstddef>

#include "support/catch.hpp"

using concur::detail::seq_array_geometry;
using concur::detail::seq_array_tuning;

namespace {

// Walks chunk by chunk and slot by slot, and compares with the arithmetic.
template <class G>
bool indices_are_dense(std::size_t n) {
  std::size_t chunk = 0;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (offset == G::chunk_elements(chunk)) {
      ++chunk;
      offset = 0;
      if (G::capacity(chunk) != i) return false;
    }
    const auto place = G::locate(i);
    if (place.chunk != chunk || place.offset != offset) return false;
    if (G::chunks_for(i + 1) != chunk + 1) return false;
    ++offset;
  }
  return true;
}

template <class G>
bool slots_are_dense(std::size_t chunks) {
  std::size_t segment = 0;
  std::size_t offset = 0;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    if (offset == G::segment_slots(segment)) {
      ++segment;
      offset = 0;
    }
    const auto slot = G::slot_of(chunk);
    if (slot.segment != segment || slot.offset != offset) return false;
    ++offset;
  }
  return true;
}

}  // namespace

TEST_CASE("every index has a place of its own and no place is left out", "[seq_array][geometry]") {
  REQUIRE(indices_are_dense<seq_array_geometry<0, 0>>(100));
  REQUIRE(indices_are_dense<seq_array_geometry<0, 3>>(1000));
  REQUIRE(indices_are_dense<seq_array_geometry<2, 2>>(1000));
  REQUIRE(indices_are_dense<seq_array_geometry<3, 12>>(100000));
}

TEST_CASE("every chunk has a slot of its own and no slot is left out", "[seq_array][geometry]") {
  REQUIRE(slots_are_dense<seq_array_geometry<3, 12>>(50000));
}

TEST_CASE("no elements need no chunk", "[seq_array][geometry]") {
  using g = seq_array_geometry<3, 12>;
  REQUIRE(g::chunks_for(0) == 0);
  REQUIRE(g::capacity(0) == 0);
}

TEST_CASE("the last element of the largest array has a slot", "[seq_array][geometry]") {
  using g = seq_array_geometry<3, 12>;
  const auto last = g::locate(g::max_elements - 1);
  REQUIRE(last.chunk < g::max_chunks);
  const auto slot = g::slot_of(g::max_chunks - 1);
  REQUIRE(slot.segment == g::segment_count - 1);
  REQUIRE(slot.offset == g::segment_slots(slot.segment) - 1);
  REQUIRE(g::capacity(g::chunks_for(g::max_elements)) == g::max_elements);
}

TEST_CASE("chunks are neither large for small cells nor empty for large ones",
          "[seq_array][geometry]") {
  STATIC_REQUIRE((std::size_t{1} << seq_array_tuning<8>::full_bits) * 8 == 64 * 1024);
  STATIC_REQUIRE((std::size_t{1} << seq_array_tuning<8>::first_bits) == 16);
  STATIC_REQUIRE(seq_array_tuning<24>::full_bits >= seq_array_tuning<24>::first_bits);
  STATIC_REQUIRE(seq_array_tuning<1000>::first_bits == 0);
  STATIC_REQUIRE(seq_array_tuning<1 << 20>::full_bits == 0);
  SUCCEED("checked by the compiler");
}
