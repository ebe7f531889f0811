// SPDX-License-Identifier: MIT
/// \file
/// What all maps are made from and exchanged by, as generic code does it.
#include <concur/concur.hpp>
#include <concur/lockmap_async.hpp>
#include <concur/parallel.hpp>
#include <concur/pmr.hpp>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/keys32.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory_resource>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using pair = std::pair<std::uint64_t, std::uint64_t>;

/// f(0) to f(n - 1), each made when it is shown. (By hand: clang 14 does not know views.)
template <class F>
class made_of {
 public:
  made_of(int n, F f) : n_(n), f_(f) {}

  class iterator {
   public:
    using value_type = std::invoke_result_t<const F&, int>;
    using difference_type = std::ptrdiff_t;
    using reference = value_type;
    using pointer = void;
    using iterator_category = std::input_iterator_tag;
    using iterator_concept = std::forward_iterator_tag;

    iterator() = default;
    iterator(const F& f, int at) : f_(&f), at_(at) {}
    value_type operator*() const { return (*f_)(at_); }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    iterator operator++(int) {
      iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }
    int at() const { return at_; }

   private:
    const F* f_ = nullptr;
    int at_ = 0;
  };
  iterator begin() const { return {f_, 0}; }
  iterator end() const { return {f_, n_}; }

 protected:
  int n_;
  F f_;
};

pair square(int i) {
  const auto n = static_cast<std::uint64_t>(i);
  return {n, n * n};
}

/// Ends by a sentinel of another type.
struct squares : private made_of<pair (*)(int)> {
  struct sentinel {
    int n;
    friend bool operator==(const iterator& i, sentinel s) { return i.at() == s.n; }
  };
  explicit squares(int n) : made_of(n, &square) {}
  using made_of::begin;
  sentinel end() const { return {n_}; }
};

enum class plain_color : int { red, green };

/// Two are equal if they are but for the case.
enum class any_case : char {};
constexpr char lower(any_case c) {
  const char raw = static_cast<char>(c);
  return raw >= 'A' && raw <= 'Z' ? static_cast<char>(raw - 'A' + 'a') : raw;
}
constexpr bool operator==(any_case a, any_case b) {
  return lower(a) == lower(b);
}
constexpr std::uint64_t concur_hash_value(any_case c, std::uint64_t seed) {
  return concur::hash_values(seed, lower(c));
}

template <class T>
struct propagating_allocator : counting_allocator<T> {
  using counting_allocator<T>::counting_allocator;
  using propagate_on_container_move_assignment = std::true_type;
  template <class U>
  propagating_allocator(const propagating_allocator<U>& other) noexcept
      : counting_allocator<T>(other.account()) {}
};

struct any_hash {
  std::uint64_t operator()(std::uint64_t n) const { return n; }
};
struct any_equal {
  bool operator()(std::uint64_t a, std::uint64_t b) const { return a == b; }
};
using any_allocator = std::pmr::polymorphic_allocator<std::pair<const std::uint64_t, char>>;

/// That `Map(given...)` is an `Expected`, and that it can be made.
template <class Expected, template <class...> class Map, class... Given>
constexpr bool makes = requires(Given&&... given) {
  { Map(static_cast<Given&&>(given)...) } -> std::same_as<Expected>;
};
template <template <class...> class Map, class... Given>
constexpr bool makes_something = requires(Given&&... given) {
  Map(static_cast<Given&&>(given)...);
};

/// What follows `Source...`, a size or not, in all orders that constructors have.
template <template <class...> class Map, class... Source>
constexpr bool deduces_policies() {
  using key = std::uint64_t;
  using standard_hash = concur::hash<key>;
  using equal = std::equal_to<>;
  using from_source = Map<key, char>;
  static_assert(makes<from_source, Map, Source...>);
  static_assert(makes<from_source, Map, Source..., int>);
  static_assert(makes<Map<key, char, any_hash>, Map, Source..., int, any_hash>);
  static_assert(
      makes<Map<key, char, any_hash, any_equal>, Map, Source..., int, any_hash, any_equal>);
  static_assert(makes<Map<key, char, any_hash, any_equal, any_allocator>, Map, Source..., int,
                      any_hash, any_equal, any_allocator>);
  static_assert(makes<Map<key, char, any_hash, equal, any_allocator>, Map, Source..., int, any_hash,
                      any_allocator>);
  static_assert(makes<Map<key, char, standard_hash, equal, any_allocator>, Map, Source..., int,
                      any_allocator>);
  static_assert(
      makes<Map<key, char, standard_hash, equal, any_allocator>, Map, Source..., any_allocator>);
  static_assert(!makes_something<Map, Source..., int, int>);
  static_assert(!makes_something<Map, Source..., any_hash>);
  static_assert(!makes_something<Map, Source..., int, any_allocator, any_allocator>);
  static_assert(!makes_something<Map, Source..., int, any_allocator, any_hash>);
  return true;
}

template <template <class...> class Map>
void deduces_all() {
  using pairs = std::vector<std::pair<std::uint64_t, char>>;
  using numbers = std::vector<std::uint64_t>;
  STATIC_REQUIRE(deduces_policies<Map, pairs::iterator, pairs::iterator>());
  STATIC_REQUIRE(deduces_policies<Map, concur::from_range_t, const pairs&>());
  STATIC_REQUIRE(
      deduces_policies<Map, std::initializer_list<std::pair<const std::uint64_t, char>>>());
  STATIC_REQUIRE_FALSE(makes_something<Map, numbers::iterator, numbers::iterator>);
  STATIC_REQUIRE_FALSE(makes_something<Map, concur::from_range_t, numbers>);
  STATIC_REQUIRE_FALSE(makes_something<Map, int, int>);
  using other = Map<std::uint64_t, char, any_hash, any_equal, any_allocator>;
  STATIC_REQUIRE(makes<other, Map, const other&>);
  STATIC_REQUIRE(makes<other, Map, const other&, std::pmr::memory_resource*>);

  std::pmr::monotonic_buffer_resource memory;
  Map listed({std::pair(std::uint64_t{1}, 'a'), std::pair(std::uint64_t{2}, 'b')}, 10, any_hash(),
             any_equal(), any_allocator(&memory));
  STATIC_REQUIRE(std::is_same_v<decltype(listed), other>);
  REQUIRE(listed.find(2) == 'b');
  REQUIRE(listed.get_allocator().resource() == &memory);
  const std::vector<std::pair<std::uint64_t, char>> values{{3, 'c'}};
  Map sized(values.begin(), values.end(), {100}, any_hash());
  REQUIRE(sized.find(3) == 'c');
  Map ranged(concur::from_range, values, any_allocator(&memory));
  REQUIRE(ranged.find(3) == 'c');
  REQUIRE(ranged.get_allocator().resource() == &memory);
}

/// Another type of 32 bytes.
struct other_digest {
  std::array<unsigned char, 32> bytes;
};

}  // namespace

TEMPLATE_TEST_CASE("maps are made from ranges", "[map]",
                   (concur::cmap<std::uint64_t, std::uint64_t>),
                   (concur::hamt<std::uint64_t, std::uint64_t>),
                   (concur::seqmap<std::uint64_t, std::uint64_t>),
                   (concur::lockmap<std::uint64_t, std::uint64_t>),
                   (concur::lru_lockmap<std::uint64_t, std::uint64_t>)) {
  const concur::hash<std::uint64_t> hash(42);
  const TestType plain(concur::from_range, squares(10));
  REQUIRE(plain.size() == 10);
  REQUIRE(plain.find(3) == 9U);
  const TestType hashed(concur::from_range, squares(10), 100, hash);
  REQUIRE(hashed.size() == 10);
  REQUIRE(hashed.hash_function().seed() == 42);
  const std::vector<pair> values{{1, 2}, {1, 3}, {4, 5}};
  const TestType of_vector(concur::from_range, values, plain.get_allocator());
  REQUIRE(of_vector.size() == 2);
  REQUIRE(of_vector.find(1) == 2U);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<TestType, concur::from_range_t, int>);
  STATIC_REQUIRE_FALSE(
      std::is_constructible_v<TestType, concur::from_range_t, std::vector<pair>, std::string>);
}

TEST_CASE("the types of a map are deduced from what it is made of, as those of a standard map",
          "[map]") {
  deduces_all<concur::cmap>();
  deduces_all<concur::hamt>();
  deduces_all<concur::seqmap>();
  deduces_all<concur::lockmap>();
  deduces_all<concur::lru_lockmap>();

  concur::hamt<std::uint64_t, char, any_hash> map{{1, 'a'}};
  const auto snapshot = map.snapshot();
  const concur::hamt fork(snapshot);
  STATIC_REQUIRE(std::is_same_v<decltype(fork), const concur::hamt<std::uint64_t, char, any_hash>>);
  REQUIRE(fork.find(1U) == 'a');
  const concur::lru_lockmap cache(concur::cache_options<std::uint64_t, char>{.capacity = 5},
                                  any_hash());
  STATIC_REQUIRE(
      std::is_same_v<decltype(cache), const concur::lru_lockmap<std::uint64_t, char, any_hash>>);
  REQUIRE(cache.options().capacity == 5);
}

TEST_CASE("the types of a fixed_map and of a seq_array are deduced", "[map]") {
  using concur::fixed_map, concur::seq_array;
  using bytes = std::pmr::polymorphic_allocator<std::byte>;
  std::pmr::monotonic_buffer_resource memory;
  const std::vector<std::pair<concur::key32, char>> values{{digest(1), 'a'}};
  const fixed_map plain(values.begin(), values.end(), 64);
  STATIC_REQUIRE(std::is_same_v<decltype(plain), const fixed_map<char>>);
  REQUIRE(plain.find(digest(1)) == 'a');
  const fixed_map ranged(concur::from_range, values, 64, concur::digest_hash(7), bytes(&memory));
  STATIC_REQUIRE(std::is_same_v<decltype(ranged), const concur::pmr::fixed_map<char>>);
  REQUIRE(ranged.hash_function().seed() == 7);
  const fixed_map listed({std::pair(digest(2), 'b')}, 64, bytes(&memory));
  STATIC_REQUIRE(std::is_same_v<decltype(listed), const concur::pmr::fixed_map<char>>);
  const fixed_map copy(listed, &memory);
  REQUIRE(copy.find(digest(2)) == 'b');
  STATIC_REQUIRE_FALSE(makes_something<fixed_map, concur::from_range_t, decltype(values)>);
  STATIC_REQUIRE_FALSE(
      makes_something<fixed_map, concur::from_range_t, decltype(values), int, int>);

  using letters = std::pmr::polymorphic_allocator<char>;
  const std::string text = "abc";
  const seq_array array(concur::from_range, text);
  STATIC_REQUIRE(std::is_same_v<decltype(array), const seq_array<char>>);
  const seq_array in_memory(text.begin(), text.end(), letters(&memory));
  STATIC_REQUIRE(std::is_same_v<decltype(in_memory), const concur::pmr::seq_array<char>>);
  REQUIRE(in_memory.load(2) == 'c');
  const seq_array in_memory_too(concur::from_range, text, letters(&memory));
  REQUIRE(in_memory_too.get_allocator().resource() == &memory);
  STATIC_REQUIRE_FALSE(
      makes_something<seq_array, std::string::iterator, std::string::iterator, int>);
}

TEMPLATE_TEST_CASE("std::swap and its like find the swap of a map", "[map]",
                   (concur::cmap<int, int>), (concur::hamt<int, int>), (concur::seqmap<int, int>),
                   (concur::lockmap<int, int>), (concur::lru_lockmap<int, int>)) {
  TestType a{{1, 1}}, b{{2, 2}, {3, 3}};
  STATIC_REQUIRE(std::is_nothrow_swappable_v<TestType>);
  std::ranges::swap(a, b);
  REQUIRE(a.size() == 2);
  {
    using std::swap;
    swap(a, b);
  }
  REQUIRE(a.find(1) == 1);
  REQUIRE(b.find(3) == 3);
}

TEST_CASE("fixed_map: constructors, and keys of another type", "[map]") {
  using map_type = concur::fixed_map<std::uint64_t>;
  const std::vector<std::pair<concur::key32, std::uint64_t>> values{{digest(1), 1}, {digest(2), 2}};
  const map_type made(concur::from_range, values, 64);
  REQUIRE(made.find(digest(2)) == 2U);
  REQUIRE_THROWS_AS(map_type(concur::from_range, values, 1), std::length_error);

  std::pmr::monotonic_buffer_resource memory;
  using pmr_map = concur::pmr::fixed_map<std::uint64_t>;
  const pmr_map in_memory(values.begin(), values.end(), 64, &memory);
  REQUIRE(in_memory.find(digest(1)) == 1U);
  REQUIRE(in_memory.get_allocator().resource() == &memory);
  const pmr_map listed({{digest(1), 1}}, 64, &memory);
  REQUIRE(listed.size() == 1);

  map_type map(64);
  other_digest key{};
  key.bytes[0] = 7;
  REQUIRE(map.emplace(key, 5U).inserted());
  REQUIRE_FALSE(map.emplace(key, 6U).inserted());
  REQUIRE(map.find(key) == 5U);
  std::uint64_t seen = 0;
  map.emplace_or_cvisit(key, 6U, [&](const auto& e) { seen = e.second; });
  REQUIRE(seen == 5);

  map_type other(64);
  std::ranges::swap(map, other);
  REQUIRE(other.find(key) == 5U);
}

TEST_CASE("hamt: an empty handle forks and merges as an empty map", "[map]") {
  using map_type = concur::hamt<int, int>;
  using snapshot = map_type::snapshot_type;
  map_type fork{snapshot()};
  REQUIRE(fork.empty());
  REQUIRE(fork.insert({1, 1}));
  REQUIRE(fork.find(1U) == 1);
  const map_type theirs{{1, 1}, {2, 2}};
  const auto ours_goes = [](int, const int*, const int* ours, const int*) {
    return ours == nullptr ? std::optional<int>() : std::optional<int>(*ours);
  };
  const auto merged = concur::merge(snapshot(), snapshot(), theirs.snapshot(), ours_goes);
  REQUIRE(merged.size() == 2);
  REQUIRE(concur::merge(snapshot(), snapshot(), snapshot(), ours_goes).empty());
  REQUIRE(concur::merge(theirs.snapshot(), snapshot(), theirs.snapshot(), ours_goes).empty());
}

TEST_CASE("vectors of bytes are keys", "[map]") {
  const std::vector<std::byte> key{std::byte{1}, std::byte{2}};
  concur::cmap<std::vector<std::byte>, int> map;
  REQUIRE(map.insert({key, 1}));
  REQUIRE(map.find(key) == 1);
  const std::vector<unsigned char> same{1, 2};
  REQUIRE(concur::hash<std::vector<std::byte>>(3)(key) ==
          concur::hash<std::vector<unsigned char>>(3)(same));
  const std::pmr::vector<unsigned char> other{2, 1};
  REQUIRE(concur::hash<std::pmr::vector<unsigned char>>()(other) !=
          concur::hash<std::vector<unsigned char>>()(same));
  STATIC_REQUIRE_FALSE(concur::hasher_for<concur::hash<std::vector<int>>, std::vector<int>>);
}

TEST_CASE("an async_entry has a name, and epoch_stats print", "[map]") {
  using map_type = concur::lockmap<int, int>;
  STATIC_REQUIRE(std::is_move_constructible_v<map_type::async_entry>);
  std::ostringstream out;
  out << concur::epoch_domain().stats();
  REQUIRE(out.str().find("retired: 0") != std::string::npos);
}

TEST_CASE("batches and lock_all take iterators that make their keys", "[map]") {
  const auto long_text = [](int i) { return std::to_string(i) + std::string(40, 'x'); };
  const made_of keys(20, long_text);
  concur::cmap<std::string, int> map;
  concur::lockmap<std::string, int> locks;
  for (int i = 0; i < 20; i += 2) {
    map.try_emplace(long_text(i), i);
    locks.try_emplace(long_text(i), i);
  }
  std::vector<std::optional<int>> found;
  map.find_each(keys, std::back_inserter(found));
  REQUIRE(found.size() == 20);
  REQUIRE(found[4] == 4);
  REQUIRE(!found[5]);
  std::size_t seen = 0;
  REQUIRE(map.cvisit(keys.begin(), keys.end(), [&](const auto&) { ++seen; }) == 10);
  REQUIRE(seen == 10);
  auto held = locks.lock_all(keys);
  REQUIRE(held.size() == 20);
  REQUIRE(*held[long_text(6)] == 6);
}

TEST_CASE("an enum is hashed by what makes two of them equal", "[map]") {
  STATIC_REQUIRE(concur::hash<plain_color>(1)(plain_color::red) == concur::hash<int>(1)(0));
  concur::cmap<any_case, int> map;
  REQUIRE(map.insert({any_case{'a'}, 1}));
  REQUIRE(map.contains(any_case{'A'}));
  concur::cmap<std::array<any_case, 2>, int> pairs;
  REQUIRE(pairs.insert({{any_case{'a'}, any_case{'b'}}, 1}));
  REQUIRE(pairs.contains({any_case{'A'}, any_case{'b'}}));
}

TEST_CASE("a parallel traversal by who holds a key says so, and waits for nobody", "[map]") {
  concur::lockmap<int, int> map{{1, 1}, {2, 2}};
  const auto held = map.lock(1);
  const auto deadlock = [](const auto& call) {
    try {
      call();
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur;
    }
    return false;
  };
  const concur::parallel two{2};
  REQUIRE(deadlock([&] { map.visit_all(two, [](auto&) {}); }));
  REQUIRE(deadlock([&] { map.cvisit_all(two, [](const auto&) {}); }));
  REQUIRE(deadlock([&] { map.erase_if(two, [](const auto&) { return false; }); }));
  REQUIRE(deadlock([&] { map.visit_while(two, [](auto&) { return true; }); }));
  concur::seqmap<int, int> other{{1, 1}};
  other.visit(1, [&](auto&) {
    REQUIRE(deadlock([&] { other.visit_all(two, [](auto&) {}); }));
    std::atomic<int> shown{0};
    other.cvisit_all(two, [&](const auto&) { ++shown; });
    REQUIRE(shown == 1);
  });
}

TEST_CASE("cache_duration: what does not fit is as long as can be", "[map]") {
  using unsigned_nanoseconds = std::chrono::duration<std::uint64_t, std::nano>;
  STATIC_REQUIRE(concur::cache_duration(unsigned_nanoseconds::max()).is_forever());
  STATIC_REQUIRE(concur::cache_duration(unsigned_nanoseconds(5)).nanoseconds() == 5);
  const std::chrono::duration<double> none(std::numeric_limits<double>::quiet_NaN());
  REQUIRE(concur::cache_duration(none).nanoseconds() == 0);
}

TEST_CASE("seq_array is made from a range", "[map]") {
  const concur::seq_array<int> made(concur::from_range, made_of(5, [](int i) { return i; }));
  REQUIRE(made.size() == 5);
  REQUIRE(made.load(4) == 4);
}

TEST_CASE("seq_array: moved to another allocator, the elements move one by one", "[map]") {
  allocation_account first, second;
  {
    concur::seq_array<int, propagating_allocator<int>> from(propagating_allocator<int>{first});
    for (int i = 0; i < 100; ++i) from.push_back(i);
    const concur::seq_array<int, propagating_allocator<int>> to(std::move(from),
                                                                propagating_allocator<int>{second});
    REQUIRE(to.size() == 100);
    REQUIRE(to.load(99) == 99);
  }
  REQUIRE(first.balanced());
  REQUIRE(second.balanced());
}
