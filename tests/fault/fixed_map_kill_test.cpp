// SPDX-License-Identifier: MIT
/// \file
/// Processes that share a map are killed in the middle of whatever they do, a thousand times. The
/// others go on; every value is whole; every key can be written; no slot is lost.

#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/sanitizers.hpp"
#include "support/shared_pages.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

using namespace concur_test;

namespace {

using number = std::uint64_t;

/// A value that says whose it is, and whether all of it is there.
template <std::size_t Words>
struct checked {
  std::array<std::uint32_t, Words> words;

  static checked of(std::uint32_t key, std::uint32_t count) {
    checked v{};
    v.words[0] = count;
    for (std::size_t i = 1; i < Words; ++i) {
      v.words[i] = (count ^ key) * static_cast<std::uint32_t>(2 * i + 1);
    }
    return v;
  }
  bool is_of(std::uint32_t key) const { return words == of(key, words[0]).words; }
};

constexpr std::size_t capacity = 32;
constexpr std::uint32_t keys = 24;

number next(number& state) {
  state = concur::detail::mix(state + 0x9E3779B97F4A7C15);
  return state;
}

/// One write of any kind, and a look at what is there. False if a value is not whole.
template <class Map>
bool work(Map& map, number& state) {
  using value = typename Map::mapped_type;
  const number dice = next(state);
  const auto key = static_cast<std::uint32_t>(dice % keys);
  const auto count = static_cast<std::uint32_t>(dice >> 32);
  bool is_whole = true;
  const auto change = [&](value& v) {
    is_whole = v.is_of(key);
    v = value::of(key, v.words[0] + 1);
  };
  switch ((dice >> 16) % 6) {
    case 0:
      map.insert(digest(key), value::of(key, count));
      break;
    case 1:
      map.insert_or_assign(digest(key), value::of(key, count));
      break;
    case 2:
      map.update(digest(key), change);
      break;
    case 3:
      map.upsert(digest(key), change, value::of(key, count));
      break;
    case 4:
      map.erase(digest(key));
      break;
    default:
      map.compute(digest(key), [&](auto& v) {
        if (v) {
          is_whole = v->is_of(key);
          v.reset();
        } else {
          v = value::of(key, count);
        }
      });
  }
  const auto other = static_cast<std::uint32_t>((dice >> 24) % keys);
  const auto seen = map.find(digest(other));
  return is_whole && (!seen || seen->is_of(other));
}

template <class Map>
[[noreturn]] void work_until_killed(std::span<std::byte> region, number seed) {
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that fails leaves nobody behind
#endif
  Map map = Map::attach(region);
  while (work(map, seed)) {
  }
  ::_exit(1);  // a value was not whole
}

void sleep_microseconds(number n) {
  const timespec duration{0, static_cast<long>(n * 1000)};
  ::nanosleep(&duration, nullptr);
}

template <class Map>
void kill_many(int kills) {
  const shared_pages pages(Map::bytes_for(capacity));
  Map map = Map::format(pages.span(), capacity);
  number state = 7;
  std::array<pid_t, 2> workers{};
  const auto start = [&](pid_t& worker) {
    const number seed = next(state);
    worker = ::fork();
    REQUIRE(worker >= 0);
    if (worker == 0) work_until_killed<Map>(pages.span(), seed);
  };
  for (pid_t& worker : workers) start(worker);
  int wrong = 0;
  for (int i = 0; i < kills; ++i) {
    for (int n = 0; n < 20; ++n) wrong += work(map, state) ? 0 : 1;
    sleep_microseconds(100 + next(state) % 1000);
    pid_t& victim = workers[next(state) % workers.size()];
    REQUIRE(::kill(victim, SIGKILL) == 0);
    if (i % 2 == 0) {  // before the system has buried it
      for (int n = 0; n < 20; ++n) wrong += work(map, state) ? 0 : 1;
    }
    int status = 0;
    REQUIRE(::waitpid(victim, &status, 0) == victim);
    REQUIRE(WIFSIGNALED(status));  // it did not end by itself: it found every value whole
    for (std::uint32_t key = 0; key < keys; ++key) {
      const auto seen = map.find(digest(key));
      wrong += !seen || seen->is_of(key) ? 0 : 1;
    }
    start(victim);
  }
  for (const pid_t worker : workers) {
    ::kill(worker, SIGKILL);
    ::waitpid(worker, nullptr, 0);
  }
  REQUIRE(wrong == 0);
  // All is quiet: nothing is owned, counted wrong, or out of reach, and every slot can be used.
  REQUIRE(map.verify());
  REQUIRE(broken_invariant(map) == nullptr);
  map.clear();
  for (std::uint32_t i = 0; i < capacity; ++i) {
    REQUIRE(map.insert(digest(1000 + i), Map::mapped_type::of(i, i)).inserted());
  }
  REQUIRE(map.insert(digest(1), Map::mapped_type::of(1, 1)).full());
  REQUIRE(map.size() == capacity);
}

}  // namespace

TEST_CASE("shared_fixed_map: 500 processes are killed, values of one cache line", "[fault]") {
  kill_many<concur::shared_fixed_map<checked<3>>>(has_sanitizer ? 50 : 500);
}
TEST_CASE("shared_fixed_map: 500 processes are killed, values of many words", "[fault]") {
  kill_many<concur::shared_fixed_map<checked<16>>>(has_sanitizer ? 50 : 500);
}

TEST_CASE("shared_fixed_map: the last slot of a full map is not lost with the process that held it",
          "[fault]") {
  using table = concur::shared_fixed_map<number>;
  const shared_pages pages(table::bytes_for(4));
  table map = table::format(pages.span(), 4);
  for (std::uint32_t i = 0; i < 3; ++i) REQUIRE(map.insert(digest(i), i).inserted());
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const pid_t holder = ::fork();
  REQUIRE(holder >= 0);
  if (holder == 0) {
#if defined(__linux__)
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    table mine = table::attach(pages.span());
    mine.try_emplace_and_visit(
        digest(100), number{7},
        [&](auto&) {
          const char byte = 0;
          if (::write(pipe[1], &byte, 1) == 1) ::pause();
        },
        [](auto&) {});
    ::_exit(1);
  }
  char byte = 0;
  const bool is_held = ::read(pipe[0], &byte, 1) == 1;
  // What is known of the full map from now on, while the holder lives:
  const bool was_full = map.insert(digest(50), 50).full() && map.insert(digest(50), 50).full();
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
  REQUIRE(is_held);
  REQUIRE(was_full);
  REQUIRE(map.insert(digest(50), 50).inserted());
  REQUIRE(map.insert(digest(51), 51).full());
  REQUIRE(map.size() == 4);
}
