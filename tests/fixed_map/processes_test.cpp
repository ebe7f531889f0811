// SPDX-License-Identifier: MIT
/// \file
/// Who counts as dead: the end of a process, a zombie, another process with the same id, another
/// boot. What cannot be found out counts as alive.
#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/keys32.hpp"
#include "support/shared_pages.hpp"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace concur_test;

namespace {

using concur::detail::fixed_map::process_identity;
using concur::detail::fixed_map::system_processes;
using map_type = concur::shared_fixed_map<std::uint64_t>;

/// A child that has ended, in the middle of an update of key 1.
pid_t dies_in_update(std::span<std::byte> region) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  map_type map = map_type::attach(region);
  map.update(digest(1), [](std::uint64_t& v) {
    v = 99;
    ::_exit(0);
  });
  ::_exit(1);
}

}  // namespace

TEST_CASE("processes: one that runs, and one that has the id of one that ran") {
  const process_identity self = system_processes::self();
  REQUIRE(self.id == static_cast<std::uint64_t>(::getpid()));
  REQUIRE(system_processes::may_run(self));
  process_identity other = self;
  if (self.start != 0) {
    other.start = self.start + 1;
    REQUIRE_FALSE(system_processes::may_run(other));
    other.start = 0;  // unknown
    REQUIRE(system_processes::may_run(other));
  }
  if (self.boot != 0) {
    other = self;
    other.boot = self.boot + 1;
    REQUIRE_FALSE(system_processes::may_run(other));
    other.boot = 0;
    REQUIRE(system_processes::may_run(other));
  }
  for (const std::uint64_t id : {std::uint64_t{0}, std::uint64_t{1} << 31, ~std::uint64_t{0}}) {
    REQUIRE_FALSE(system_processes::may_run({id, 0, 0}));
  }
}

TEST_CASE("processes: one that is stopped runs, a zombie does not") {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  const process_identity it{static_cast<std::uint64_t>(child), 0, 0};
  REQUIRE(system_processes::may_run(it));
  REQUIRE(::kill(child, SIGSTOP) == 0);
  int status = 0;
  REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
  REQUIRE(system_processes::may_run(it));
  REQUIRE(::kill(child, SIGKILL) == 0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  if (system_processes::self().start != 0) {  // where there is /proc
    REQUIRE_FALSE(system_processes::may_run(it));
  }
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE_FALSE(system_processes::may_run(it));
}

#if defined(__linux__)
TEST_CASE("processes: one whose main thread has ended runs while it has another") {
  if (system_processes::self().start == 0) return;  // needs /proc
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // whatever happens to the parent
    pthread_t other;
    const auto sleep = [](void*) -> void* {
      for (;;) ::pause();
    };
    if (::pthread_create(&other, nullptr, sleep, nullptr) != 0) ::_exit(1);
    ::syscall(SYS_exit, 0);  // of this thread; pthread_exit would unwind the test runner
  }
  const process_identity it{static_cast<std::uint64_t>(child), 0, 0};
  bool has_run = true;
  // The system shows a zombie as soon as the main thread has ended.
  for (int i = 0; i < 50; ++i) {
    has_run &= system_processes::may_run(it);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  REQUIRE(::kill(child, SIGKILL) == 0);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT) == 0);
  const bool runs_still = system_processes::may_run(it);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(has_run);
  REQUIRE_FALSE(runs_still);
}
#endif

TEST_CASE("shared_fixed_map: a dead owner whose process id is used again is found dead") {
  using namespace concur::detail::fixed_map;
  if (system_processes::self().start == 0) return;  // needs /proc
  const shared_pages memory(map_type::bytes_for(64));
  map_type map = map_type::format(memory.span(), 64);
  map.insert(digest(1), 7);
  std::this_thread::sleep_for(std::chrono::milliseconds(30));  // so that it starts at another time
  const pid_t child = dies_in_update(memory.span());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));

  // As if we were another process that was given its id.
  auto& header = *reinterpret_cast<region_header*>(memory.span().data());
  bool is_renamed = false;
  for (process_entry& e : header.processes) {
    const process_entry::word w = e.seen();
    if (w.id() != static_cast<std::uint64_t>(child)) continue;
    const std::uint64_t low = w.bits & 0xffffffff;
    is_renamed = e.replace(w, {static_cast<std::uint64_t>(::getpid()) << 32 | low});
  }
  REQUIRE(is_renamed);
  REQUIRE(map.find(digest(1)) == 7);
  REQUIRE(map.update(digest(1), [](std::uint64_t& v) { ++v; }) == 1);
  REQUIRE(map.find(digest(1)) == 8);
  REQUIRE(map.verify());
}
