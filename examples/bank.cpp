// SPDX-License-Identifier: MIT
// Transfers between accounts: each takes its two accounts at once, in whatever order it names them,
// and none waits for ever. The total never changes, also while the money moves.
#include <concur/lockmap.hpp>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int accounts = 20;
constexpr long each = 1'000;

std::string name_of(unsigned i) {
  return "account " + std::to_string(i % accounts);
}

/// Every account at once: nobody is in the middle of a transfer.
long total(concur::lockmap<std::string, long>& bank) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < accounts; ++i) names.push_back(name_of(i));
  long sum = 0;
  for (const auto& account : bank.lock_all(names)) sum += *account;
  return sum;
}

}  // namespace

int main() {
  concur::lockmap<std::string, long> bank;
  for (unsigned i = 0; i < accounts; ++i) bank.insert({name_of(i), each});

  const auto transfer = [&bank](unsigned seed) {
    for (int i = 0; i < 20'000; ++i) {
      seed = seed * 1'664'525U + 1'013'904'223U;
      const std::string from = name_of(seed >> 8);
      const std::string to = name_of(seed >> 20);
      auto both = bank.lock_all({from, to});
      const long amount = static_cast<long>(seed >> 28);
      if (*both[from] < amount) continue;
      *both[from] -= amount;
      *both[to] += amount;
    }
  };
  std::vector<std::thread> clerks;
  for (unsigned i = 0; i < 4; ++i) clerks.emplace_back(transfer, i);
  bool always = true;
  for (int i = 0; i < 50; ++i) always = always && total(bank) == accounts * each;
  for (auto& clerk : clerks) clerk.join();
  always = always && total(bank) == accounts * each;
  std::printf("80000 transfers, the total was %s%ld\n", always ? "always " : "once not ",
              accounts * each);
}

// prints: 80000 transfers, the total was always 20000
