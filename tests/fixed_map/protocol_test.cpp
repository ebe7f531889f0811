// SPDX-License-Identifier: MIT
/// \file
/// The slots of a fixed map, with threads that stop where the test wants them to.

#include <concur/fixed_map.hpp>

#include "support/catch.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

namespace {

namespace fixed_map = concur::detail::fixed_map;
using number = std::uint64_t;
using small_slot = fixed_map::own_slot<number, number>;

/// What this thread does when it has counted a release, before it asks how many there were, and
/// before it looks at a slot.
thread_local std::function<void()> after_count;
thread_local std::function<void()> before_sum;
thread_local std::function<void(number)> before_look;

class watched_memory : public fixed_map::own_memory<small_slot, std::allocator<std::byte>> {
  using base = fixed_map::own_memory<small_slot, std::allocator<std::byte>>;

 protected:
  explicit watched_memory(std::size_t capacity) : base(capacity, {}) {}
  void count_release(const concur::detail::thread_slot& thread) const noexcept {
    base::count_release(thread);
    if (after_count) after_count();
  }
  std::int64_t releases() const noexcept {
    if (before_sum) before_sum();
    return base::releases();
  }
  small_slot& slot_at(number index) const noexcept {
    if (before_look) before_look(index & (slot_count() - 1));
    return base::slot_at(index);
  }
};

/// The highest bit is the home, of two.
struct half {
  using is_avalanching = void;
  number operator()(number key) const noexcept { return key; }
};
constexpr number key_of(number home, number n) {
  return home << 63 | n;
}

class watched_map : public fixed_map::engine<watched_memory, half, std::equal_to<>> {
 public:
  watched_map() : watched_map::engine(half(), std::size_t{2}) {}

  enum class answer { inserted, exists, full };
  answer insert(number key) {
    bool is_made = false;
    const bool exists = modify_absent(key, key, [&](auto& absent) {
      absent.emplace(key, number{1});
      is_made = true;
    });
    return exists ? answer::exists : is_made ? answer::inserted : answer::full;
  }
  void erase(number key) {
    modify_present(key, key, [](auto& element) { element.erase(); });
  }
};

/// Erases a key in a thread of its own, which stops between the count of the release and the moment
/// at which the slot is empty.
class stopped_erasure {
 public:
  stopped_erasure(watched_map& map, number key)
      : thread_([this, &map, key] {
          after_count = [this] {
            has_counted_.store(true, std::memory_order_release);
            while (!may_go_on_.load(std::memory_order_acquire)) std::this_thread::yield();
          };
          map.erase(key);
        }) {
    while (!has_counted_.load(std::memory_order_acquire)) std::this_thread::yield();
  }
  ~stopped_erasure() { finish(); }
  void finish() {
    may_go_on_.store(true, std::memory_order_release);
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> has_counted_{false};
  std::atomic<bool> may_go_on_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("fixed_map: a map that had a free slot at every moment is not full") {
  using answer = watched_map::answer;
  watched_map map;
  REQUIRE(map.insert(key_of(0, 1)) == answer::inserted);
  REQUIRE(map.insert(key_of(1, 2)) == answer::inserted);
  stopped_erasure first(map, key_of(0, 1));
  stopped_erasure second(map, key_of(1, 2));
  // Both slots count as taken; and nobody waits for those who sleep.
  REQUIRE(map.insert(key_of(0, 3)) == answer::full);
  second.finish();  // from here on there is a free slot: first this one,
  bool is_done = false;
  answer other = answer::full;
  before_look = [&](number slot) {
    if (slot != 1 || is_done) return;
    is_done = true;
    first.finish();  // then that one, which has been looked at,
    std::thread([&] { other = map.insert(key_of(1, 4)); }).join();  // and this one is taken
  };
  const answer mine = map.insert(key_of(0, 5));
  before_look = nullptr;
  REQUIRE(is_done);
  REQUIRE(other == answer::inserted);
  REQUIRE(mine == answer::inserted);
  REQUIRE(map.size() == 2);
  REQUIRE(map.insert(key_of(0, 6)) == answer::full);
}

TEST_CASE("fixed_map: a release that was counted before both looks is noticed") {
  using answer = watched_map::answer;
  watched_map map;
  REQUIRE(map.insert(key_of(0, 1)) == answer::inserted);
  std::optional<stopped_erasure> erasure;
  int step = 0;
  // One slot is free at every moment, and never the one that is looked at.
  const auto in_a_thread = [](const std::function<void()>& f) { std::thread(f).join(); };
  before_look = [&](number slot) {
    if (slot != 1) return;
    ++step;
    if (step == 1) {
      in_a_thread([&] { map.erase(key_of(0, 1)); });
      in_a_thread([&] { map.insert(key_of(1, 2)); });
    } else if (step == 3) {
      erasure->finish();
      in_a_thread([&] { map.insert(key_of(1, 4)); });
    }
  };
  before_sum = [&] {
    if (step != 1) return;
    step = 2;
    in_a_thread([&] { map.erase(key_of(1, 2)); });
    in_a_thread([&] { map.insert(key_of(0, 3)); });
    erasure.emplace(map, key_of(0, 3));
  };
  const answer mine = map.insert(key_of(0, 5));
  before_look = nullptr;
  before_sum = nullptr;
  REQUIRE(step >= 3);
  REQUIRE(mine == answer::inserted);
  REQUIRE(map.size() == 2);
}

TEST_CASE("fixed_map: full() is said beside a writer who never rests") {
  // Values of two words: every one that is stored is a new version.
  concur::fixed_map<std::array<number, 2>> map(2);
  concur::key32 keys[3] = {};
  for (std::size_t i = 0; i < 3; ++i) keys[i][0] = static_cast<std::byte>(i);
  for (std::size_t i = 0; i < 2; ++i) map.insert(keys[i], std::array<number, 2>{});
  std::atomic<bool> is_over{false};
  std::thread writer([&] {
    while (!is_over.load(std::memory_order_relaxed)) {
      map.update(keys[0], [](auto& v) { ++v[0]; });
    }
  });
  bool is_right = true;
  for (int i = 0; i < 1000; ++i)
    is_right = map.insert(keys[2], std::array<number, 2>{}).full() && is_right;
  is_over.store(true, std::memory_order_relaxed);
  writer.join();
  REQUIRE(is_right);
}
