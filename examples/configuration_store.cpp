// SPDX-License-Identifier: MIT
// A configuration store: readers take consistent snapshots while a writer publishes changes that
// belong together, and an operator undoes the last ones. The history is made of snapshots, which
// share what did not change; undoing forks one of them.
// prints: torn reads: 0
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
  /// `change` edits a draft of its own; nobody sees it before it is whole.
  template <class Change>
  void publish(Change change) {
    settings draft(read());
    change(draft);
    const std::lock_guard lock(mutex_);
    history_.push_back(std::exchange(now_, draft.snapshot()));
  }
  bool undo() {
    const std::lock_guard lock(mutex_);
    if (history_.empty()) return false;
    now_ = std::move(history_.back());
    history_.pop_back();
    return true;
  }

 private:
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
  for (int q = 2; q <= 200; ++q) {
    config.publish([q](settings& s) {
      s.insert_or_assign("quorum", q);
      s.insert_or_assign("replicas", 2 * q - 1);
    });
  }
  for (int i = 0; i < 100; ++i) config.undo();
  done = true;
  for (auto& reader : readers) reader.join();
  std::printf("torn reads: %d; quorum after undoing 100 of 199 changes: %d\n", torn.load(),
              *config.read().find("quorum"));
  return torn == 0 && *config.read().find("quorum") == 100 ? 0 : 1;
}
