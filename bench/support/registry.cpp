// SPDX-License-Identifier: MIT
#include "registry.hpp"

namespace concur_bench {
namespace {
void (*release)() = nullptr;
}

std::vector<entry>& registry() {
  static std::vector<entry> entries;
  return entries;
}

std::vector<entry>& checks() {
  static std::vector<entry> entries;
  return entries;
}

void release_kept_map() {
  if (release != nullptr) std::exchange(release, nullptr)();
}

void keep_map(void (*how)()) {
  release = how;
}

}  // namespace concur_bench
