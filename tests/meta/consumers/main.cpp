// SPDX-License-Identifier: MIT
/// \file
/// The program of somebody who uses the library.
#include <concur/seqmap.hpp>
#include <concur/version.hpp>
#include <cstdio>

int main() {
  concur::seqmap<int, int> map;
  map.insert_or_assign(1, 2);
  if (map.find_or(1, 0) != 2) return 1;
  std::printf("concur %d.%d.%d\n", CONCUR_VERSION_MAJOR, CONCUR_VERSION_MINOR,
              CONCUR_VERSION_PATCH);
  return 0;
}
