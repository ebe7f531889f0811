// SPDX-License-Identifier: MIT
#include <concur/seqmap.hpp>
#include <cstdio>
#include <thread>

int main() {
  concur::seqmap<int, long> hits;
  auto work = [&hits] {
    for (int i = 0; i < 1'000'000; ++i) hits.fetch_add(i % 10, 1);
  };
  std::thread first(work), second(work);  // no lock, no registration
  first.join(), second.join();
  hits.update(3, [](long& n) { n = -n; });  // in place, atomically
  std::printf("%zu keys, 3 has %ld, 12 has %ld\n", hits.size(), *hits.find(3), hits.find_or(12, 0));
}

// prints: 10 keys, 3 has -200000, 12 has 0
