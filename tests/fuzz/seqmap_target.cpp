// SPDX-License-Identifier: MIT
/// \file
/// One thread on one seqmap: every answer is that of std::map.
#include "fuzz/seqmap_kinds.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace concur_fuzz;
  bytes input(data, size);
  on_some_map(input, [&](auto& map) { map_program(map, 0, 1).run(input); });
  return 0;
}
