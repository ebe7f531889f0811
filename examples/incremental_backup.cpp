// SPDX-License-Identifier: MIT
// An incremental backup: a table is written to all the time; every backup takes a snapshot, and
// stores only what differs from the one before. The writers are never stopped.
// prints: restored exactly
#include <concur/hamt.hpp>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using table = concur::hamt<std::uint64_t, std::string>;
/// What one backup writes: a new value, or nothing for a key that is gone.
using increment = std::vector<std::pair<std::uint64_t, std::optional<std::string>>>;

int main() {
  table live;
  for (std::uint64_t id = 0; id < 20'000; ++id) live.insert({id, "first"});

  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 5'000; ++i) {
      live.insert_or_assign(i * 37 % 25'000, "version " + std::to_string(i));
      if (i % 10 == 0) live.erase(i * 91 % 25'000);
    }
  });

  std::vector<increment> archive;
  table::snapshot_type last;
  const auto back_up = [&] {
    auto now = live.snapshot();
    increment delta;
    concur::diff(last, now,
                 [&](const std::uint64_t& id, const std::string*, const std::string* after) {
                   delta.emplace_back(
                       id, after == nullptr ? std::nullopt : std::optional<std::string>(*after));
                 });
    archive.push_back(std::move(delta));
    last = std::move(now);
  };
  for (int i = 0; i < 5; ++i) back_up();
  writer.join();
  back_up();

  std::map<std::uint64_t, std::string> restored;
  for (const increment& delta : archive) {
    for (const auto& [id, value] : delta) {
      if (value) {
        restored[id] = *value;
      } else {
        restored.erase(id);
      }
    }
  }
  bool exact = restored.size() == last.size();
  for (const auto& [id, value] : last) exact = exact && restored.at(id) == value;
  std::printf("%zu elements in %zu increments, the first of %zu: %s\n", restored.size(),
              archive.size(), archive.front().size(), exact ? "restored exactly" : "NOT restored");
  return exact ? 0 : 1;
}
