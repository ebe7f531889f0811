// SPDX-License-Identifier: MIT
/// \file
/// One thread on one cmap: every answer is that of std::map.
#include "fuzz/cmap_kinds.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace concur_fuzz;
  bytes input(data, size);
  on_some_map(input, [&](auto& map) { map_program(map, 0, 1).run(input); });
  return 0;
}
