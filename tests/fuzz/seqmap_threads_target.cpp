// SPDX-License-Identifier: MIT
/// \file
/// Two threads on one seqmap, each with keys of its own, of which it knows everything: the other
/// one makes the table grow and shrink, the buckets move and the elements change places.
#include "fuzz/seqmap_kinds.hpp"

#include <thread>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace concur_fuzz;
  bytes input(data, size);
  on_some_map(input, [&](auto& map) {
    map_program one(map, 0, 2);
    map_program two(map, 1, 2);
    std::thread other([&] { two.run(input.second_half()); });
    one.run(input.first_half());
    other.join();
    one.check();
    two.check();
    FUZZ_CHECK(map.size() == one.model().size() + two.model().size());
  });
  return 0;
}
