// SPDX-License-Identifier: MIT
#include <concur/cmap.hpp>
#include <cstdio>
#include <string>
#include <thread>

int main() {
  concur::cmap<std::string, long> votes;
  auto work = [&votes] {
    const char* const names[] = {"ada", "grace", "barbara"};
    for (int i = 0; i < 300'000; ++i) {
      votes.upsert(
          names[i % 3], [](long& n) { ++n; }, 1);
    }
  };
  std::thread first(work), second(work);  // no lock, no registration
  first.join(), second.join();
  votes.erase_if("barbara", [](const auto& e) { return e.second > 100; });  // atomically
  std::printf("%zu names, ada has %ld, linus has %ld\n", votes.size(), *votes.find("ada"),
              votes.find_or("linus", 0));
}

// prints: 2 names, ada has 200000, linus has 0
