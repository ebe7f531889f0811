// SPDX-License-Identifier: MIT
/// \file
/// Keys and values that take an allocator are made with the map's, by every operation that makes
/// one: nothing of them comes from the default resource, which has nothing here.

#include "support/catch.hpp"
#include "support/own_resource.hpp"

#include <concur/cmap.hpp>
#include <concur/fixed_map.hpp>
#include <concur/hamt.hpp>
#include <concur/lockmap.hpp>
#include <concur/lockmap_async.hpp>
#include <concur/lru_lockmap.hpp>
#include <concur/pmr.hpp>
#include <coroutine>
#include <memory>
#include <optional>
#include <scoped_allocator>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

using text = std::pmr::string;
using texts = std::pmr::vector<text>;
using note = std::pair<int, text>;

constexpr const char* long_text = "too long to be kept in the string itself";
constexpr const char* other_text = "no less long, and something else as well";

// One signature for all: a cache that nothing leaves.
template <class Key, class T, class Hash = concur::hash<Key>>
struct roomy_cache : concur::pmr::lru_lockmap<Key, T, Hash> {
  using base = concur::pmr::lru_lockmap<Key, T, Hash>;
  explicit roomy_cache(const typename base::allocator_type& allocator) : base(1'000, allocator) {}
  roomy_cache(const roomy_cache& other, const typename base::allocator_type& allocator)
      : base(other, allocator) {}
  roomy_cache(roomy_cache&& other, const typename base::allocator_type& allocator)
      : base(std::move(other), allocator) {}
  roomy_cache(const roomy_cache&) = default;
  roomy_cache& operator=(const roomy_cache&) = default;
  ~roomy_cache() = default;
};

struct of_cmap {
  template <class Key, class T, class Hash = concur::hash<Key>>
  using map = concur::pmr::cmap<Key, T, Hash>;
};
struct of_hamt {
  template <class Key, class T, class Hash = concur::hash<Key>>
  using map = concur::pmr::hamt<Key, T, Hash>;
};
struct of_lockmap {
  template <class Key, class T, class Hash = concur::hash<Key>>
  using map = concur::pmr::lockmap<Key, T, Hash>;
};
struct of_lru_lockmap {
  template <class Key, class T, class Hash = concur::hash<Key>>
  using map = roomy_cache<Key, T, Hash>;
};
using all_maps = std::tuple<of_cmap, of_hamt, of_lockmap, of_lru_lockmap>;
using rewriting_maps = std::tuple<of_cmap, of_hamt>;
using locking_maps = std::tuple<of_lockmap, of_lru_lockmap>;

template <class X>
bool is_of(const X&, const own_resource&) {
  return true;
}
bool is_of(const text& t, const own_resource& memory) {
  return t.get_allocator().resource() == &memory;
}
bool is_of(const note& n, const own_resource& memory) {
  return is_of(n.second, memory);
}
bool is_of(const texts& all, const own_resource& memory) {
  if (all.get_allocator().resource() != &memory) return false;
  for (const text& t : all) {
    if (!is_of(t, memory)) return false;
  }
  return true;
}

/// Whether there are `n` elements, all of whose memory is of this resource.
template <class Map>
bool has_own(const Map& map, std::size_t n, const own_resource& memory) {
  std::size_t seen = 0;
  map.cvisit_all([&](const auto& element) {
    if (is_of(element.first, memory) && is_of(element.second, memory)) ++seen;
  });
  return seen == n && map.size() == n;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("what is inserted has the memory of the map", "[elements]", all_maps) {
  using M = typename TestType::template map<text, text>;
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    M map{typename M::allocator_type(&memory)};
    const text key("a key that is copied, and long enough", &elsewhere);
    const text value(long_text, &elsewhere);
    REQUIRE(map.insert(
        {text("a key that is moved, and long enough", &elsewhere), text(long_text, &elsewhere)}));
    REQUIRE(map.insert(std::pair<const text&, const text&>(key, value)));
    REQUIRE(map.insert(std::pair("a key that is no string, and is long", long_text)));
    REQUIRE(map.emplace("a key in place, which is long enough", long_text));
    REQUIRE(map.emplace());
    REQUIRE(map.emplace(std::piecewise_construct, std::forward_as_tuple(50U, 'k'),
                        std::forward_as_tuple(50U, 'v')));
    REQUIRE(map.try_emplace("a key that is tried, and long enough", 60, 'v'));
    REQUIRE(map.try_emplace("a key of nothing at all, and is long"));
    REQUIRE(map.insert_or_assign("a key that is new, and is long enough", value));
    REQUIRE_FALSE(map.exchange("a key for an exchange, and so on, long", value));
    REQUIRE(map.upsert(
        "a key for an upsert, and so on, long", [](text&) {}, value));
    REQUIRE(map.compute("a key that is computed, and is long",
                        [&](std::optional<text>& v) { v.emplace(long_text, &elsewhere); }));
    REQUIRE(map.insert_and_cvisit(
        std::pair("a key that is shown, and long enough", long_text), [](const auto&) {},
        [](const auto&) {}));
    REQUIRE(has_own(map, 13, memory));
  }
  REQUIRE(memory.live_bytes() == 0);
}

namespace {

/// Takes keys only: what is not one is made one.
struct hash_of_keys {
  std::size_t operator()(const text& key) const { return concur::hash<text>()(key); }
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("what is made a key to be inserted has the memory of the map", "[elements]",
                        all_maps) {
  using M = typename TestType::template map<text, int, hash_of_keys>;
  own_resource memory;
  const no_default_resource no_default;
  M map{typename M::allocator_type(&memory)};
  REQUIRE(map.try_emplace("a key to try, which is long enough", 1));
  REQUIRE(map.insert_or_assign("a key to assign, which is long enough", 1));
  REQUIRE(map.upsert(
      "a key to change, which is long enough", [](int&) {}, 1));
  REQUIRE(
      map.compute("a key to compute, which is long enough", [](std::optional<int>& v) { v = 1; }));
  REQUIRE(map.emplace("a key in place, which is long enough", 1));
  REQUIRE(map.emplace(std::string_view("a key that does not convert, but is long"), 1));
  if constexpr (requires { map.lock(long_text); }) {
    map.lock("a key to lock, which is long enough").emplace(1);
    REQUIRE(map.get_or_compute("a key to get, which is long enough", [] { return 1; }) == 1);
    REQUIRE(has_own(map, 8, memory));
  } else {
    REQUIRE(has_own(map, 6, memory));
  }
}

TEMPLATE_LIST_TEST_CASE("what is changed keeps the memory of the map", "[elements]", all_maps) {
  using M = typename TestType::template map<text, text>;
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    M map{typename M::allocator_type(&memory)};
    const text value(long_text, &elsewhere);
    REQUIRE(map.try_emplace(other_text, 60, 'v'));
    REQUIRE_FALSE(map.insert_or_assign(other_text, value));
    REQUIRE(has_own(map, 1, memory));
    REQUIRE_FALSE(map.insert_or_assign(other_text, other_text));
    REQUIRE(has_own(map, 1, memory));
    REQUIRE_FALSE(map.insert_or_assign(other_text, text(long_text, &elsewhere)));
    REQUIRE(has_own(map, 1, memory));
    REQUIRE(map.update(other_text, [](text& v) { v += " and more"; }) == 1);
    REQUIRE(has_own(map, 1, memory));
    REQUIRE_FALSE(map.upsert(
        other_text, [](text& v) { v = long_text; }, "is not used"));
    REQUIRE(has_own(map, 1, memory));
    REQUIRE(map.replace_if_equal(other_text, long_text, text(other_text, &elsewhere)));
    REQUIRE(has_own(map, 1, memory));
    REQUIRE(map.compute(other_text, [&](std::optional<text>& v) {
      REQUIRE(is_of(*v, memory));
      *v += " and more";
    }));
    REQUIRE(has_own(map, 1, memory));
    // What is handed out is the caller's: a copy of it has the default resource.
    REQUIRE_FALSE(map.insert_or_assign(other_text, "short"));
    REQUIRE(map.exchange(other_text, value) == "short");
    REQUIRE(has_own(map, 1, memory));
  }
  REQUIRE(memory.live_bytes() == 0);
}

TEMPLATE_LIST_TEST_CASE("what is made again after a lost race has the memory of the map",
                        "[elements]", rewriting_maps) {
  using M = typename TestType::template map<int, text>;
  own_resource memory;
  own_resource elsewhere;
  const no_default_resource no_default;
  M map{typename M::allocator_type(&memory)};
  int runs = 0;
  REQUIRE(map.compute(1, [&](std::optional<text>& v) {
    // It finds the key absent, then present, and absent once more.
    ++runs;
    if (runs == 1) map.try_emplace(1, long_text);
    if (runs == 2) map.erase(1);
    v.emplace(other_text, &elsewhere);
  }));
  REQUIRE(runs == 3);
  REQUIRE(has_own(map, 1, memory));
}

namespace {

/// A text whose moves cannot throw, and which may be assigned or not.
template <bool CanBeAssigned>
class boxed_text {
 public:
  using allocator_type = std::pmr::polymorphic_allocator<char>;

  explicit boxed_text(const char* value, allocator_type allocator = {})
      : memory_(allocator), value_(memory_.template new_object<text>(value)) {}
  boxed_text(const boxed_text& other, allocator_type allocator = {})
      : memory_(allocator), value_(memory_.template new_object<text>(*other.value_)) {}
  boxed_text(boxed_text&& other) noexcept
      : memory_(other.memory_), value_(std::exchange(other.value_, nullptr)) {}
  boxed_text(boxed_text&& other, allocator_type allocator)
      : memory_(allocator), value_(memory_.template new_object<text>(*other.value_)) {}
  boxed_text& operator=(boxed_text&& other) noexcept requires CanBeAssigned {
    // Whose memory it is was settled when both were made.
    std::swap(value_, other.value_);
    return *this;
  }
  ~boxed_text() {
    if (value_ != nullptr) memory_.delete_object(value_);
  }

  friend bool is_of(const boxed_text& t, const own_resource& memory) {
    return t.memory_.resource() == &memory && is_of(*t.value_, memory);
  }

 private:
  allocator_type memory_;
  text* value_;
};

/// Values are replaced, and not by assignment from what is given.
template <class Map, class Value>
void replace_some(Map& map, const own_resource& memory) {
  REQUIRE(map.try_emplace(1, long_text));
  REQUIRE_FALSE(map.insert_or_assign(1, other_text));
  REQUIRE(has_own(map, 1, memory));
  REQUIRE_FALSE(map.upsert(
      1, [](const Value&) {}, other_text));
  if constexpr (requires { map.lock(1); }) {
    map.lock(1).exchange(long_text);
    REQUIRE(has_own(map, 1, memory));
    if constexpr (std::is_move_assignable_v<Value>) {
      REQUIRE(map.exchange(1, other_text));
      REQUIRE(has_own(map, 1, memory));
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("what replaces a value has the memory of the map", "[elements]", all_maps) {
  own_resource memory;
  {
    const no_default_resource no_default;
    using fixed_texts = typename TestType::template map<int, boxed_text<false>>;
    fixed_texts fixed{typename fixed_texts::allocator_type(&memory)};
    replace_some<fixed_texts, boxed_text<false>>(fixed, memory);
    using texts_to_assign = typename TestType::template map<int, boxed_text<true>>;
    texts_to_assign assigned{typename texts_to_assign::allocator_type(&memory)};
    replace_some<texts_to_assign, boxed_text<true>>(assigned, memory);
  }
  REQUIRE(memory.live_bytes() == 0);
}

TEMPLATE_LIST_TEST_CASE("elements of another map are made anew", "[elements]", all_maps) {
  using M = typename TestType::template map<text, texts>;
  using allocator = typename M::allocator_type;
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    M from{allocator(&elsewhere)};
    for (char c = 'a'; c <= 'z'; ++c) {
      const texts value({text(40, c, &elsewhere), text(50, c, &elsewhere)}, &elsewhere);
      REQUIRE(from.try_emplace(text(60, c, &elsewhere), value));
    }
    REQUIRE(has_own(from, 26, elsewhere));

    const M copy(from, allocator(&memory));
    REQUIRE(has_own(copy, 26, memory));
    M assigned{allocator(&memory)};
    assigned = from;
    REQUIRE(has_own(assigned, 26, memory));
    M merged{allocator(&memory)};
    REQUIRE(merged.merge(from) == 26);
    REQUIRE(has_own(merged, 26, memory));
    REQUIRE(from.empty());
    M moved(std::move(merged), allocator(&elsewhere));
    REQUIRE(has_own(moved, 26, elsewhere));
    M listed{allocator(&memory)};
    moved.cvisit_all([&](const auto& element) { listed.insert(element); });
    REQUIRE(has_own(listed, 26, memory));
  }
  REQUIRE(memory.live_bytes() == 0);
  REQUIRE(elsewhere.live_bytes() == 0);
}

TEMPLATE_LIST_TEST_CASE("both parts of a value that is a pair get it", "[elements]", all_maps) {
  using M = typename TestType::template map<int, note>;
  own_resource memory;
  own_resource elsewhere;
  const no_default_resource no_default;
  M map{typename M::allocator_type(&memory)};
  REQUIRE(map.try_emplace(1, 1, long_text));
  REQUIRE(map.try_emplace(2));
  REQUIRE(map.try_emplace(3, note(3, text(long_text, &elsewhere))));
  REQUIRE(map.try_emplace(4, std::pair(4, long_text)));
  REQUIRE(map.try_emplace(5, std::piecewise_construct, std::forward_as_tuple(5),
                          std::forward_as_tuple(50U, 'v')));
  REQUIRE(map.update(5, [](note& n) { n.second += long_text; }) == 1);
  REQUIRE(has_own(map, 5, memory));
}

TEMPLATE_LIST_TEST_CASE("values that do not copy are moved into the memory of the map",
                        "[elements]", locking_maps) {
  using owners = std::pmr::vector<std::unique_ptr<int>>;
  using M = typename TestType::template map<int, owners>;
  own_resource memory;
  own_resource elsewhere;
  const no_default_resource no_default;
  M map{typename M::allocator_type(&memory)};
  owners value(&elsewhere);
  value.push_back(std::make_unique<int>(7));
  REQUIRE(map.try_emplace(1, std::move(value)));
  map.cvisit(1, [&](const auto& element) {
    REQUIRE(element.second.get_allocator().resource() == &memory);
    REQUIRE(*element.second.at(0) == 7);
  });
}

TEMPLATE_LIST_TEST_CASE("what a guard makes has the memory of the map", "[elements]",
                        locking_maps) {
  using M = typename TestType::template map<text, text>;
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    M map{typename M::allocator_type(&memory)};
    const text value(long_text, &elsewhere);
    {
      auto entry = map.lock("a key that is locked, and long enough");
      entry.emplace(long_text);
      entry.emplace(value);
    }
    map.lock("another key to lock, and long enough").value_or_emplace(long_text);
    {
      auto entry = map.lock("one more key to lock, and long enough");
      REQUIRE_FALSE(entry.exchange(text(long_text, &elsewhere)));
      const std::optional<text> old = entry.exchange(other_text);
      REQUIRE(is_of(old.value(), memory));  // moved out
    }
    REQUIRE(map.get_or_compute("a key to compute, and it is long enough",
                               [&] { return text("short", &elsewhere); }) == "short");
    REQUIRE(has_own(map, 4, memory));
  }
  REQUIRE(memory.live_bytes() == 0);
}

namespace {

struct task {
  struct promise_type {
    task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
};

task write(concur::pmr::lockmap<text, text>& map, const own_resource& memory) {
  auto entry = co_await map.async_lock("a key that is awaited, and long enough");
  entry.emplace(long_text);
  REQUIRE(is_of(*entry, memory));
  entry.exchange(other_text);
  REQUIRE(is_of(*entry, memory));
}

}  // namespace

TEST_CASE("what a guard of a coroutine makes has the memory of the map", "[elements]") {
  own_resource memory;
  const no_default_resource no_default;
  concur::pmr::lockmap<text, text> map{&memory};
  write(map, memory);
  REQUIRE(has_own(map, 1, memory));
}

TEST_CASE("a snapshot and a merge have the memory of their hamt", "[elements]") {
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    concur::pmr::hamt<text, text> map{&memory};
    map.try_emplace(long_text, long_text);
    const auto base = map.snapshot();
    concur::pmr::hamt<text, text> fork(base);
    fork.update(long_text, [](text& v) { v += other_text; });
    fork.try_emplace(other_text, other_text);
    map.update(long_text, [](text& v) { v += long_text; });
    const auto merged =
        concur::merge(base, map.snapshot(), fork.snapshot(),
                      [&](const text&, const text*, const text*, const text*) {
                        return std::optional<text>(
                            std::in_place, "what both have changed, in their ways", &elsewhere);
                      });
    REQUIRE(has_own(concur::pmr::hamt<text, text>(merged), 2, memory));
  }
  REQUIRE(memory.live_bytes() == 0);
}

TEST_CASE("values of a fixed_map have its memory", "[elements]") {
  using M = concur::pmr::fixed_map<text>;
  own_resource memory;
  own_resource elsewhere;
  {
    const no_default_resource no_default;
    const auto key = [](int i) { return concur::key32{std::byte(i)}; };
    M map(64, &memory);
    REQUIRE(map.try_emplace(key(1), long_text));
    REQUIRE(map.insert(key(2), text(long_text, &elsewhere)));
    REQUIRE(map.insert_or_assign(key(3), long_text));
    REQUIRE(map.insert_or_assign(key(3), text(other_text, &elsewhere)).exists());
    REQUIRE(map.upsert(
        key(4), [](text&) {}, 50, 'v'));
    REQUIRE(has_own(map, 4, memory));
    concur::pmr::fixed_map<boxed_text<false>> boxes(64, &memory);
    REQUIRE(boxes.try_emplace(key(1), long_text));
    REQUIRE(boxes.insert_or_assign(key(1), other_text).exists());
    REQUIRE(has_own(boxes, 1, memory));
    concur::pmr::fixed_map<boxed_text<true>> others(64, &memory);
    REQUIRE(others.try_emplace(key(1), long_text));
    REQUIRE(others.insert_or_assign(key(1), other_text).exists());
    REQUIRE(has_own(others, 1, memory));
    REQUIRE(has_own(M(map, &elsewhere), 4, elsewhere));
    REQUIRE(has_own(M(std::move(map), &elsewhere), 4, elsewhere));
  }
  REQUIRE(memory.live_bytes() == 0);
}

TEST_CASE("a scoped allocator hands on its inner one", "[elements]") {
  using outer = std::pmr::polymorphic_allocator<std::pair<const int, text>>;
  using inner = std::pmr::polymorphic_allocator<std::byte>;
  own_resource memory;
  own_resource of_elements;
  const no_default_resource no_default;
  using both = std::scoped_allocator_adaptor<outer, inner>;
  concur::cmap<int, text, concur::hash<int>, std::equal_to<>, both> apart{
      both(outer(&memory), inner(&of_elements))};
  apart.try_emplace(1, long_text);
  REQUIRE(has_own(apart, 1, of_elements));
  REQUIRE(of_elements.total_allocations() == 1);
  using one = std::scoped_allocator_adaptor<outer>;
  concur::cmap<int, text, concur::hash<int>, std::equal_to<>, one> same{one(outer(&memory))};
  same.try_emplace(1, long_text);
  REQUIRE(has_own(same, 1, memory));
}
