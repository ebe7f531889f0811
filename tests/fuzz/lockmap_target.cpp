// SPDX-License-Identifier: MIT
/// \file
/// One thread on one lockmap: every answer is that of std::map; afterwards guards on all keys
/// agree.
#include "fuzz/map_program.hpp"

#include <concur/lockmap.hpp>

namespace {

using namespace concur_fuzz;

struct tiny_locks : concur::detail::lockmap::default_tuning {
  static constexpr unsigned log2_shards = 1;
  static constexpr std::size_t retire_batch = 1;
};

template <class T, class KeyEqual = std::equal_to<>>
void run(bytes& input, any_hash hash) {
  concur::detail::basic_lockmap<number, T, any_hash, KeyEqual,
                                std::allocator<std::pair<const number, T>>, tiny_locks>
      map(0, hash);
  map_program program(map, 0, 1);
  program.run(input);
  FUZZ_CHECK(map.stats().keys == map.size());
  for (number key = 0; key < 300; ++key) {
    const auto entry = map.try_lock(key);
    FUZZ_CHECK(entry && entry.has_value() == (program.model().count(key) == 1));
  }
  FUZZ_CHECK(map.stats().keys == map.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bytes input(data, size);
  const unsigned kind = input.next();
  const any_hash hash{kind / 4};
  switch (kind % 4) {
    case 0:
      run<number>(input, hash);
      break;
    case 1:
      run<number, any_equal>(input, hash);
      break;
    case 2:
      run<wide>(input, hash);
      break;
    default:
      run<wide, any_equal>(input, hash);
  }
  return 0;
}
