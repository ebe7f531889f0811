// expect: on_evict
// SPDX-License-Identifier: MIT
#include <concur/lru_lockmap.hpp>
#include <string>

int main() {
  concur::cache_options<int, std::string> options;
  options.on_evict = [](const int&, int&&, concur::eviction_cause) {};
  concur::lru_lockmap<int, std::string> map(options);
  return static_cast<int>(map.size());
}
