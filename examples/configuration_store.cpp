// SPDX-License-Identifier: MIT
// A configuration store: readers take consistent snapshots while two writers publish changes that
// belong together, and an operator undoes the last ones. The history is made of snapshots, which
// share what did not change; undoing takes one of them.
// prints: torn reads: 0; lost changes: 0
#include <atomic>
#include <concur/hamt.hpp>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using settings = concur::hamt<std::string, int>;

/// The current settings, for readers who take a moment; and the versions before.
class store {
 public:
  settings::snapshot_type read() const {
    const std::lock_guard lock(mutex_);
    return now_.share();
  }
  /// `change` edits a draft of its own; nobody sees it before it is whole. One draft at a time: of
  /// two that begin with the same version, the second would take back what the first has changed.
  template <class Change>
  void publish(Change change) {
    const std::lock_guard turn(turn_);
    settings draft(read());
    change(draft);
    const std::lock_guard lock(mutex_);
    history_.push_back(std::exchange(now_, draft.snapshot()));
  }
  bool undo() {
    const std::lock_guard turn(turn_);
    const std::lock_guard lock(mutex_);
    if (history_.empty()) return false;
    now_ = std::move(history_.back());
    history_.pop_back();
    return true;
  }

 private:
  std::mutex turn_;           // of who changes something; readers do not wait for it
  mutable std::mutex mutex_;  // for a pointer's worth of time
  settings::snapshot_type now_ = settings{{"replicas", 1}, {"quorum", 1}}.snapshot();
  std::vector<settings::snapshot_type> history_;
};

int main() {
  store config;
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        const auto s = config.read();
        if (*s.find("replicas") != 2 * *s.find("quorum") - 1) ++torn;
      }
    });
  }
  constexpr int each = 2'000;
  const auto write = [&config] {
    for (int i = 0; i < each; ++i) {
      config.publish([](settings& s) {
        s.update("quorum", [](int& n) { n += 1; });
        s.update("replicas", [](int& n) { n += 2; });
      });
    }
  };
  std::thread other(write);
  write();
  other.join();
  const int lost = 1 + 2 * each - *config.read().find("quorum");
  for (int i = 0; i < each; ++i) config.undo();
  done = true;
  for (auto& reader : readers) reader.join();
  const int quorum = *config.read().find("quorum");
  std::printf("torn reads: %d; lost changes: %d; quorum after undoing half of the changes: %d\n",
              torn.load(), lost, quorum);
  return torn == 0 && lost == 0 && quorum == 1 + each ? 0 : 1;
}
