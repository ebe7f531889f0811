// SPDX-License-Identifier: MIT
/// \file
/// What a map in shared memory says of its size, and of who is attached, when processes have died.

#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/keys32.hpp"
#include "support/shared_pages.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <sys/wait.h>
#include <unistd.h>

using namespace concur_test;

namespace {

using number = std::uint64_t;
using concur::detail::fixed_map::process_identity;
using concur::detail::fixed_map::region_header;
using table = concur::shared_fixed_map<number>;

/// What somebody leaves who is killed between an insertion and its count.
void forget_to_count(std::span<std::byte> region) {
  auto& header = *reinterpret_cast<region_header*>(region.data());
  header.counters[1].size.fetch_sub(1, std::memory_order_relaxed);
}

number deaths_noted(std::span<std::byte> region) {
  return reinterpret_cast<region_header*>(region.data())->deaths.load(std::memory_order_relaxed);
}

/// Processes 1 to 9, of which the test says who is the one that attaches, and who has died.
struct staged_processes {
  inline static number self_id = 1;
  inline static std::array<bool, 10> is_dead{};
  inline static std::function<void(number)> when_asked;

  static process_identity self() noexcept { return {self_id, 7, 7}; }
  static bool may_run(const process_identity& p) noexcept {
    if (when_asked) when_asked(p.id);
    return p.id < is_dead.size() && !is_dead[static_cast<std::size_t>(p.id)];
  }
  static unsigned forks() noexcept { return 0; }
  static void watch_forks() noexcept {}

  static void reset() {
    self_id = 1;
    is_dead = {};
    when_asked = nullptr;
  }
};
using staged = concur::detail::basic_shared_fixed_map<concur::key32, number, concur::digest_hash,
                                                      std::equal_to<>, staged_processes>;

/// An object that is never destroyed: its process has died.
class victim {
 public:
  explicit victim(const shared_pages& pages)
      : map_(new (place_) staged(staged::attach(pages.span()))) {}
  staged& map() { return *map_; }

 private:
  alignas(staged) std::byte place_[sizeof(staged)];
  staged* map_;
};

}  // namespace

TEST_CASE("shared_fixed_map: a child of fork that has not written notices that its parent has died",
          "[fork]") {
  const shared_pages pages(table::bytes_for(64));
  table::format(pages.span(), 64);
  std::array<int, 2> answers{};
  REQUIRE(::pipe(answers.data()) == 0);
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    ::alarm(20);
    table map = table::attach(pages.span());
    map.insert(digest(1), 1);
    const pid_t me = ::getpid();
    if (::fork() == 0) {
      ::alarm(20);
      while (::getppid() == me) ::usleep(1000);
      const std::array<char, 2> answer{static_cast<char>(map.size()),
                                       static_cast<char>(map.empty() ? 1 : 0)};
      ::_exit(::write(answers[1], answer.data(), answer.size()) == 2 ? 0 : 1);
    }
    forget_to_count(pages.span());
    ::kill(me, SIGKILL);
  }
  ::close(answers[1]);
  ::waitpid(parent, nullptr, 0);
  std::array<char, 2> answer{};
  const ssize_t got = ::read(answers[0], answer.data(), answer.size());
  ::close(answers[0]);
  REQUIRE(got == 2);
  REQUIRE(answer[0] == 1);
  REQUIRE(answer[1] == 0);
}

TEST_CASE("shared_fixed_map: whoever attaches alone forgets all who have died") {
  staged_processes::reset();
  const shared_pages pages(staged::bytes_for(64));
  staged::format(pages.span(), 64);
  for (const number id : {2U, 3U, 4U}) {
    staged_processes::self_id = id;
    victim dies(pages);
    REQUIRE(dies.map().insert(digest(static_cast<std::uint32_t>(id)), id).inserted());
  }
  for (const number id : {2U, 3U, 4U}) staged_processes::is_dead[id] = true;
  forget_to_count(pages.span());
  staged_processes::self_id = 5;
  for (int i = 0; i < 3; ++i) {
    const staged map = staged::attach(pages.span());
    REQUIRE(map.processes() == 1);
    REQUIRE(map.size() == 3);
    REQUIRE(deaths_noted(pages.span()) == 0);
  }
}

TEST_CASE("shared_fixed_map: a death that another process notes while size() asks is counted") {
  staged_processes::reset();
  const shared_pages pages(staged::bytes_for(64));
  const staged map = staged::format(pages.span(), 64);
  staged_processes::self_id = 2;
  const staged lives = staged::attach(pages.span());
  staged_processes::self_id = 3;
  victim dies(pages);
  REQUIRE(dies.map().insert(digest(1), 1).inserted());
  REQUIRE(map.size() == 1);
  forget_to_count(pages.span());
  staged_processes::is_dead[3] = true;
  staged_processes::self_id = 4;
  std::optional<victim> comes;
  staged_processes::when_asked = [&](number id) {
    if (id != 2) return;
    staged_processes::when_asked = nullptr;
    comes.emplace(pages);  // and takes the entry of the dead one
  };
  REQUIRE(map.size() == 1);
}
