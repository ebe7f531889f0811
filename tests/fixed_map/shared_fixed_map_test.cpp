// SPDX-License-Identifier: MIT
/// \file
/// shared_fixed_map: regions, what attach rejects, several mappings and processes, the end of all
/// of them. What kills do is in tests/fault and tests/model.

#include <concur/fixed_map.hpp>

#include "support/catch.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/threads.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace concur_test;

namespace {

using number = std::uint64_t;

struct twelve {
  std::uint32_t a, b, c;
  friend bool operator==(const twelve&, const twelve&) = default;
};
using table = concur::shared_fixed_map<twelve>;
using words = concur::shared_fixed_map<number>;

template <class T>
using layout_of = concur::detail::fixed_map::region_layout<
    concur::detail::fixed_map::shared_slot<concur::key32, T>>;
using reason = concur::format_error::reason;

static_assert(concur::bounded_map<table>);
static_assert(concur::guarantees<table>::read_progress == concur::progress::lock_free);
static_assert(!std::is_copy_constructible_v<table>);
template <class T>
constexpr std::size_t slot_bytes = sizeof(concur::detail::fixed_map::shared_slot<concur::key32, T>);
static_assert(slot_bytes<twelve> == 64);
static_assert(slot_bytes<number> == 64);
static_assert(slot_bytes<char> == 64);
static_assert(slot_bytes<std::array<char, 11>> == 64);
static_assert(slot_bytes<std::array<number, 2>> == 128);

/// Shared memory without a name; `again` maps it once more, elsewhere.
class mapping {
 public:
  explicit mapping(std::size_t bytes)
      : file_(::memfd_create("concur-test", 0)), bytes_(bytes), at_(nullptr) {
    if (file_ < 0 || ::ftruncate(file_, static_cast<off_t>(bytes)) != 0) throw std::bad_alloc();
    map();
  }
  mapping(const mapping& other) : file_(::dup(other.file_)), bytes_(other.bytes_), at_(nullptr) {
    map();
  }
  mapping& operator=(const mapping&) = delete;
  ~mapping() {
    ::munmap(at_, bytes_);
    ::close(file_);
  }
  std::span<std::byte> span() const { return {static_cast<std::byte*>(at_), bytes_}; }

 private:
  void map() {
    at_ = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file_, 0);
    if (at_ == MAP_FAILED) throw std::bad_alloc();
  }
  int file_;
  std::size_t bytes_;
  void* at_;
};

template <class Map>
std::optional<reason> refusal(std::span<std::byte> region) {
  try {
    static_cast<void>(Map::attach(region));
    return std::nullopt;
  } catch (const concur::format_error& error) {
    REQUIRE(error.code() == std::errc::invalid_argument);
    return error.why();
  }
}

/// Runs `body` in a child process. Its exit status; -1 if it did not exit.
int in_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("shared_fixed_map: what one mapping writes another reads, wherever it lies") {
  const mapping here(table::bytes_for(256));
  const mapping there(here);
  REQUIRE(here.span().data() != there.span().data());
  table first = table::format(here.span(), 256);
  table second = table::attach(there.span());
  REQUIRE(first.processes() == 2);
  REQUIRE(first.capacity() == 256);
  REQUIRE(first.hash_function() == second.hash_function());
  for (std::uint32_t i = 0; i < 256; ++i) {
    REQUIRE(first.insert(digest(i), twelve{i, ~i, i * 3}).inserted());
  }
  REQUIRE(second.insert(digest(256), twelve{}).full());
  REQUIRE(second.size() == 256);
  for (std::uint32_t i = 0; i < 256; ++i) REQUIRE(second.find(digest(i)) == twelve{i, ~i, i * 3});
  REQUIRE(second.update(digest(7), [](twelve& v) { v.a = 70; }) == 1);
  REQUIRE(first.find(digest(7))->a == 70);
  REQUIRE(second.erase(digest(8)) == 1);
  REQUIRE_FALSE(first.contains(digest(8)));
  REQUIRE(first.insert(digest(256), twelve{}).inserted());
  REQUIRE(first.verify());
  REQUIRE(broken_invariant(first) == nullptr);
  first.clear();
  REQUIRE(second.empty());
  REQUIRE(broken_invariant(second) == nullptr);
}

TEST_CASE("shared_fixed_map: format refuses what it cannot use") {
  const mapping memory(table::bytes_for(64));
  REQUIRE_THROWS_AS(table::format(memory.span(), 63), std::invalid_argument);
  REQUIRE_THROWS_AS(table::format(memory.span(), 0), std::invalid_argument);
  REQUIRE_THROWS_AS(table::format(memory.span(), 128), concur::format_error);
  REQUIRE_THROWS_AS(table::format(memory.span().subspan(8), 32), concur::format_error);
  REQUIRE_THROWS_AS(table::bytes_for(~std::size_t{0}), std::length_error);
  REQUIRE_THROWS_AS(table::bytes_for(std::size_t{1} << 60), std::length_error);
  REQUIRE_NOTHROW(table::format(memory.span(), 64));
}

TEST_CASE("shared_fixed_map: attach rejects what is not a map of this type") {
  const mapping memory(table::bytes_for(64));
  const auto region = memory.span();
  REQUIRE(refusal<table>(region) == reason::not_a_map);
  REQUIRE(refusal<table>(region.first(100)) == reason::too_short);
  REQUIRE(refusal<table>({}) == reason::too_short);
  table::format(region, 64);
  REQUIRE(refusal<table>(region) == std::nullopt);
  REQUIRE(refusal<table>(region.first(region.size() - 1)) == reason::too_short);
  REQUIRE(refusal<table>(region.subspan(8)) == reason::misaligned);
  REQUIRE(refusal<words>(region) == reason::other_layout);
  REQUIRE(refusal<concur::shared_fixed_map<std::array<number, 2>>>(region) == reason::other_layout);
  struct other_hash : concur::digest_hash {
    using concur::digest_hash::digest_hash;
    std::uint64_t operator()(const concur::key32& key) const {
      return ~concur::digest_hash::operator()(key);
    }
  };
  REQUIRE(refusal<concur::shared_fixed_map<twelve, other_hash>>(region) == reason::other_layout);
}

TEST_CASE("shared_fixed_map: every bit of the header counts") {
  const mapping memory(table::bytes_for(64));
  const auto region = memory.span();
  table::format(region, 64);
  for (std::size_t bit = 0; bit < 64 * 8; ++bit) {
    const auto flip = static_cast<std::byte>(1u << (bit % 8));
    region[bit / 8] ^= flip;
    const auto why = refusal<table>(region);
    INFO("bit " << bit);
    REQUIRE(why.has_value());
    REQUIRE((why == reason::not_a_map || why == reason::other_version || why == reason::corrupt));
    region[bit / 8] ^= flip;
  }
  REQUIRE(refusal<table>(region) == std::nullopt);
}

TEST_CASE("shared_fixed_map: attach finds elements that no tag leads to") {
  const mapping memory(table::bytes_for(64));
  const auto region = memory.span();
  const std::size_t slots = layout_of<twelve>::slots_at(64);
  const std::size_t counts = slots - 128;  // of 8 homes each; then tags, and what fills a line
  const std::size_t tags = counts + 8 * 4;
  const std::size_t copies = tags + 64;
  int rejected = 0;
  int copies_rejected = 0;
  for (std::size_t i = tags; i < slots; ++i) {
    table map = table::format(region, 64, 5);  // the same places in every round
    for (std::uint32_t k = 0; k < 40; ++k) map.insert(digest(k), twelve{k, k, k});
    region[i] ^= std::byte{0x55};
    (i < copies ? rejected : copies_rejected) += refusal<table>(region) == reason::corrupt ? 1 : 0;
  }
  REQUIRE(rejected == 40);  // every element's tag
  REQUIRE(copies_rejected > 0);
  REQUIRE(copies_rejected <= 7);  // of the first seven slots

  // And what is far from its home, where no count says so.
  table map = table::format(region, 64, 5);
  for (std::uint32_t k = 0; k < 62; ++k) map.insert(digest(k), twelve{k, k, k});
  int counted = 0;
  for (std::size_t i = counts; i < tags; ++i)
    counted += std::exchange(region[i], {}) != std::byte{};
  REQUIRE(counted > 0);
  REQUIRE(refusal<table>(region) == reason::corrupt);
}

TEST_CASE("shared_fixed_map: a tag that is changed after attach keeps no writer for ever") {
  using layout = layout_of<number>;
  const mapping memory(words::bytes_for(16));
  words map = words::format(memory.span(), 16);
  // Until one of them is not in its home.
  std::uint32_t count = 0;
  while (map.stats().longest_probe < 2) {
    REQUIRE(map.insert(digest(count), count).inserted());
    ++count;
  }
  std::byte* const tags = memory.span().data() + layout::tags_at(16);
  std::fill(tags, memory.span().data() + layout::slots_at(16), std::byte{0});
  REQUIRE(in_child([&] {
            ::alarm(20);  // for whoever never ends
            number changed = 0;
            for (std::uint32_t i = 0; i < count; ++i) {
              if (map.insert(digest(i), 0).inserted()) return 1;
              map.upsert(
                  digest(i), [&](number& v) { changed += v++ == i ? 1U : 0U; }, 0);
              map.compute(digest(i), [&](auto& v) { changed += *v == i + 1 ? 1U : 0U; });
              map.insert_or_assign(digest(i), 0);
            }
            return changed == 2 * count ? 0 : 2;
          }) == 0);
}

TEST_CASE("shared_fixed_map: bounds that are all too high are not lowered for ever") {
  using layout = layout_of<number>;
  for (const bool are_few : {true, false}) {
    INFO(are_few);
    constexpr std::size_t capacity = 1024;
    const mapping memory(words::bytes_for(capacity));
    words::format(memory.span(), capacity);
    auto* const bounds =
        reinterpret_cast<std::atomic<number>*>(memory.span().data() + layout::bounds_at);
    const std::size_t raised = are_few ? 32 : capacity;
    for (std::size_t i = 0; i < raised; ++i) bounds[i].store(capacity - 1);
    words map = words::attach(memory.span());
    std::size_t lowered = 0;
    for (std::size_t i = 0; i < raised; ++i) {
      lowered += (bounds[i].load() & 0xffffffff) == 0 ? 1U : 0U;
    }
    REQUIRE(lowered == (are_few ? 32U : 65U));
    for (std::uint32_t i = 0; i < 100; ++i) REQUIRE(map.insert(digest(i), i).inserted());
    for (std::uint32_t i = 0; i < 100; ++i) REQUIRE(map.find(digest(i)) == i);
    REQUIRE_FALSE(map.contains(digest(100)));
    REQUIRE(map.verify());
  }
}

TEST_CASE("shared_fixed_map: memory that was a map before is formatted as any other") {
  const mapping memory(table::bytes_for(64));
  const auto region = memory.span();
  for (int round = 0; round < 2; ++round) {
    table map = table::format(region, 64);
    for (std::uint32_t k = 0; k < 62; ++k) map.insert(digest(k), twelve{k, k, k});
    REQUIRE(map.size() == 62);
  }
  const table map = table::format(region, 64);
  REQUIRE(concur_test::broken_invariant(map) == nullptr);
  REQUIRE(map.empty());
}

TEST_CASE("shared_fixed_map: attach finds slots that contradict themselves") {
  const mapping memory(table::bytes_for(64));
  const auto region = memory.span();
  const auto make = [&] {
    table map = table::format(region, 64);
    for (std::uint32_t i = 0; i < 40; ++i) map.insert(digest(i), twelve{i, i, i});
  };
  const std::size_t slots = layout_of<twelve>::slots_at(64);
  int rejected = 0;
  for (std::size_t s = 0; s < 64; ++s) {
    make();
    region[slots + 64 * s + 20] ^= std::byte{1};  // a byte of the key
    rejected += refusal<table>(region) == reason::corrupt ? 1 : 0;
    make();
    region[slots + 64 * s] |= std::byte{7};  // a state that nobody writes
    REQUIRE(refusal<table>(region) == reason::corrupt);
  }
  REQUIRE(rejected >= 20);  // half of the changed keys are at home elsewhere
}

TEST_CASE("shared_fixed_map: it survives the end of every process") {
  const mapping memory(table::bytes_for(256));
  const auto region = memory.span();
  REQUIRE(in_child([&] {
            table::format(region, 256);
            table map = table::attach(region);
            for (std::uint32_t i = 0; i < 100; ++i) map.insert(digest(i), twelve{i, i, i});
            return 0;  // without detaching
          }) == 0);
  REQUIRE(in_child([&] {
            table map = table::attach(region);
            int wrong = map.size() == 100 ? 0 : 1;
            for (std::uint32_t i = 0; i < 100; ++i) {
              wrong += map.find(digest(i)) == twelve{i, i, i} ? 0 : 1;
            }
            map.insert(digest(100), twelve{1, 1, 1});
            return wrong;
          }) == 0);
  table map = table::attach(region);
  REQUIRE(map.size() == 101);
  REQUIRE(map.verify());
}

TEST_CASE("shared_fixed_map: a child of fork goes on with its parent's object") {
  const mapping memory(words::bytes_for(256));
  words map = words::format(memory.span(), 256);
  map.insert(digest(1), 1);
  REQUIRE(in_child([&] {
            const bool before = map.find(digest(1)) == 1;
            map.update(digest(1), [](number& v) { ++v; });
            map.insert(digest(2), 2);
            return before && map.processes() == 2 ? 0 : 1;
          }) == 0);
  REQUIRE(map.find(digest(1)) == 2);
  REQUIRE(map.find(digest(2)) == 2);
  REQUIRE(map.size() == 2);
  REQUIRE(map.update(digest(1), [](number& v) { ++v; }) == 1);
  // The child did not detach, but it is dead: its entry of the table is taken again.
  for (int i = 0; i < 300; ++i) {
    REQUIRE(in_child([&] {
              words mine = words::attach(memory.span());
              mine.update(digest(1), [](number& v) { ++v; });
              return 0;
            }) == 0);
  }
  REQUIRE(map.find(digest(1)) == 303);
  REQUIRE(map.processes() <= 3);
}

TEST_CASE("shared_fixed_map: a child of fork is not taken for a dead one that had its name") {
  const mapping memory(words::bytes_for(256));
  words map = words::format(memory.span(), 256);
  map.insert(digest(1), 1);
  // All take the one entry that is free. Of its generation a slot keeps five bits: of 40 children
  // some have the name of the first one, which died with key 1 in its hands.
  REQUIRE(in_child([&] {
            map.update(digest(1), [](number&) { ::_exit(0); });
            return 1;
          }) == 0);
  for (std::uint32_t i = 2; i < 42; ++i) {
    REQUIRE(in_child([&] {
              ::alarm(20);  // for whoever waits for himself
              if (i < 33) return map.insert(digest(i), i).inserted() ? 0 : 1;
              return map.update(digest(1), [](number& v) { ++v; }) == 1 ? 0 : 1;
            }) == 0);
  }
  REQUIRE(map.find(digest(1)) == 10);
  REQUIRE(map.size() == 32);
}

TEST_CASE("shared_fixed_map: threads of a child of fork enter as one process") {
  const mapping memory(words::bytes_for(256));
  words map = words::format(memory.span(), 256);
  map.insert(digest(1), 0);
  for (int round = 0; round < 20; ++round) {
    REQUIRE(in_child([&] {
              ::alarm(20);
              std::atomic<int> ready{0};
              const auto work = [&] {
                ++ready;
                while (ready.load() < 2) std::this_thread::yield();
                for (int i = 0; i < 100; ++i) map.update(digest(1), [](number& v) { ++v; });
              };
              std::thread other(work);
              work();
              other.join();
              return map.processes() == 2 ? 0 : 1;
            }) == 0);
  }
  REQUIRE(map.find(digest(1)) == 4'000);
}

TEST_CASE("shared_fixed_map: the table of processes may be full") {
  const mapping memory(words::bytes_for(64));
  words::format(memory.span(), 64);
  std::vector<words> maps;
  for (int i = 0; i < 128; ++i) maps.push_back(words::attach(memory.span()));
  REQUIRE(refusal<words>(memory.span()) == reason::too_many);
  maps.pop_back();
  REQUIRE(refusal<words>(memory.span()) == std::nullopt);
  REQUIRE(maps.front().processes() == 127);
}

TEST_CASE("shared_fixed_map: what was moved from is attached to nothing") {
  const mapping memory(words::bytes_for(64));
  words map = words::format(memory.span(), 64);
  map.insert(digest(1), 1);
  words moved(std::move(map));
  REQUIRE(moved.find(digest(1)) == 1);
  REQUIRE(moved.processes() == 1);
  REQUIRE(map.capacity() == 0);  // NOLINT: what was moved from has a meaning here
  REQUIRE(map.insert(digest(1), 1).full());
  REQUIRE_FALSE(map.contains(digest(1)));
  REQUIRE(map.empty());
  REQUIRE(map.verify());
  map = std::move(moved);
  REQUIRE(map.find(digest(1)) == 1);
}

TEST_CASE("shared_fixed_map: the same seed makes the same map, another one another") {
  const mapping memory(words::bytes_for(64));
  REQUIRE(words::format(memory.span(), 64, 5).hash_function().seed() == 5);
  REQUIRE(words::attach(memory.span()).hash_function().seed() == 5);
  const number first = words::format(memory.span(), 64).hash_function().seed();
  REQUIRE(words::format(memory.span(), 64).hash_function().seed() != first);
}

TEST_CASE("shared_fixed_map: processes at work at once lose nothing") {
  constexpr int processes = 3;
  constexpr number rounds = 3'000;
  const mapping memory(words::bytes_for(256));
  words map = words::format(memory.span(), 256);
  for (number key = 0; key < 8; ++key) map.insert(digest(key), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < processes; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      words mine = words::attach(memory.span());
      for (number round = 0; round < rounds; ++round) {
        mine.update(digest(round % 8), [](number& v) { ++v; });
        const number own = 100 + static_cast<number>(i);
        mine.insert(digest(own), round);
        mine.erase(digest(own));
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(status == 0);
  }
  number total = 0;
  for (number key = 0; key < 8; ++key) total += map.find(digest(key)).value();
  REQUIRE(total == processes * rounds);
  REQUIRE(map.size() == 8);
  REQUIRE(map.verify());
  REQUIRE(broken_invariant(map) == nullptr);
}
