// SPDX-License-Identifier: MIT
// Processes that share a table of sensor readings. The one that writes is killed, again and again,
// in the middle of whatever it does; those that read go on, and no reading is ever mixed up.
//
// prints: no mixed reading
#include <concur/fixed_map.hpp>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>

namespace {

/// Twelve bytes: key and value lie in one cache line. The third word says whether they belong
/// together.
struct reading {
  std::uint32_t value, count, sum;
};
using table = concur::shared_fixed_map<reading>;

constexpr std::uint32_t sensors = 50;

concur::key32 name(std::uint32_t sensor) {
  concur::key32 key{};
  std::memcpy(key.data(), "sensor", 6);
  std::memcpy(key.data() + 8, &sensor, sizeof sensor);
  return key;
}

[[noreturn]] void write_until_killed(std::span<std::byte> memory, std::uint32_t seed) {
  table readings = table::attach(memory);
  for (std::uint32_t n = seed;; n = n * 1664525 + 1013904223) {
    const auto take = [&](reading& r) { r = {n, r.count + 1, n + r.count + 1}; };
    readings.upsert(name((n >> 8) % sensors), take, reading{n, 1, n + 1});
    if (n % 16 == 0) readings.erase(name((n >> 4) % sensors));
  }
}

/// Reads until the parent says that it is enough; the number of mixed readings.
int read_all(std::span<std::byte> memory, const volatile std::sig_atomic_t& is_over) {
  table readings = table::attach(memory);
  int mixed = 0;
  while (!is_over) {
    for (std::uint32_t s = 0; s < sensors; ++s) {
      if (const auto r = readings.find(name(s))) mixed += r->sum == r->value + r->count ? 0 : 1;
    }
  }
  return mixed < 100 ? mixed : 100;
}

volatile std::sig_atomic_t is_over = 0;

template <class Body>
pid_t start(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(120);  // should the parent be gone
    body();
  }
  return child;
}

}  // namespace

int main() {
  const std::size_t bytes = table::bytes_for(128);
  void* const pages =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return 1;
  const std::span<std::byte> memory(static_cast<std::byte*>(pages), bytes);
  table readings = table::format(memory, 128);

  std::signal(SIGTERM, [](int) { is_over = 1; });
  std::array<pid_t, 2> readers{};
  for (pid_t& reader : readers) {
    reader = start([&] { ::_exit(read_all(memory, is_over)); });
  }
  constexpr std::uint32_t kills = 200;
  for (std::uint32_t i = 0; i < kills; ++i) {
    const pid_t writer = start([&] { write_until_killed(memory, i); });
    ::usleep(500 + i * 7);
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
  }
  int mixed = 0;
  for (const pid_t reader : readers) {
    ::kill(reader, SIGTERM);
    int status = 0;
    ::waitpid(reader, &status, 0);
    mixed += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }
  // Nobody holds anything any more: every entry can be written.
  for (std::uint32_t s = 0; s < sensors; ++s) readings.insert_or_assign(name(s), reading{1, 1, 2});
  const auto report = readings.verify();
  if (mixed != 0 || !report || readings.size() != sensors) {
    std::printf("%d mixed readings, %zu elements\n", mixed, readings.size());
    return 1;
  }
  std::printf("the writer was killed %u times: no mixed reading, %zu sensors in the table\n", kills,
              readings.size());
}
