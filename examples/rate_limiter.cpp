// SPDX-License-Identifier: MIT
// A token bucket for every client: so many requests at once, so many a second in the long run. The
// check and the change are one step, because the client's key is held; other clients are not kept
// waiting. Time is a number here, so that the program prints the same every day.
#include <concur/lockmap.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

class rate_limiter {
 public:
  rate_limiter(double at_once, double per_second) : burst_(at_once), rate_(per_second) {}

  bool admits(std::string_view client, double now) {
    auto bucket = buckets_.lock(client);
    state& s = bucket.value_or_emplace(state{burst_, now});
    if (now > s.since) {
      const double filled = s.tokens + (now - s.since) * rate_;
      s = {filled < burst_ ? filled : burst_, now};
    }
    if (s.tokens < 1) return false;
    s.tokens -= 1;
    return true;
  }

  /// Forgets clients whose bucket has been full for a while.
  std::size_t forget(double now) {
    return buckets_.erase_if(
        [&](const auto& e) { return e.second.tokens + (now - e.second.since) * rate_ >= burst_; });
  }

 private:
  struct state {
    double tokens;
    double since;
  };
  concur::lockmap<std::string, state> buckets_;
  double burst_;
  double rate_;
};

}  // namespace

int main() {
  rate_limiter limiter(10, 5);
  // Four threads for one client, at the same moment: ten requests pass, whoever makes them.
  std::vector<int> passed(4);
  std::vector<std::thread> servers;
  servers.reserve(passed.size());
  for (int& count : passed) {
    servers.emplace_back([&limiter, &count] {
      for (int i = 0; i < 1'000; ++i) count += limiter.admits("alice", 0.0) ? 1 : 0;
    });
  }
  for (auto& server : servers) server.join();
  int alice = 0;
  for (const int count : passed) alice += count;
  int later = 0;
  for (int i = 0; i < 20; ++i) later += limiter.admits("alice", 1.0) ? 1 : 0;
  const bool bob = limiter.admits("bob", 1.0);
  std::printf("alice: %d at once, %d a second later; bob: %s; forgotten: %zu\n", alice, later,
              bob ? "yes" : "no", limiter.forget(100.0));
}

// prints: alice: 10 at once, 5 a second later; bob: yes; forgotten: 2
