// SPDX-License-Identifier: MIT
// Sessions of a web shop: in memory, as many as fit, gone after half an hour without a request and
// after a day at the latest, an administrator's after 40 minutes. A request holds its session, so
// that two requests of one user cannot spoil it, and it cannot be evicted meanwhile. Time is a
// number here, so that the program prints the same every day.
#include <atomic>
#include <chrono>
#include <concur/lru_lockmap.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::atomic<long long> minutes_now{0};

struct session {
  std::string user;
  int items_in_cart = 0;
};

class sessions {
 public:
  void log_in(std::string_view token, std::string_view user, bool is_admin = false) {
    kept_.insert_or_assign(token, session{std::string(user)});
    if (is_admin) kept_.set_expiry(token, 40min);
  }

  /// A request that needs a session: nothing where there is none, or not any more.
  std::optional<int> add_to_cart(std::string_view token) {
    auto held = kept_.lock(token);
    if (!held.has_value()) return std::nullopt;
    return ++held->items_in_cart;
  }
  std::size_t size() const { return kept_.size(); }
  std::size_t sweep() { return kept_.remove_expired(); }

 private:
  using options = concur::cache_options<std::string, session>;
  concur::lru_lockmap<std::string, session> kept_{options{
      .capacity = 1'000,
      .time_to_live = 24h,
      .time_to_idle = 30min,
      .on_evict =
          [](const std::string& token, session&& s, concur::eviction_cause cause) {
            if (cause != concur::eviction_cause::expired) return;
            std::printf("%s: %s is gone, with %d in the cart\n", token.c_str(), s.user.c_str(),
                        s.items_in_cart);
          },
      .clock = [] { return std::chrono::minutes(minutes_now.load(std::memory_order_relaxed)); }}};
};

}  // namespace

int main() {
  sessions shop;
  shop.log_in("t1", "ada");
  shop.log_in("t2", "linus");
  shop.log_in("t3", "root", true);
  // Four tabs of one user at once: no click is lost.
  std::vector<std::thread> tabs;
  tabs.reserve(4);
  for (int i = 0; i < 4; ++i) {
    tabs.emplace_back([&shop] {
      for (int click = 0; click < 1'000; ++click) shop.add_to_cart("t1");
    });
  }
  for (auto& tab : tabs) tab.join();

  minutes_now = 29;
  std::printf("ada after 29 minutes: %d in the cart\n", shop.add_to_cart("t1").value_or(-1));
  std::printf("root after 29 minutes: %s\n", shop.add_to_cart("t3") ? "logged in" : "logged out");
  minutes_now = 45;
  std::printf("ada after 45 minutes: %d in the cart\n", shop.add_to_cart("t1").value_or(-1));
  std::printf("root after 45 minutes: %s\n", shop.add_to_cart("t3") ? "logged in" : "logged out");
  const std::size_t swept = shop.sweep();
  std::printf("swept: %zu, left: %zu\n", swept, shop.size());
}

// prints: ada after 45 minutes: 4002 in the cart
