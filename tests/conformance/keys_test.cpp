// SPDX-License-Identifier: MIT
/// \file
/// Heterogeneous keys: what is looked up without becoming a key, what converts to one, what cannot.

#include "conformance/families.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace concur_test;

namespace {

/// A word in a fixed number of bytes, that counts how often one is made of text.
struct word {
  static inline int made = 0;

  word() = default;
  explicit word(std::string_view text) {
    ++made;
    std::memcpy(bytes.data(), text.data(), text.size() < 15 ? text.size() : 15);
  }
  std::string_view view() const { return bytes.data(); }

  std::array<char, 16> bytes{};
};

struct word_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
  std::size_t operator()(const word& w) const { return (*this)(w.view()); }
};
struct word_equal {
  using is_transparent = void;
  static std::string_view view(const word& w) { return w.view(); }
  static std::string_view view(std::string_view text) { return text; }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return view(a) == view(b);
  }
};
/// The same, but not transparent: everything becomes a word.
struct plain_word_hash {
  std::size_t operator()(const word& w) const { return word_hash()(w); }
};

/// Something that has a number, and is one only where that is asked for.
struct ticket {
  number id;
  explicit operator number() const { return id; }
};
/// What a number is made of by itself: its own `id` is another, which nobody may look at.
struct wrapped_number {
  number value;
  number id = 1'000'000;
  // Implicit: that is what it is for. NOLINTNEXTLINE(google-explicit-constructor)
  operator number() const { return value; }
};
template <class Holder>
concept has_id = requires(const Holder& h) {
  h.id;
};
struct id_hash {
  using is_transparent = void;
  std::size_t operator()(number n) const { return static_cast<std::size_t>(n); }
  template <has_id Holder>
  std::size_t operator()(const Holder& h) const {
    return static_cast<std::size_t>(h.id);
  }
};
struct id_equal {
  using is_transparent = void;
  static number id(number n) { return n; }
  template <has_id Holder>
  static number id(const Holder& h) {
    return h.id;
  }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return id(a) == id(b);
  }
};

struct string_hash : std::hash<std::string_view> {
  using is_transparent = void;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("transparent lookups make no key", "[keys]", any_key_maps) {
  using M = typename TestType::template map<word, number, word_hash, word_equal>;
  M map;
  map.try_emplace(word("one"), 1);
  map.try_emplace(word("two"), 2);
  word::made = 0;
  REQUIRE(map.find(std::string_view("one")) == 1);
  REQUIRE(map.find("two") == 2);
  REQUIRE(map.find_or("three", 3) == 3);
  REQUIRE(map.contains("one"));
  REQUIRE(map.count(std::string("four")) == 0);
  const auto nothing = [](auto&) {};
  REQUIRE(map.visit("one", nothing) == 1);
  REQUIRE(map.cvisit("one", nothing) == 1);
  REQUIRE(map.update("one", [](number& v) { ++v; }) == 1);
  REQUIRE(map.replace_if_equal("one", 2, 1));
  REQUIRE(map.erase_if("one", [](const auto&) { return false; }) == 0);
  REQUIRE(map.erase_if_equal("one", 5) == 0);
  REQUIRE(map.erase("three") == 0);
  REQUIRE(map.take("four") == std::nullopt);
  const std::vector<std::string_view> texts{"one", "two", "three"};
  REQUIRE(map.visit(texts.begin(), texts.end(), nothing) == 2);
  std::vector<std::optional<number>> found;
  map.find_each(texts, std::back_inserter(found));
  REQUIRE(found == std::vector<std::optional<number>>{1, 2, std::nullopt});
  REQUIRE(map.erase("two") == 1);
  REQUIRE(word::made == 0);
}

TEMPLATE_LIST_TEST_CASE("transparent insertions make a key only when it is absent", "[keys]",
                        any_key_maps) {
  using M = typename TestType::template map<word, number, word_hash, word_equal>;
  M map;
  word::made = 0;
  REQUIRE(map.try_emplace("one", 1));
  REQUIRE(word::made == 1);
  REQUIRE_FALSE(map.try_emplace("one", 2));
  REQUIRE_FALSE(map.insert_or_assign("one", 3));
  REQUIRE(map.exchange("one", 4) == 3);
  REQUIRE_FALSE(map.upsert(
      "one", [](number& v) { ++v; }, 1));
  REQUIRE(map.compute("one", [](auto& v) { ++*v; }));
  REQUIRE_FALSE(map.try_emplace_or_visit("one", 9, [](auto&) {}));
  REQUIRE_FALSE(map.try_emplace_and_cvisit(
      "one", 9, [](auto&) {}, [](auto&) {}));
  if (!callback_may_run_again<M>()) REQUIRE(word::made == 1);
  REQUIRE(map.find("one") == 6);
  REQUIRE(map.insert_or_assign("two", 2));
  REQUIRE(map.upsert(
      "three", [](number&) {}, 3));
  REQUIRE(map.compute("four", [](auto& v) { v = 4; }));
  REQUIRE(map.exchange("five", 5) == std::nullopt);
  REQUIRE(map.size() == 5);
  REQUIRE(map.find("four") == 4);
}

TEMPLATE_LIST_TEST_CASE("keys that are numbers are found by what transparent functors take",
                        "[keys]", any_key_maps) {
  using M = typename TestType::template map<number, number, id_hash, id_equal>;
  M map;
  for (number i = 0; i < 100; ++i) map.try_emplace(i, i);
  REQUIRE(map.find(ticket{7}) == 7);
  REQUIRE(map.contains(ticket{99}));
  REQUIRE(!map.contains(ticket{100}));
  REQUIRE(map.cvisit(ticket{8}, [](const auto&) {}) == 1);
  REQUIRE(map.update(ticket{3}, [](number& v) { v = 33; }) == 1);
  REQUIRE(map.find(3) == 33);
  const std::vector<ticket> tickets{{1}, {2}, {200}};
  REQUIRE(map.visit(tickets.begin(), tickets.end(), [](auto&) {}) == 2);
  REQUIRE(map.take(ticket{4}) == 4);
  REQUIRE(map.erase(ticket{4}) == 0);
  REQUIRE(map.try_emplace(ticket{4}, 5));
  REQUIRE(map.exchange(ticket{4}, 6) == 5);
  REQUIRE(map.insert_or_assign(ticket{101}, 1));
  REQUIRE(map.find(101) == 1);
  if constexpr (requires { map.snapshot(); }) {
    const auto snapshot = map.snapshot();
    REQUIRE(snapshot.contains(ticket{7}));
    REQUIRE(!snapshot.contains(ticket{100}));
  }
}

TEMPLATE_LIST_TEST_CASE("what converts to a key that is a number is that number", "[keys]",
                        any_key_maps) {
  using M = typename TestType::template map<number, number, id_hash, id_equal>;
  M map;
  map.try_emplace(1, 2);
  REQUIRE(map.find(wrapped_number{1}) == 2);
  REQUIRE(map.find(static_cast<short>(1)) == 2);
  REQUIRE(!map.contains(wrapped_number{1'000'000}));
  REQUIRE(map.try_emplace(wrapped_number{3}, 4));
  REQUIRE(map.find(3) == 4);
}

TEMPLATE_LIST_TEST_CASE("one transparent functor is not enough", "[keys]", any_key_maps) {
  using M = typename TestType::template map<word, number, plain_word_hash, word_equal>;
  M map;
  map.try_emplace(word("one"), 1);
  word::made = 0;
  REQUIRE(map.find(word("one")) == 1);
  REQUIRE(word::made == 1);
  static_assert(
      !requires(const M& m) { m.find(std::string_view("one")); },
      "a word is made of text explicitly only");
}

TEMPLATE_LIST_TEST_CASE("strings are found by views and literals", "[keys]", any_type_maps) {
  using M = typename TestType::template map<std::string, std::string, string_hash, std::equal_to<>>;
  M map{{"one", "1"}, {"two", "2"}};
  const std::string long_key(100, 'k');
  REQUIRE(map.try_emplace(std::string_view(long_key), 3, 'v'));
  REQUIRE(map.find(long_key) == "vvv");
  REQUIRE(map.find(std::string_view("one")) == "1");
  REQUIRE(map.find("two") == "2");
  REQUIRE(map.erase("one") == 1);
  REQUIRE(map.erase_if_equal("two", std::string_view("2")) == 1);
  REQUIRE(map.insert({"one", "again"}));
  REQUIRE(map.insert({{"a", "b"}, {"c", "d"}}) == 2);
  REQUIRE(map.emplace("x", "y"));
}

TEMPLATE_LIST_TEST_CASE("strings convert where functors are not transparent", "[keys]",
                        any_type_maps) {
  using M = typename TestType::template map<std::string, std::string, std::hash<std::string>,
                                            std::equal_to<std::string>>;
  M map{{"one", "1"}};
  REQUIRE(map.find("one") == "1");
  REQUIRE(map.try_emplace("two", "2"));
  REQUIRE(map.insert_or_assign("two", "3") == false);
  REQUIRE(map.emplace("three", "3"));
  REQUIRE(map.insert(std::pair("four", "4")));
  REQUIRE(map.size() == 4);
}
