// SPDX-License-Identifier: MIT
/// \file
/// Every value has a number, and a ledger says what became of it: it is there, it was reported, or
/// it was handed to a caller; once, whatever a random program does: all ways to write, to hold and
/// to remove, capacities of 0 to 11, weights that change, deadlines, a listener that uses the
/// cache. By one thread, which finds the same thing again, and by several.
#include "lru_lockmap/cache_kinds.hpp"
#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/threads.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

enum class fate : std::uint8_t { unborn, there, reported, handed };

class ledger {
 public:
  std::uint32_t birth() {
    const std::uint32_t id = next_.fetch_add(1);
    fates_[id] = fate::there;
    return id;
  }
  bool is_full() const { return next_ + 100 > size; }
  void settle(std::uint32_t id, fate how) {
    if (fates_[id].exchange(how) != fate::there) found.add("a value left twice, or an empty one");
  }
  bool is_there(std::uint32_t id) const { return fates_[id] == fate::there; }
  std::size_t count_there() const {
    std::size_t n = 0;
    for (std::size_t id = 1; id < next_; ++id) n += is_there(static_cast<std::uint32_t>(id));
    return n;
  }

  failures found;

 private:
  static constexpr std::size_t size = 200'000;
  std::unique_ptr<std::atomic<fate>[]> fates_ = std::make_unique<std::atomic<fate>[]>(size);
  std::atomic<std::uint32_t> next_{1};
};

/// Number 0: moved from.
template <bool MovesSafely>
struct numbered {
  std::uint32_t id;
  std::uint32_t weight;

  numbered(ledger& book, std::uint32_t w) : id(book.birth()), weight(w) {}
  numbered(numbered&& other) noexcept(MovesSafely)
      : id(std::exchange(other.id, 0U)), weight(other.weight) {}
  numbered& operator=(numbered&& other) noexcept(MovesSafely) {
    id = std::exchange(other.id, 0U);
    weight = other.weight;
    return *this;
  }
  numbered(const numbered&) = delete;
  numbered& operator=(const numbered&) = delete;
  ~numbered() = default;
};

thread_local bool holds_keys = false;

template <class Map>
class program {
  using value = typename Map::mapped_type;
  using entry = typename Map::entry;

 public:
  program(Map& map, ledger& book, const hand_clock& clock, std::uint32_t seed)
      : map_(map), book_(book), clock_(clock), random_(seed), own_(100 + number{seed} % 97 * 8) {}

  void run(int steps) {
    for (int i = 0; i < steps && !book_.is_full(); ++i) {
      clock_.advance(std::chrono::nanoseconds(below(3)));
      // Whoever holds keys waits for nobody: only for keys that are its own.
      const number k = held_.empty() ? below(16) : own_ + below(6);
      switch (below(6)) {
        case 0:
          write(k);
          break;
        case 1:
          read(k);
          break;
        case 2:
          remove(k);
          break;
        case 3:
          hold();
          break;
        case 4:
          resize(k);
          break;
        default:
          if (held_.empty()) {
            use_everything();
          } else {
            held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(below(held_.size())));
          }
      }
      holds_keys = !held_.empty();
    }
    held_.clear();
    holds_keys = false;
  }

 private:
  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(random_() % n); }
  std::uint32_t weight() { return below(30) == 0 ? 14 : 1 + below(4); }
  value fresh() { return value(book_, weight()); }
  void handed(const value& v) { book_.settle(v.id, fate::handed); }
  void look(const value& v) {
    if (!book_.is_there(v.id)) book_.found.add("a value is seen that has left");
  }

  void write(number k) {
    switch (below(5)) {
      case 0:
        map_.try_emplace(k, book_, weight());
        break;
      case 1:
        map_.insert_or_assign(k, fresh());
        break;
      case 2:
        if (const auto old = map_.exchange(k, fresh())) handed(*old);
        break;
      case 3:
        map_.upsert(
            k, [&](value& v) { v.weight = weight(); }, book_, weight());
        break;
      default:
        try {
          map_.update(k, [&](value& v) {
            v.weight = weight();
            if (below(8) == 0) throw 1;
          });
        } catch (int) {
        }
    }
  }
  void read(number k) {
    switch (below(3)) {
      case 0:
        map_.cvisit(k, [&](const auto& e) { look(e.second); });
        break;
      case 1:
        map_.touch(k);
        break;
      default:
        if (const auto shared = map_.try_lock_shared(k); shared.has_value()) look(*shared);
    }
  }
  void remove(number k) {
    switch (below(3)) {
      case 0:
        map_.erase(k);
        break;
      case 1:
        if (const auto old = map_.take(k)) handed(*old);
        break;
      default:
        if (const auto coldest = map_.pop_lru()) handed(coldest->second);
    }
  }
  void resize(number k) {
    switch (below(4)) {
      case 0:
        map_.set_capacity(below(12));
        break;
      case 1:
        map_.set_capacity(below(12), 1 + below(3));
        break;
      default:
        map_.set_expiry(k, std::chrono::nanoseconds(static_cast<int>(below(60)) - 5));
    }
  }
  void hold() {
    holds_keys = true;
    entry mine = map_.try_lock(number{below(16)});
    if (!mine) return;
    switch (below(7)) {
      case 0:
        mine.emplace(book_, weight());
        break;
      case 1:
        mine.reset();
        break;
      case 2:
        mine.value_or_emplace(book_, weight());
        break;
      case 3:
        if (const auto old = mine.exchange(fresh())) handed(*old);
        break;
      case 4:
        hand_over(std::move(mine));
        return;
      case 5:
        mine.reset();
        mine.emplace(book_, weight());
        break;
      default:
        if (held_.size() < 3) held_.push_back(std::move(mine));
    }
  }
  void hand_over(entry&& mine) {
    auto shared = mine.downgrade();
    if (shared.has_value()) look(*shared);
    auto again = shared.try_upgrade();
    if (!again) return;
    if (again.has_value()) {
      again->weight = weight();
    } else {
      again.emplace(book_, weight());
    }
  }
  /// What must not be done while keys are held.
  void use_everything() {
    switch (below(12)) {
      case 0:
        map_.clear();
        break;
      case 1:
        map_.erase_if([](const auto& e) { return e.second.weight % 2 == 0; });
        break;
      case 2:
        map_.remove_expired();
        break;
      case 3:
        map_.save([&](number, const value& v, concur::cache_duration) { look(v); });
        break;
      default: {
        holds_keys = true;
        const number k = below(16);
        const std::array<number, 3> keys{k, (k + 3) % 16, (k + 7) % 16};
        auto all = map_.lock_all(keys);
        for (auto& one : all) {
          if (below(3) == 0) {
            one.reset();
          } else if (below(2) == 0) {
            one.value_or_emplace(book_, weight());
          }
        }
      }
    }
  }

  Map& map_;
  ledger& book_;
  const hand_clock& clock_;
  std::mt19937 random_;
  number own_;
  std::vector<entry> held_;
};

template <class Policy, bool MovesSafely>
void run_programs(std::uint32_t seed, int threads, int steps) {
  using value = numbered<MovesSafely>;
  using map_type = cache<number, value, Policy>;
  std::mt19937 random(seed);
  ledger book;
  const hand_clock clock;
  map_type* at = nullptr;
  concur::cache_options<number, value> with{.capacity = random() % 12, .shards = 1 + random() % 3};
  const bool weighs = random() % 2 == 0;
  if (weighs) with.weigher = [](const number&, const value& v) { return v.weight; };
  if (random() % 2 == 0) with.time_to_live = std::chrono::nanoseconds(1 + random() % 50);
  if (random() % 3 == 0) with.time_to_idle = std::chrono::nanoseconds(1 + random() % 50);
  with.clock = clock.reader();
  with.on_evict = [&](const number& key, value&& v, cause) {
    book.settle(v.id, fate::reported);
    const value gone(std::move(v));
    if (MovesSafely && !holds_keys && gone.id % 7 == 0) at->contains(key + gone.id % 2);
  };
  map_type map(with);
  at = &map;
  on_threads(threads, book.found, [&](int i) {
    program<map_type>(map, book, clock, seed * 31 + static_cast<std::uint32_t>(i)).run(steps);
  });
  map.set_capacity(with.capacity);
  map.remove_expired();
  const auto stats = map.stats();
  CHECK(stats.weight <= with.capacity);
  CHECK((weighs || stats.weight == stats.size));
  CHECK(stats.keys == stats.size);
  CHECK(book.count_there() == stats.size);
  std::size_t popped = 0;
  for (; auto coldest = map.pop_lru(); ++popped) book.settle(coldest->second.id, fate::handed);
  CHECK(popped == stats.size);
  CHECK(map.stats().keys == 0);
  CHECK(map.stats().weight == 0);
  CHECK(book.count_there() == 0);
  book.found.require();
}

}  // namespace

TEMPLATE_TEST_CASE("every value leaves once, by all ways", "[lru][accounting]",
                   concur::eviction::lru, concur::eviction::exact_lru, concur::eviction::s3fifo,
                   concur::eviction::w_tinylfu) {
  for (std::uint32_t seed = 1; seed <= (has_sanitizer ? 10 : 40); ++seed) {
    INFO("seed " << seed);
    run_programs<TestType, true>(seed, 1, 2'000);
    run_programs<TestType, true>(seed, 3, 1'000);
  }
}

TEST_CASE("every value leaves once, also if its moves may throw", "[lru][accounting]") {
  for (std::uint32_t seed = 1; seed <= (has_sanitizer ? 10 : 40); ++seed) {
    INFO("seed " << seed);
    run_programs<concur::eviction::lru, false>(seed, 1, 2'000);
    run_programs<concur::eviction::s3fifo, false>(seed, 3, 1'000);
  }
}
