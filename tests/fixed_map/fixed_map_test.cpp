// SPDX-License-Identifier: MIT
/// \file
/// What fixed_map has beyond the vocabulary: keys of 32 bytes, capacity, `full()`, values in place.

#include <concur/fixed_map.hpp>
#include <concur/parallel.hpp>

#include "support/catch.hpp"
#include "support/counting_allocator.hpp"
#include "support/fixed_map_access.hpp"
#include "support/keys32.hpp"
#include "support/threads.hpp"
#include "support/time_limit.hpp"
#include "support/tracked.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using number = std::uint64_t;
using numbers = concur::fixed_map<number>;
using strings = concur::fixed_map<std::string>;

static_assert(concur::bounded_map<numbers>);
static_assert(concur::bounded_map<strings>);
static_assert(concur::bounded_map<concur::fixed_map<std::unique_ptr<int>>>);
static_assert(sizeof(numbers) <= 256);
static_assert(std::is_same_v<numbers::key_type, concur::key32>);
static_assert(std::is_same_v<decltype(std::declval<numbers&>().insert(concur::key32{}, 1)),
                             concur::insert_result>);

template <class T>
constexpr std::size_t slot_bytes = sizeof(concur::detail::fixed_map::own_slot<concur::key32, T>);
static_assert(slot_bytes<number> == 64);
static_assert(slot_bytes<std::array<number, 2>> == 64);
static_assert(slot_bytes<std::array<char, 9>> == 64);
static_assert(slot_bytes<std::array<number, 3>> == 128);
static_assert(slot_bytes<std::unique_ptr<int>> == 64);

struct one_home {
  using is_avalanching = void;
  number operator()(const concur::key32& key) const {
    return std::to_integer<number>(key[0]);  // high bits: zero
  }
};

/// Spreads, and every tag is the same.
struct one_tag {
  using is_avalanching = void;
  number operator()(const concur::key32& key) const {
    return concur::digest_hash(1)(key) & ~number{255};
  }
};

/// Every key is at home in one of the first three slots of 64.
struct first_homes {
  using is_avalanching = void;
  number operator()(const concur::key32& key) const {
    const number hash = concur::digest_hash(1)(key);
    return (hash % 3) << 58 | (hash >> 6 & 255);
  }
};

std::string long_string(number i) {
  return "a value that does not fit into the string itself: " + std::to_string(i);
}

}  // namespace

TEST_CASE("fixed_map: the capacity is a power of two, or it is refused") {
  for (const std::size_t n : {std::size_t{0}, std::size_t{3}, std::size_t{100}, ~std::size_t{0},
                              (std::size_t{1} << 33) + 1}) {
    INFO(n);
    REQUIRE_THROWS_AS(numbers(n), std::invalid_argument);
  }
  REQUIRE_THROWS_AS(numbers(std::size_t{1} << 63), std::length_error);
  for (const std::size_t n : {1u, 2u, 64u, 1024u}) {
    const numbers map(n);
    REQUIRE(map.capacity() == n);
    REQUIRE(map.empty());
    REQUIRE_FALSE(map.contains(digest(1)));
  }
}

TEST_CASE("fixed_map: every slot is usable, and full() is said when there is none") {
  for (const std::size_t capacity : {1u, 2u, 8u, 256u, 1024u}) {
    numbers map(capacity);
    for (number i = 0; i < capacity; ++i) REQUIRE(map.insert(digest(i), i).inserted());
    REQUIRE(map.size() == capacity);
    REQUIRE(map.load_factor() == 1.0F);
    for (int again = 0; again < 3; ++again) REQUIRE(map.insert(digest(capacity), 0).full());
    REQUIRE(map.insert(digest(0), 7).exists());
    REQUIRE(map.insert_or_assign(digest(capacity), 0).full());
    REQUIRE(map.upsert(
                   digest(capacity), [](number&) {}, 0)
                .full());
    REQUIRE(map.try_emplace(digest(capacity), 0).full());
    REQUIRE(map.insert_or_visit({digest(capacity), 0}, [](auto&) {}).full());
    REQUIRE_THROWS_AS(map.exchange(digest(capacity), 0), std::length_error);
    REQUIRE_THROWS_AS(map.compute(digest(capacity), [](auto& v) { v = 1; }), std::length_error);
    // A full map answers, updates and erases.
    for (number i = 0; i < capacity; ++i) REQUIRE(map.find(digest(i)) == i);
    REQUIRE(map.update(digest(0), [](number& v) { v += 100; }) == 1);
    REQUIRE(map.insert_or_assign(digest(0), 0).exists());
    REQUIRE(map.erase(digest(0)) == 1);
    REQUIRE(map.insert(digest(capacity), 5).inserted());
    REQUIRE(map.insert(digest(0), 5).full());
    REQUIRE(broken_invariant(map) == nullptr);
    map.clear();
    REQUIRE(map.stats().longest_probe == 0);
    REQUIRE(broken_invariant(map) == nullptr);
  }
}

TEST_CASE("fixed_map: one allocation at construction, and none after it") {
  allocation_account account;
  {
    using allocator = counting_allocator<std::byte>;
    concur::fixed_map<std::uint64_t, concur::digest_hash, allocator> map(1024, allocator{account});
    REQUIRE(account.total_allocations() == 1);
    for (number i = 0; i < 1100; ++i) map.insert(digest(i), i);
    for (number i = 0; i < 1000; ++i) {
      map.update(digest(i), [](number& v) { ++v; });
      map.erase(digest(i));
      map.upsert(
          digest(i), [](number&) {}, 1);
      map.compute(digest(i), [](auto& v) { v.reset(); });
    }
    map.cvisit_all([](const auto&) {});
    map.clear();
    map.reserve(100'000);
    map.shrink_to_fit();
    REQUIRE(account.total_allocations() == 1);
    REQUIRE(account.live_allocations() == 1);
  }
  REQUIRE(account.balanced());
}

TEST_CASE("fixed_map: a map without capacity allocates nothing, and is always full") {
  allocation_account account;
  using allocator = counting_allocator<std::byte>;
  using map_type = concur::fixed_map<std::string, concur::digest_hash, allocator>;
  map_type map{allocator{account}};
  REQUIRE(account.total_allocations() == 0);
  REQUIRE(map.capacity() == 0);
  REQUIRE(map.load_factor() == 0.0F);
  REQUIRE(map.insert(digest(1), "one").full());
  REQUIRE_FALSE(map.contains(digest(1)));
  REQUIRE(map.erase(digest(1)) == 0);
  REQUIRE(map.cvisit_all([](const auto&) {}) == 0);
  map = map_type(64, allocator{account});
  REQUIRE(map.insert(digest(1), "one").inserted());
  map_type moved(std::move(map));
  REQUIRE(moved.find(digest(1)) == "one");
  REQUIRE(map.capacity() == 0);  // NOLINT: what was moved from has a meaning here
  REQUIRE(map.insert(digest(1), "one").full());
}

TEST_CASE("fixed_map: any type of 32 bytes that is equal by its bytes stands for a key") {
  struct four_words {
    number words[4];
  };
  numbers map(64);
  REQUIRE(map.insert(four_words{{1, 2, 3, 4}}, 5).inserted());
  REQUIRE(map.insert(std::pair(four_words{{1, 2, 3, 5}}, 6)).inserted());
  REQUIRE(map.find(std::array<std::uint8_t, 32>{1}) == std::nullopt);
  REQUIRE(map.find(four_words{{1, 2, 3, 4}}) == 5);
  REQUIRE(map.find(std::array<number, 4>{1, 2, 3, 4}) == 5);
  REQUIRE(map.update(std::array<number, 4>{1, 2, 3, 4}, [](number& v) { ++v; }) == 1);
  REQUIRE(map.insert_or_assign(std::array<std::uint32_t, 8>{9}, 1).inserted());
  REQUIRE(map.upsert(
                 std::array<std::uint32_t, 8>{9}, [](number& v) { ++v; }, 1)
              .exists());
  REQUIRE(map.erase(four_words{{1, 2, 3, 4}}) == 1);
  REQUIRE(map.take(std::array<std::uint32_t, 8>{9}) == 2);
  REQUIRE(map.size() == 1);
}

TEST_CASE("fixed_map: a value in place is changed where it is, and destroyed when it is erased") {
  strings map(64);
  for (number i = 0; i < 40; ++i) REQUIRE(map.insert(digest(i), long_string(i)));
  REQUIRE(map.update(digest(1), [](std::string& s) { s += "!"; }) == 1);
  REQUIRE(map.find(digest(1)) == long_string(1) + "!");
  REQUIRE(map.cvisit(digest(2), [](const auto& e) {
    static_assert(std::is_same_v<decltype(e.second), const std::string&>);
    REQUIRE(e.first == digest(2));
    REQUIRE(e.second == long_string(2));
  }) == 1);
  REQUIRE(map.visit(digest(3), [](auto& e) { e.second.clear(); }) == 1);
  REQUIRE(map.find(digest(3)) == "");
  REQUIRE(map.exchange(digest(4), "four") == long_string(4));
  REQUIRE(map.take(digest(5)) == long_string(5));
  REQUIRE(map.erase_if([](const auto& e) { return e.second.size() > 20; }) == 37);
  REQUIRE(map.size() == 2);
  REQUIRE(broken_invariant(map) == nullptr);

  concur::fixed_map<std::shared_ptr<int>> owners(8);
  const auto shared = std::make_shared<int>(1);
  owners.insert(digest(1), shared);
  owners.insert(digest(2), shared);
  REQUIRE(shared.use_count() == 3);
  owners.insert(digest(1), shared);
  REQUIRE(shared.use_count() == 3);
  owners.erase(digest(1));
  REQUIRE(shared.use_count() == 2);
  owners.insert_or_assign(digest(2), std::make_shared<int>(2));
  REQUIRE(shared.use_count() == 1);
  owners.insert(digest(3), shared);
  owners.clear();
  REQUIRE(shared.use_count() == 1);
}

TEST_CASE("fixed_map: values lie as their type wants, in place or as copies") {
  struct alignas(256) placed {
    explicit placed(std::string s) : text(std::move(s)) {}
    std::string text;
  };
  struct alignas(256) copied {
    number n;
  };
  concur::fixed_map<placed> in_place(16);
  concur::fixed_map<copied> copies(16);
  for (number i = 0; i < 8; ++i) {
    REQUIRE(in_place.insert(digest(i), placed(long_string(i))).inserted());
    REQUIRE(copies.insert(digest(i), copied{i}).inserted());
  }
  const auto is_aligned = [](const auto& v) {
    return reinterpret_cast<std::uintptr_t>(&v) % 256 == 0;
  };
  for (number i = 0; i < 8; ++i) {
    REQUIRE(in_place.visit(digest(i), [&](auto& e) {
      REQUIRE(is_aligned(e.second));
      REQUIRE(e.second.text == long_string(i));
    }) == 1);
    REQUIRE(copies.cvisit(digest(i), [&](const auto& e) {
      REQUIRE(is_aligned(e.second));
      REQUIRE(e.second.n == i);
    }) == 1);
  }
}

TEST_CASE("fixed_map: a value that can be neither copied nor moved is made in its slot") {
  concur::fixed_map<std::atomic<int>> map(8);
  REQUIRE(map.try_emplace(digest(1), 5).inserted());
  REQUIRE(map.try_emplace(digest(1), 6).exists());
  int seen = 0;
  REQUIRE(map.cvisit(digest(1), [&](const auto& e) { seen = e.second.load(); }) == 1);
  REQUIRE(seen == 5);
  REQUIRE(map.visit(digest(1), [](auto& e) { e.second.fetch_add(1); }) == 1);
  REQUIRE(map.upsert(
                 digest(1), [&](std::atomic<int>& v) { seen = v.load(); }, 1)
              .exists());
  REQUIRE(seen == 6);
  REQUIRE(map.erase(digest(1)) == 1);
}

TEST_CASE("fixed_map: a hasher that cannot be assigned is enough to make, copy and move a map") {
  number seed = 1;
  const auto hash = [&seed](const concur::key32& key) { return concur::digest_hash(seed)(key); };
  using M = concur::fixed_map<number, std::remove_const_t<decltype(hash)>>;
  M map(16, hash);
  map.try_emplace(digest(1), 10);
  const M copy(map);
  const M moved(std::move(map));
  REQUIRE(copy.find(digest(1)) == 10);
  REQUIRE(moved.find(digest(1)) == 10);
}

TEST_CASE("fixed_map: values that only move go to another allocator, trivially copyable or not") {
  struct token {
    explicit token(number n) : value(n) {}
    token(token&&) = default;
    token& operator=(token&&) = default;
    number value;
  };
  static_assert(std::is_trivially_copyable_v<token> && !std::is_copy_constructible_v<token>);
  const auto check = [](auto make, auto read) {
    using T = decltype(make(number{}));
    using M = concur::fixed_map<T, concur::digest_hash, counting_allocator<std::byte>>;
    allocation_account here;
    allocation_account there;
    M map(64, concur::digest_hash(), counting_allocator<std::byte>(here));
    for (number i = 0; i < 40; ++i) map.try_emplace(digest(i), make(i));
    M moved(std::move(map), counting_allocator<std::byte>(there));
    REQUIRE(moved.size() == 40);
    for (number i = 0; i < 40; ++i) {
      moved.cvisit(digest(i), [&](const auto& e) { REQUIRE(read(e.second) == i); });
    }
  };
  check([](number n) { return token(n); }, [](const token& t) { return t.value; });
  check([](number n) { return std::make_unique<number>(n); },
        [](const std::unique_ptr<number>& p) { return *p; });
}

TEST_CASE("fixed_map: values in place, called from their own callbacks") {
  strings map(64);
  map.insert(digest(1), "one");
  map.insert(digest(2), "two");
  const auto is_refused = [](auto call) {
    try {
      call();
      return false;
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur;
    }
  };
  int calls = 0;
  map.update(digest(1), [&](std::string&) {
    ++calls;
    REQUIRE(is_refused([&] { static_cast<void>(map.find(digest(1))); }));
    REQUIRE(is_refused([&] { map.cvisit_all([](const auto&) {}); }));
    REQUIRE(map.find(digest(2)) == "two");
    REQUIRE_FALSE(map.contains(digest(3)));
    REQUIRE(is_refused([&] { map.erase(digest(1)); }));
    REQUIRE(is_refused([&] { map.insert(digest(3), "three"); }));
    REQUIRE(is_refused([&] { map.update(digest(2), [](std::string&) {}); }));
  });
  map.cvisit(digest(1), [&](const auto&) {
    ++calls;
    REQUIRE(map.find(digest(1)) == "one");
    REQUIRE(is_refused([&] { map.erase(digest(1)); }));
    REQUIRE(map.update(digest(2), [](std::string& s) { s += "!"; }) == 1);
    REQUIRE(map.insert(digest(3), "three").inserted());
  });
  REQUIRE(calls == 2);
  REQUIRE(map.find(digest(2)) == "two!");
  REQUIRE(map.erase(digest(1)) == 1);
  REQUIRE(broken_invariant(map) == nullptr);
}

namespace {

/// Parallel traversals of a map with 20 elements, and how many they have shown.
template <class Map>
class parallel_traversals {
 public:
  explicit parallel_traversals(Map& map) : map_(map) {
    for (number i = 0; i < 20; ++i) map.try_emplace(digest(i));
  }

  bool change() { return map_.visit_all(three, counted()) == 20 && shown_.exchange(0) == 20; }
  bool look() { return map_.cvisit_all(three, counted()) == 20 && shown_.exchange(0) == 20; }
  /// None of them shows anything.
  bool refuse_changes() {
    return refuses([&] { map_.visit_all(three, counted()); }) &&
           refuses([&] { map_.visit_while(three, counted()); }) &&
           refuses([&] { map_.erase_if(three, counted()); });
  }
  bool refuse_looks() {
    return refuses([&] { map_.cvisit_all(three, counted()); }) &&
           refuses([&] { map_.cvisit_while(three, counted()); });
  }

 private:
  static constexpr concur::parallel three{3};

  auto counted() {
    return [this](const auto&) { return ++shown_ != 0; };
  }
  template <class Traversal>
  bool refuses(const Traversal& traversal) {
    try {
      traversal();
    } catch (const std::system_error& error) {
      return error.code() == std::errc::resource_deadlock_would_occur && shown_ == 0;
    }
    return false;
  }

  Map& map_;
  std::atomic<std::size_t> shown_{0};
};

}  // namespace

TEST_CASE("fixed_map: parallel traversals by who holds a value in place wait for nobody") {
  const time_limit limit(std::chrono::seconds(60));
  strings map(64);
  parallel_traversals<strings> traversals(map);
  // Who reads a value keeps out who changes it.
  map.cvisit(digest(7), [&](const auto&) {
    REQUIRE(traversals.refuse_changes());
    REQUIRE(traversals.look());
    strings other(map);
    REQUIRE(parallel_traversals<strings>(other).change());
  });
  map.scan(0, 1, [&](const auto&) { REQUIRE(traversals.refuse_changes()); });
  // Who changes it keeps out everybody, also while he reads another.
  map.visit(digest(7), [&](auto&) {
    REQUIRE(traversals.refuse_changes());
    REQUIRE(traversals.refuse_looks());
    map.cvisit(digest(8), [&](const auto&) { REQUIRE(traversals.refuse_looks()); });
  });
  // What is being made is nobody's yet.
  map.compute(digest(20), [&](auto&) {
    REQUIRE(traversals.refuse_changes());
    REQUIRE(traversals.look());
  });
  // On the threads that help, too.
  std::atomic<int> refused{0};
  map.cvisit_all(concur::parallel{3},
                 [&](const auto&) { refused += traversals.refuse_changes() ? 1 : 0; });
  REQUIRE(refused == 20);
  REQUIRE(traversals.change());
}

TEST_CASE("fixed_map: parallel traversals by who has a copy of a value") {
  const time_limit limit(std::chrono::seconds(60));
  concur::fixed_map<std::array<number, 3>> map(64);
  parallel_traversals<concur::fixed_map<std::array<number, 3>>> traversals(map);
  map.cvisit(digest(7), [&](const auto&) { REQUIRE(traversals.change()); });
  map.visit(digest(7), [&](auto&) {
    REQUIRE(traversals.refuse_changes());
    REQUIRE(traversals.look());
  });
  REQUIRE(traversals.change());
}

TEST_CASE("fixed_map: a callback that throws changes nothing, and an insertion leaves no claim") {
  numbers map(4);
  struct thrown {};
  map.insert(digest(1), 1);
  REQUIRE_THROWS_AS(map.update(digest(1), [](number& v) { v = 2, throw thrown(); }), thrown);
  REQUIRE(map.find(digest(1)) == 1);
  REQUIRE_THROWS_AS(map.compute(digest(2), [](auto&) { throw thrown(); }), thrown);
  REQUIRE_THROWS_AS(map.erase_if(digest(1), [](const auto&) -> bool { throw thrown(); }), thrown);
  struct throws_when_made {
    throws_when_made() = default;
    explicit throws_when_made(int) { throw thrown(); }
    number value = 0;
  };
  concur::fixed_map<throws_when_made> makers(1);
  for (int i = 0; i < 3; ++i) REQUIRE_THROWS_AS(makers.try_emplace(digest(1), 1), thrown);
  REQUIRE(makers.try_emplace(digest(1)).inserted());
  REQUIRE(broken_invariant(map) == nullptr);
  REQUIRE(broken_invariant(makers) == nullptr);
}

TEST_CASE("fixed_map: keys far from their home are found, and their bounds come down again") {
  concur::fixed_map<number, one_home> map(256);
  for (number i = 0; i < 256; ++i) REQUIRE(map.insert(digest(i), i).inserted());
  REQUIRE(map.stats().longest_probe == 256);
  REQUIRE(broken_invariant(map) == nullptr);
  for (number i = 0; i < 256; ++i) REQUIRE(map.find(digest(i)) == i);
  for (number i = 255; i >= 100; --i) {
    REQUIRE(map.erase(digest(i)) == 1);
    REQUIRE(map.stats().longest_probe == i);
  }
  for (number i = 0; i < 99; ++i) REQUIRE(map.erase(digest(i)) == 1);
  REQUIRE(map.stats().longest_probe == 100);
  REQUIRE(map.erase(digest(99)) == 1);
  REQUIRE(map.stats().longest_probe == 0);
  REQUIRE(broken_invariant(map) == nullptr);
}

TEST_CASE("fixed_map: a key is found whatever its tag, also where tags are alike") {
  for (const number capacity : {1U, 2U, 4U, 8U, 64U}) {
    concur::fixed_map<number, one_tag> map(capacity);
    for (number i = 0; i < capacity; ++i) {
      REQUIRE(map.insert(digest(i), i).inserted());
      REQUIRE(broken_invariant(map) == nullptr);
      for (number k = 0; k < capacity; ++k) REQUIRE(map.contains(digest(k)) == (k <= i));
    }
    for (number i = 0; i < capacity; i += 2) REQUIRE(map.erase(digest(i)) == 1);
    for (number i = 0; i < capacity; ++i) REQUIRE(map.contains(digest(i)) == (i % 2 != 0));
    REQUIRE(broken_invariant(map) == nullptr);
    map.clear();
    REQUIRE(broken_invariant(map) == nullptr);
  }
}

TEST_CASE("fixed_map: lookups beside homes with far elements find no more and no less") {
  concur::fixed_map<number, first_homes> map(64);
  for (number i = 0; i < 40; ++i) REQUIRE(map.insert(digest(i), i).inserted());
  REQUIRE(map.stats().longest_probe > 8);
  for (number i = 0; i < 80; ++i) REQUIRE(map.contains(digest(i)) == (i < 40));
  for (number i = 39; i != 7; --i) {
    REQUIRE(map.erase(digest(i)) == 1);
    REQUIRE(broken_invariant(map) == nullptr);
    for (number k = 0; k < 40; ++k) REQUIRE(map.contains(digest(k)) == (k < i));
  }
}

TEST_CASE("fixed_map: scan shows every element once, however it is cut") {
  numbers map(256);
  for (number i = 0; i < 200; ++i) map.insert(digest(i), i);
  for (const std::size_t step : {1u, 7u, 1000u}) {
    std::vector<int> seen(200);
    number cursor = 0;
    do {
      cursor = map.scan(cursor, step, [&](const auto& e) { ++seen[e.second]; });
    } while (cursor != 0);
    REQUIRE(seen == std::vector<int>(200, 1));
  }
}

TEST_CASE("fixed_map: stats print as they are") {
  numbers map(256);
  map.insert(digest(1), 1);
  std::ostringstream out;
  out << map.stats();
  REQUIRE(out.str() ==
          "fixed_map{size: 1, capacity: 256, load_factor: 0.00390625, slot_bytes: 64, "
          "longest_probe: 1}");
}

TEST_CASE("fixed_map: elements that do not fit are refused by the constructor") {
  using element = std::pair<const concur::key32, number>;
  const std::vector<element> three{{digest(1), 1}, {digest(2), 2}, {digest(3), 3}};
  REQUIRE_THROWS_AS(numbers(three.begin(), three.end(), 2), std::length_error);
  REQUIRE(numbers(three.begin(), three.end(), 4).size() == 3);
  REQUIRE(numbers({{digest(1), 1}}, 1).size() == 1);
}

TEST_CASE("fixed_map: threads fill the last slots, and each is told the truth") {
  constexpr int threads = 4;
  for (int round = 0; round < 50; ++round) {
    numbers map(64);
    failures found;
    std::atomic<number> inserted{0};
    on_threads(threads, found, [&](int index) {
      for (number i = 0; i < 40; ++i) {
        const number key = i * threads + static_cast<number>(index);
        const auto result = map.insert(digest(key), key);
        if (result) inserted.fetch_add(1);
        MT_CHECK(found, result.inserted() == map.contains(digest(key)));
        MT_CHECK(found, !result.exists());
      }
    });
    found.require();
    REQUIRE(inserted == 64);
    REQUIRE(map.size() == 64);
    REQUIRE(broken_invariant(map) == nullptr);
  }
}

TEST_CASE("fixed_map: keys and values whose operator& is not that of the language") {
  struct key {
    number words[4];
    void operator&() const = delete;
  };
  const auto check = []<std::size_t Size>() {
    struct value {
      std::array<unsigned char, Size> bytes;
      void operator&() const = delete;
    };
    concur::fixed_map<value> map(64);
    REQUIRE(map.insert(key{{1, 2, 3, 4}}, value{{7}}).inserted());
    REQUIRE(map.update(key{{1, 2, 3, 4}}, [](value& v) { ++v.bytes[Size - 1]; }) == 1);
    REQUIRE(map.find(std::array<number, 4>{1, 2, 3, 4})->bytes[Size - 1] == (Size == 1 ? 8 : 1));
    REQUIRE(map.erase_if([](const auto&) { return true; }) == 1);
    REQUIRE(map.erase(key{{1, 2, 3, 4}}) == 0);
  };
  check.operator()<1>();
  check.operator()<8>();
  check.operator()<20>();
  check.operator()<300>();
}
