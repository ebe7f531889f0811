// SPDX-License-Identifier: MIT
/// \file
/// Linked with the two units in both orders: everything dies in good order, and the exit code is 0.
#include "units.hpp"

#include <thread>

namespace {
/// Made at its first use, hence destroyed before what was made at the start.
static_map& local_map() {
  static static_map map;
  return map;
}
static_cmap& local_cmap() {
  static static_cmap map;
  return map;
}
static_hamt& local_hamt() {
  static static_hamt map;
  return map;
}
}  // namespace

int main() {
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    local_map().insert({i, i});
    local_cmap().insert({i, std::to_string(i)});
    local_hamt().insert({i, std::to_string(i)});
  }
  std::thread([] {
    for (std::uint64_t i = 0; i < 1'000; ++i) {
      require(first_map().find(i) == i && second_map().find(i) == i, "a thread finds all");
      require(local_map().erase(i) == 1, "a thread erases");
      require(first_cmap().contains(i) && second_cmap().contains(i), "in the cmaps, too");
      require(local_cmap().erase(i) == 1, "a thread erases from a cmap");
      require(first_hamt().contains(i) && second_hamt().contains(i), "and in the hamts");
      require(local_hamt().erase(i) == 1, "a thread erases from a hamt");
    }
  }).join();
  return 0;
}
