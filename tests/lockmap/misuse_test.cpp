// SPDX-License-Identifier: MIT
/// \file
/// What a debug build stops at, each in a process of its own.
#include "support/catch.hpp"
#include "support/detached.hpp"

#include <concur/lockmap_async.hpp>

#if !defined(NDEBUG) && (defined(__unix__) || defined(__APPLE__))
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

namespace {

using map_type = concur::lockmap<int, int>;

/// Whether `misuse()` ends the program by the library's complaint.
template <class Misuse>
bool is_stopped(Misuse misuse) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    std::set_terminate([] { _exit(42); });
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    misuse();
    _exit(0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42;
}

/// Holds a key while `f` runs.
template <class F>
concur_test::detached keep_until(map_type& map, F f) {
  const auto entry = co_await map.async_lock(1);
  f();
}

}  // namespace

TEST_CASE("an entry that outlives its map is caught", "[lockmap][misuse]") {
  REQUIRE(is_stopped([] {
    std::optional<map_type> map(std::in_place);
    auto entry = map->lock(1);
    map.reset();
    entry.unlock();
  }));
  REQUIRE(is_stopped([] {
    std::optional<map_type> map(std::in_place);
    const auto entry = map->lock_shared(1);
    map.reset();
  }));
}

TEST_CASE("entries that outlive their map are caught", "[lockmap][misuse]") {
  REQUIRE(is_stopped([] {
    std::optional<map_type> map(std::in_place);
    const auto entries = map->lock_all({1, 2});
    map.reset();
  }));
}

TEST_CASE("an async_entry that outlives its map is caught", "[lockmap][async][misuse]") {
  REQUIRE(is_stopped([] {
    std::optional<map_type> map(std::in_place);
    keep_until(*map, [&] { map.reset(); });
  }));
}

TEST_CASE("an entry that another thread releases is caught", "[lockmap][misuse]") {
  REQUIRE(is_stopped([] {
    map_type map;
    auto entry = map.lock(1);
    std::thread([&] { entry.unlock(); }).join();
  }));
}

TEST_CASE("proper use is not complained about", "[lockmap][misuse]") {
  REQUIRE(!is_stopped([] {
    map_type map;
    map.insert({1, 1});
    { const auto entry = map.lock(1); }
    { const auto entries = map.lock_all({1, 2}); }
    keep_until(map, [] {});
  }));
}
#endif
