// SPDX-License-Identifier: MIT
/// \file
/// shared_fixed_map in a file: it is there when the file is opened again, also after its writer was
/// killed; a file that was cut off is refused.

#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/sanitizers.hpp"
#include "support/shared_pages.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

using namespace concur_test;

namespace {

using number = std::uint64_t;
using wide = std::array<number, 5>;
using reason = concur::format_error::reason;

/// A file of its own, in the folder for such.
class temporary_file {
 public:
  explicit temporary_file(std::size_t bytes)
      : path_((std::filesystem::temp_directory_path() / "concur-XXXXXX").string()) {
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::bad_alloc();
    ::close(file);
    resize(bytes);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { ::unlink(path_.c_str()); }

  void resize(std::size_t bytes) const {
    if (::truncate(path_.c_str(), static_cast<off_t>(bytes)) != 0) throw std::bad_alloc();
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The file opened, and all of it mapped; unmapped and closed at the end.
class opened_file {
 public:
  explicit opened_file(const temporary_file& of) : file_(::open(of.path().c_str(), O_RDWR)) {
    struct stat found {};
    if (file_ < 0 || ::fstat(file_, &found) != 0) throw std::bad_alloc();
    bytes_ = static_cast<std::size_t>(found.st_size);
    if (bytes_ == 0) return;
    at_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  opened_file(const opened_file&) = delete;
  opened_file& operator=(const opened_file&) = delete;
  ~opened_file() {
    if (at_ != nullptr) ::munmap(at_, bytes_);
    ::close(file_);
  }
  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), bytes_}; }

 private:
  int file_;
  std::size_t bytes_ = 0;
  void* at_ = nullptr;
};

/// A value that says whose it is, and whether all of it is there.
template <class T>
T value_of(number key, number round);
template <>
number value_of(number key, number round) {
  return key << 32 | round;
}
template <>
wide value_of(number key, number round) {
  wide v{};
  for (number i = 0; i < v.size(); ++i) v[i] = (key << 32 | round) + i;
  return v;
}

template <class Map>
std::optional<reason> refusal(const temporary_file& file) {
  const opened_file opened(file);
  try {
    static_cast<void>(Map::attach(opened.span()));
    return std::nullopt;
  } catch (const concur::format_error& error) {
    return error.why();
  }
}

/// Elements come at the front and go at the back, one after the other.
template <class T>
class procession {
 public:
  static constexpr number length = 100;
  static constexpr std::size_t capacity = 256;

  static void step(concur::shared_fixed_map<T>& map, number i) {
    map.insert_or_assign(digest(i), value_of<T>(i, 1));
    map.update(digest(i), [&](T& v) { v = value_of<T>(i, 2); });
    if (i >= length) map.erase(digest(i - length));
  }
  /// How many keys are not as they must be if `done` steps are, and nobody knows of the next one.
  static int mistakes(const concur::shared_fixed_map<T>& map, number done) {
    int wrong = 0;
    for (number i = done < 2 * length ? 0 : done - 2 * length; i < done + 3; ++i) {
      const auto found = map.find(digest(i));
      const bool is_whole = found == value_of<T>(i, 1) || found == value_of<T>(i, 2);
      if (i == done || i + length == done) {  // in work
        wrong += !found || is_whole ? 0 : 1;
      } else if (i < done && i + length > done) {
        wrong += found == value_of<T>(i, 2) ? 0 : 1;
      } else {
        wrong += found ? 1 : 0;
      }
    }
    return wrong;
  }
};

/// Goes on from step `done`, and says so, until it is killed.
template <class T>
[[noreturn]] void walk_until_killed(const temporary_file& file, std::atomic<number>& done) {
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that fails leaves nobody behind
#endif
  const opened_file opened(file);
  auto map = concur::shared_fixed_map<T>::attach(opened.span());
  for (;;) {
    procession<T>::step(map, done.load());
    done.fetch_add(1);
  }
}

bool was_killed(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
         WTERMSIG(status) == SIGKILL;
}

}  // namespace

TEMPLATE_TEST_CASE("shared_fixed_map: a file that is opened again has all of its elements",
                   "[fault]", number, wide) {
  using map_type = concur::shared_fixed_map<TestType>;
  using walk = procession<TestType>;
  const temporary_file file(map_type::bytes_for(walk::capacity));
  REQUIRE(refusal<map_type>(file) == reason::not_a_map);
  number seed = 0;
  {
    const opened_file opened(file);
    map_type map = map_type::format(opened.span(), walk::capacity);
    seed = map.hash_function().seed();
    for (number i = 0; i < 150; ++i) walk::step(map, i);
  }
  for (number round = 1; round < 4; ++round) {
    const opened_file opened(file);
    map_type map = map_type::attach(opened.span());
    REQUIRE(map.processes() == 1);
    REQUIRE(map.hash_function().seed() == seed);
    REQUIRE(map.size() == walk::length);
    REQUIRE(walk::mistakes(map, 150 * round) == 0);
    REQUIRE(map.verify());
    REQUIRE(map.verify().elements == walk::length);
    REQUIRE(broken_invariant(map) == nullptr);
    for (number i = 0; i < 150; ++i) walk::step(map, 150 * round + i);
  }
}

TEMPLATE_TEST_CASE("shared_fixed_map: a file whose writers were killed loses nothing", "[fault]",
                   number, wide) {
  using map_type = concur::shared_fixed_map<TestType>;
  using walk = procession<TestType>;
  const temporary_file file(map_type::bytes_for(walk::capacity));
  {
    const opened_file opened(file);
    static_cast<void>(map_type::format(opened.span(), walk::capacity));
  }
  const shared_pages pages(sizeof(std::atomic<number>));
  auto& done = *::new (pages.span().data()) std::atomic<number>(0);
  for (number kill = 0; kill < (has_sanitizer ? 20 : 100); ++kill) {
    const number until = done.load() + 1 + concur::detail::mix(kill) % 300;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) walk_until_killed<TestType>(file, done);
    while (done.load() < until) std::this_thread::yield();
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(was_killed(child));

    const opened_file opened(file);
    map_type map = map_type::attach(opened.span());
    REQUIRE(walk::mistakes(map, done.load()) == 0);
    const auto report = map.verify();
    REQUIRE(report);
    REQUIRE(report.owned == 0);
    REQUIRE(map.size() == report.elements);
    REQUIRE(broken_invariant(map) == nullptr);
  }
}

TEMPLATE_TEST_CASE("shared_fixed_map: a writer that is killed with an element in its hands",
                   "[fault]", number, wide) {
  using map_type = concur::shared_fixed_map<TestType>;
  const temporary_file file(map_type::bytes_for(64));
  const auto killed_in = [&](const auto& operation) {
    const pid_t child = ::fork();
    if (child == 0) {
      const opened_file opened(file);
      map_type map = map_type::attach(opened.span());
      operation(map);
      ::_exit(1);
    }
    return was_killed(child);
  };
  {
    const opened_file opened(file);
    map_type map = map_type::format(opened.span(), 64);
    for (number i = 0; i < 40; ++i) map.insert(digest(i), value_of<TestType>(i, 0));
  }
  REQUIRE(killed_in([](map_type& map) {
    map.update(digest(7), [](TestType& v) {
      v = value_of<TestType>(7, 1);
      ::kill(::getpid(), SIGKILL);
    });
  }));
  REQUIRE(killed_in([](map_type& map) {
    map.compute(digest(100), [](auto& v) {
      v = value_of<TestType>(100, 1);
      ::kill(::getpid(), SIGKILL);
    });
  }));
  const opened_file opened(file);
  map_type map = map_type::attach(opened.span());
  REQUIRE(map.verify());
  REQUIRE(map.verify().owned == 0);
  REQUIRE(map.size() == 40);
  REQUIRE(map.processes() == 1);
  for (number i = 0; i < 40; ++i) REQUIRE(map.find(digest(i)) == value_of<TestType>(i, 0));
  REQUIRE_FALSE(map.contains(digest(100)));
  REQUIRE(map.update(digest(7), [](TestType& v) { v = value_of<TestType>(7, 2); }) == 1);
  REQUIRE(map.insert(digest(100), value_of<TestType>(100, 2)).inserted());
  REQUIRE(broken_invariant(map) == nullptr);
}

TEMPLATE_TEST_CASE("shared_fixed_map: a file that was cut off is refused", "[fault]", number,
                   wide) {
  using map_type = concur::shared_fixed_map<TestType>;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::size_t header = sizeof(concur::detail::fixed_map::region_header);
  const std::size_t bytes = map_type::bytes_for(1024);
  const temporary_file file(bytes);
  const auto format = [&] {
    file.resize(bytes);
    const opened_file opened(file);
    map_type map = map_type::format(opened.span(), 1024);
    for (number i = 0; i < 1000; ++i) map.insert(digest(i), value_of<TestType>(i, 0));
  };
  // One that is longer than it need be is a map.
  format();
  file.resize(bytes + page);
  REQUIRE(refusal<map_type>(file) == std::nullopt);
  for (const std::size_t left :
       {bytes - 1, bytes - page, bytes / 2, header + page, header, header - 1, header / 2,
        std::size_t{64}, std::size_t{1}, std::size_t{0}}) {
    format();
    file.resize(left);
    INFO(left << " of " << bytes << " bytes are left");
    REQUIRE(refusal<map_type>(file) == reason::too_short);
  }
}

TEMPLATE_TEST_CASE("shared_fixed_map: a file that was cut off and grown again is refused",
                   "[fault]", number, wide) {
  using map_type = concur::shared_fixed_map<TestType>;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  constexpr std::size_t header = sizeof(concur::detail::fixed_map::region_header);
  const std::size_t bytes = map_type::bytes_for(1024);
  const temporary_file file(bytes);
  const auto cut_at = [&](std::size_t left) {
    file.resize(bytes);
    {
      const opened_file opened(file);
      map_type map = map_type::format(opened.span(), 1024);
      for (number i = 0; i < 1000; ++i) map.insert(digest(i), value_of<TestType>(i, 0));
    }
    file.resize(left);
    file.resize(bytes);  // what has gone are zeros
    INFO(left << " of " << bytes << " bytes were left");
    return refusal<map_type>(file);
  };
  REQUIRE(cut_at(0) == reason::not_a_map);
  REQUIRE(cut_at(8 * 5) == reason::corrupt);  // not even all of the first line
  // The header is whole, and elements are gone, or the bounds and tags that find them.
  for (const std::size_t left : {std::size_t{64}, header / 2, header, header + page, bytes / 2,
                                 bytes - page, bytes - 1024, bytes - sizeof(number)}) {
    REQUIRE(cut_at(left) == reason::corrupt);
  }
}
