// SPDX-License-Identifier: MIT
/// \file
/// Who is a process, and is it still alive: asked when somebody waits for a slot that another
/// process owns. Process ids are used again; the time of the start tells two users of one id apart,
/// and the boot tells apart what was before and after a restart of the machine.
///
/// A process counts as dead when there is none with its id, when that one started at another time,
/// or when it is a zombie: it will run no more. What cannot be found out counts as alive. Processes
/// that share a map must see each other: not from two containers with ids of their own. A process
/// that executes another program while one of its threads is inside a map keeps its id, and counts
/// as alive.
#pragma once

#include <atomic>
#include <concur/detail/bits/mix.hpp>
#include <cstddef>
#include <cstdint>

#if !defined(_WIN32)
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#endif

namespace concur::inline CONCUR_ABI::detail::fixed_map {

struct process_identity {
  std::uint64_t id = 0;
  std::uint64_t start = 0;  ///< in ticks after the boot; 0 if unknown
  std::uint64_t boot = 0;   ///< which boot; 0 if unknown
};

#if !defined(_WIN32)

class CONCUR_SHARED system_processes {
 public:
  static process_identity self() noexcept {
    process_identity me;
    me.id = static_cast<std::uint64_t>(::getpid());
    me.start = read_status(me.id).start;
    me.boot = this_boot();
    return me;
  }

  /// False only if it certainly runs no more.
  static bool may_run(const process_identity& p) noexcept {
    const std::uint64_t boot = this_boot();
    if (p.boot != 0 && boot != 0 && p.boot != boot) return false;
    if (p.id == 0 || p.id > 0x7fffffff) return false;
    // Another user's process may not be asked this, and may be read all the same.
    if (::kill(static_cast<pid_t>(p.id), 0) != 0 && errno == ESRCH) return false;
    const status now = read_status(p.id);
    if (!now.is_known) return true;
    if (now.is_over) return false;
    return p.start == 0 || now.start == 0 || p.start == now.start;
  }

  /// How often this process has come out of a fork: changes in the child alone. A child is another
  /// process than the one that attached.
  static unsigned forks() noexcept {
    return fork_count.load(std::memory_order_relaxed);  // relaxed: written before any other thread
  }
  /// To be called before the first use of `forks`.
  static void watch_forks() noexcept {
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] {
      fork_count.fetch_add(1, std::memory_order_relaxed);  // relaxed: the child has one thread
    });
    static_cast<void>(registered);
  }

 private:
  struct status {
    bool is_known = false;
    bool is_over = false;
    std::uint64_t start = 0;
  };

  /// Reads a small file; the number of bytes, 0 if it could not be read.
  static std::size_t read_file(const char* path, char* buffer, std::size_t size) noexcept {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ssize_t n = ::read(file, buffer, size);
    ::close(file);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

  /// /proc/<id>/stat: "id (name) state ...", the number of threads is the 20th field, the start the
  /// 22nd. The name may contain anything: what follows the last parenthesis counts. A process whose
  /// main thread has ended is a zombie, too: it runs on while it has other threads.
  static status read_status(std::uint64_t id) noexcept {
    char path[40] = "/proc/";
    char digits[20];
    std::size_t count = 0;
    for (std::uint64_t rest = id; rest != 0 || count == 0; rest /= 10) {
      digits[count++] = static_cast<char>('0' + rest % 10);
    }
    std::size_t at = 6;
    while (count != 0) path[at++] = digits[--count];
    for (const char* tail = "/stat"; *tail != 0; ++tail) path[at++] = *tail;
    path[at] = 0;

    char text[1024];
    const std::size_t size = read_file(path, text, sizeof text);
    std::size_t i = size;
    while (i != 0 && text[i - 1] != ')') --i;
    if (i == 0 || i + 1 >= size) return {};
    status found;
    found.is_known = true;
    const char state = text[i + 1];
    int field = 2;
    const auto number_in = [&](int wanted) {
      for (; i < size && field < wanted; ++i) field += text[i] == ' ' ? 1 : 0;
      std::uint64_t number = 0;
      for (; i < size && text[i] >= '0' && text[i] <= '9'; ++i) {
        number = number * 10 + static_cast<std::uint64_t>(text[i] - '0');
      }
      return number;
    };
    const std::uint64_t threads = number_in(20);
    found.is_over = (state == 'Z' && threads <= 1) || state == 'X' || state == 'x';
    found.start = number_in(22);
    return found;
  }

  static std::uint64_t this_boot() noexcept {
    static const std::uint64_t boot = [] {
      char text[64];
      const std::size_t size = read_file("/proc/sys/kernel/random/boot_id", text, sizeof text);
      std::uint64_t hash = 0;
      for (std::size_t i = 0; i < size; ++i) {
        hash = mix(hash ^ static_cast<unsigned char>(text[i]));
      }
      return hash;
    }();
    return boot;
  }

  inline static constinit std::atomic<unsigned> fork_count{0};
};

#endif

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
