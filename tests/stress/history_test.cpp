// SPDX-License-Identifier: MIT
/// \file
/// Histories of more threads than processors on hot keys are linearizable, and what is only weakly
/// consistent keeps its promises. CTest runs all of it a second time with symmetric fences.
#include "stress/history.hpp"

#include "conformance/roomy_lru_lockmap.hpp"
#include "conformance/test_map.hpp"
#include "support/catch.hpp"
#include "support/sanitizers.hpp"
#include "support/seqmap_access.hpp"
#include "support/shared_pages.hpp"

#include <algorithm>
#include <concur/fixed_map.hpp>
#include <concur/lockmap.hpp>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstring>
#include <span>
#include <tuple>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#if __has_include(<concur/cmap.hpp>)
#include <concur/cmap.hpp>
#endif
#if __has_include(<concur/hamt.hpp>)
#include "support/hamt_access.hpp"
#endif

using namespace concur_test;

namespace {

using wide = std::array<std::uint64_t, 3>;

struct crowded_hash {
  using is_avalanching = std::true_type;
  crowded_hash() = default;
  explicit crowded_hash(number /*seed*/) noexcept {}
  static number seed() noexcept { return 0; }
  number operator()(number k) const noexcept { return scattered(k % 5) & ~number{255}; }
};

/// A fixed map with integers as keys, and room for all of them and for the threads' candidates.
template <class T, class Hash = concur::hash<number>>
class small_fixed_map : public concur::detail::basic_fixed_map<number, T, Hash, std::equal_to<>,
                                                               std::allocator<std::byte>> {
 public:
  small_fixed_map() : small_fixed_map::basic_fixed_map(128) {}
};

/// The same in pages that processes share.
template <class T, class Hash>
using shared_numbers =
    concur::detail::basic_shared_fixed_map<number, T, Hash, std::equal_to<>,
                                           concur::detail::fixed_map::system_processes>;
struct pages_of_a_map {
  explicit pages_of_a_map(std::size_t bytes) : pages(bytes) {}
  shared_pages pages;
};
template <class T, class Hash = concur::hash<number>>
class small_shared_map : private pages_of_a_map, public shared_numbers<T, Hash> {
  using base = shared_numbers<T, Hash>;
  static constexpr std::size_t slots = 128;

 public:
  small_shared_map()
      : pages_of_a_map(base::bytes_for(slots)), base(base::format(this->pages.span(), slots)) {}
  std::span<std::byte> region() const { return this->pages.span(); }
};

/// Maps with one error each. What they do wrong must be noticed.
template <class Base>
struct with_careless_insert : Base {
  bool insert(const typename Base::value_type& element) {
    if (this->contains(element.first)) return false;
    std::this_thread::yield();
    this->insert_or_assign(element.first, element.second);
    return true;
  }
};
template <class Base>
struct with_stale_find : Base {
  std::optional<number> find(number key) const {
    static thread_local std::optional<number> last[2];
    if (key < 2 && ++calls % 4 == 0) return last[key];
    const auto value = Base::find(key);
    if (key < 2) last[key] = value;
    return value;
  }
  static inline thread_local unsigned calls = 0;
};
template <class Base>
struct with_a_lost_update : Base {
  template <class F>
  std::size_t update(number key, F&& f) {
    const auto value = this->find(key);
    if (!value) return 0;
    std::this_thread::yield();
    number copy = *value;
    f(copy);
    this->insert_or_assign(key, copy);
    return 1;
  }
};
template <class Base>
struct with_a_gap : Base {
  template <class F>
  std::size_t cvisit_all(F&& f) const {
    return Base::cvisit_all([&](const auto& e) {
      if (e.first != 45) f(e);
    });
  }
};
template <class Base>
struct with_a_wrong_size : Base {
  std::size_t size() const { return Base::size() + 1; }
};

/// With room for all, and for what the policies do beside that.
template <class T, class Policy>
using cache_of = roomy_lru_lockmap<10'000, Policy, number, T>;

/// A further map is one line.
using maps = std::tuple<
#if __has_include(<concur/cmap.hpp>)
    concur::cmap<number, number>, concur::cmap<number, std::string>,
#endif
#if __has_include(<concur/hamt.hpp>)
    concur::hamt<number, number>, tiny_hamt<number, std::string, crowded_hash>,
#endif
    concur::seqmap<number, number>, concur::seqmap<number, wide>, tiny_map<number, number>,
    tiny_map<number, wide>, tiny_map<number, wide, crowded_hash>,  //
    small_fixed_map<number>, small_fixed_map<wide, crowded_hash>, small_fixed_map<std::string>,
    small_shared_map<number>, small_shared_map<wide, crowded_hash>,  //
    concur::lockmap<number, number>, concur::lockmap<number, std::string>,
    cache_of<number, concur::eviction::lru>, cache_of<wide, concur::eviction::s3fifo>,
    cache_of<std::string, concur::eviction::w_tinylfu>, test_map<cow_engine, number, std::string>,
    test_map<locked_engine, number, std::string>>;

constexpr std::uint64_t operations = has_sanitizer ? 2'000 : 12'000;

template <class Map>
void histories_are_right(history_options how, int runs) {
  how.operations = operations;
  for (int run = 0; run < runs; ++run) {
    const unsigned seed = std::random_device()();
    INFO("seed " << seed);
    failures found;
    const history h = record_history<Map>(how, seed, found);
    found.require();
    REQUIRE(h.operations.size() >= how.operations * static_cast<std::uint64_t>(how.threads));
    const std::string why = h.check();
    INFO(why);
    REQUIRE(why.empty());
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("histories on hot keys are linearizable", "[history]", maps) {
  histories_are_right<TestType>({}, 2);
}

TEMPLATE_LIST_TEST_CASE("histories on one key by three threads are linearizable", "[history]",
                        maps) {
  histories_are_right<TestType>({.threads = 3, .hot_keys = 1, .keys = 2, .lasting_keys = 5}, 2);
}

using locking_maps =
    std::tuple<concur::lockmap<number, number>, concur::lockmap<number, std::string>,
               cache_of<number, concur::eviction::lru>,
               cache_of<std::string, concur::eviction::w_tinylfu>>;

TEMPLATE_LIST_TEST_CASE(
    "histories of four threads per processor, which wait for keys, are linearizable", "[history]",
    locking_maps) {
  histories_are_right<TestType>({.threads = 8, .processors = 2, .hot_keys = 2, .keys = 10}, 1);
}

TEMPLATE_LIST_TEST_CASE("histories with clear are linearizable", "[history]", maps) {
  histories_are_right<TestType>({.threads = 4, .hot_keys = 4, .clears = true}, 1);
}

namespace {

/// What processes have done, in memory that they share: one part for each.
class shared_histories {
 public:
  shared_histories(std::size_t processes, std::size_t most)
      : most_(most), pages_(processes * part()) {}

  /// By process `index`, before it ends.
  void write(std::size_t index, const history& h) {
    const std::size_t count = std::min(h.operations.size(), most_);
    std::memcpy(at(index) + header, h.operations.data(), count * sizeof(operation));
    std::memcpy(at(index), &count, sizeof count);
  }
  /// When it has ended.
  history read(std::size_t index) const {
    std::size_t count = 0;
    std::memcpy(&count, at(index), sizeof count);
    history h;
    h.operations.resize(count);
    std::memcpy(h.operations.data(), at(index) + header, count * sizeof(operation));
    return h;
  }

 private:
  static_assert(std::is_trivially_copyable_v<operation>);
  static constexpr std::size_t header = alignof(std::max_align_t);
  std::size_t part() const { return header + most_ * sizeof(operation); }
  std::byte* at(std::size_t index) const { return pages_.span().data() + index * part(); }

  std::size_t most_;
  shared_pages pages_;
};

/// As `record_history`, with processes for threads: each attaches for itself.
template <class T, class Hash>
history record_history_of_processes(const history_options& how, unsigned seed) {
  using attached = shared_numbers<T, Hash>;
  small_shared_map<T, Hash> map;
  const fenced_clock clock;
  history all;
  history_thread<attached> before(map, clock, how, -1, seed);
  before.fill();
  const auto count = static_cast<std::size_t>(how.threads);
  shared_histories written(count, how.operations);
  std::vector<pid_t> children;
  for (std::size_t i = 0; i < count; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      stay_on_processors(how.processors);
      attached mine = attached::attach(map.region());
      history_thread<attached> process(mine, clock, how, static_cast<int>(i),
                                       seed + 1 + static_cast<unsigned>(i));
      process.run();
      written.write(i, process.take());
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
  }
  before.look_at_everything();
  all.append(before.take());
  for (std::size_t i = 0; i < count; ++i) all.append(written.read(i));
  REQUIRE(map.verify());
  return all;
}

template <class T, class Hash>
void histories_of_processes_are_right(history_options how) {
  how.operations = operations;
  const unsigned seed = std::random_device()();
  INFO("seed " << seed);
  const history h = record_history_of_processes<T, Hash>(how, seed);
  REQUIRE(h.operations.size() >= how.operations * static_cast<std::uint64_t>(how.threads));
  const std::string why = h.check();
  INFO(why);
  REQUIRE(why.empty());
}

}  // namespace

TEST_CASE("histories of processes that share a map are linearizable", "[history]") {
  histories_of_processes_are_right<number, concur::hash<number>>({.threads = 3});
  histories_of_processes_are_right<wide, crowded_hash>({.threads = 3});
  histories_of_processes_are_right<wide, concur::hash<number>>(
      {.threads = 3, .hot_keys = 1, .keys = 2, .lasting_keys = 5});
}

using good_map = concur::seqmap<number, number>;
using wrong_maps =
    std::tuple<with_careless_insert<good_map>, with_stale_find<good_map>,
               with_a_lost_update<good_map>, with_a_gap<good_map>, with_a_wrong_size<good_map>>;

TEMPLATE_LIST_TEST_CASE("a map with an error is noticed", "[history]", wrong_maps) {
  bool noticed = false;
  for (int run = 0; run < 50 && !noticed; ++run) {
    failures found;
    const history h = record_history<TestType>({.hot_keys = 2}, std::random_device()(), found);
    noticed = !h.check().empty();
  }
  REQUIRE(noticed);
}

namespace {

/// A recorded history and what can be falsified in it. The first iteration and the first size are
/// those of the end, beside nobody.
struct specimen {
  history right;
  std::size_t find = 0;    ///< finds a value that one operation wrote ...
  std::size_t writer = 0;  ///< ... this one
  std::size_t early = 0;   ///< a find that had returned before that one began; another result
                           ///< And the value has gone for certain: nobody writes a value twice.

  bool choose() {
    const auto& all = right.operations;
    for (find = 0; find < all.size(); ++find) {
      const operation& f = all[find];
      if (f.what != kind::find || f.result == absent || f.key > 3) continue;
      std::size_t writers = 0;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].key != f.key || linearizability::value_left_by(all[i]) != f.result) continue;
        writer = i;
        ++writers;
      }
      const std::uint64_t then = std::max(f.returned, all[writer].returned);
      const bool goes = std::any_of(all.begin(), all.end(), [&](const operation& o) {
        return o.key == f.key && o.invoked > then && linearizability::may_change(o);
      });
      for (early = 0; writers == 1 && goes && early < all.size(); ++early) {
        const operation& e = all[early];
        if (e.what == kind::find && e.key == f.key && e.returned < all[writer].invoked) return true;
      }
    }
    return false;
  }
  std::uint64_t end() const {
    std::uint64_t last = 0;
    for (const operation& o : right.operations) last = std::max(last, o.returned);
    return last;
  }
};

}  // namespace

TEST_CASE("what is falsified in a right history is noticed", "[history]") {
  specimen s;
  failures found;
  do {
    s.right = record_history<good_map>({.operations = 1'500}, std::random_device()(), found);
    found.require();
  } while (!s.choose());
  REQUIRE(s.right.check().empty());
  const auto& right = s.right.operations;
  history wrong = s.right;

  SECTION("a write that did not happen") {
    wrong.operations.erase(wrong.operations.begin() + static_cast<std::ptrdiff_t>(s.writer));
  }
  SECTION("two results exchanged") {
    std::swap(wrong.operations[s.find].result, wrong.operations[s.early].result);
  }
  SECTION("a value that nobody wrote") {
    wrong.operations[s.find].result = 12'345;
  }
  SECTION("an old value found at the end") {
    operation late = right[s.find];
    late.invoked = s.end() + 1;
    late.returned = s.end() + 2;
    wrong.operations.push_back(late);
  }
  SECTION("an iteration that leaves out a lasting element") {
    auto& seen = wrong.iterations[1].seen;
    std::erase_if(seen, [](const auto& e) { return e.key == 50; });
  }
  SECTION("an iteration that shows an element twice") {
    auto& seen = wrong.iterations[1].seen;
    seen.push_back({50, seen.front().key == 50 ? seen.front().value : seen.back().value});
  }
  SECTION("an iteration that shows what was never there") {
    wrong.iterations[1].seen.push_back({1'000, 1});
  }
  SECTION("an iteration that shows a value of long ago") {
    const operation& find = right[s.find];
    auto& seen = wrong.iterations.front().seen;
    std::erase_if(seen, [&](const auto& e) { return e.key == find.key; });
    seen.push_back({find.key, find.result});
  }
  SECTION("a size of one less") {
    --wrong.sizes.front().size;
  }
  SECTION("a size of one more") {
    ++wrong.sizes.front().size;
  }
  REQUIRE(!wrong.check().empty());
}

TEST_CASE("time does not go back from thread to thread", "[history]") {
  for (const bool counts_cycles : {false, fenced_clock::counter_is_usable()}) {
    const fenced_clock clock(counts_cycles);
    failures found;
    std::atomic<std::uint64_t> latest{0};  // of all times that have been taken
    on_threads(4, found, [&](int) {
      for (int i = 0; i < 5'000; ++i) {
        const std::uint64_t known = latest.load(std::memory_order_acquire);
        const std::uint64_t before = clock.begins();
        const std::uint64_t after = clock.ends();
        MT_CHECK(found, known <= before && before <= after);
        std::uint64_t seen = latest.load(std::memory_order_relaxed);
        while (seen < after && !latest.compare_exchange_weak(seen, after, std::memory_order_release,
                                                             std::memory_order_relaxed)) {
        }
      }
    });
    found.require();
  }
}
