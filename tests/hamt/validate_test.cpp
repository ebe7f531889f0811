// SPDX-License-Identifier: MIT
#include <atomic>
#include <concur/hamt.hpp>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <type_traits>

#include "support/catch.hpp"

namespace {

using concur::detail::hamt_access;
namespace hamt = concur::detail::hamt;

/// The first hundred keys agree in their upper bits, and so do each ten of them in all.
struct crowded_hash {
  using is_avalanching = void;
  std::uint64_t operator()(std::uint64_t key) const { return key / 10 << 20; }
};

using numbers = concur::hamt<std::uint64_t, std::uint64_t>;
using texts = concur::hamt<std::uint64_t, std::string>;
using crowded_numbers = concur::hamt<std::uint64_t, std::uint64_t, crowded_hash>;
using crowded_texts = concur::hamt<std::uint64_t, std::string, crowded_hash>;

template <class Map>
typename Map::mapped_type value_of(std::uint64_t n) {
  if constexpr (std::is_same_v<typename Map::mapped_type, std::string>) {
    return std::to_string(n);
  } else {
    return n;
  }
}

template <class Map>
void fill(Map& map, std::uint64_t n) {
  for (std::uint64_t i = 0; i < n; ++i) map.insert({i, value_of<Map>(i)});
}

}  // namespace

TEMPLATE_TEST_CASE("a sound map is found sound, with snapshots and without", "[hamt][validate]",
                   numbers, texts, crowded_numbers, crowded_texts) {
  TestType map;
  REQUIRE(map.validate().error == nullptr);
  fill(map, 3000);
  for (std::uint64_t i = 0; i < 3000; i += 3) map.erase(i);
  map.shrink_to_fit();
  auto report = map.validate();
  REQUIRE(report.error == nullptr);
  REQUIRE(report.elements == 2000);
  REQUIRE(report.sparse == 0);
  REQUIRE(report.shared == 0);
  REQUIRE(report.bytes > 2000 * sizeof(typename TestType::value_type));
  {
    const auto s = map.snapshot();
    REQUIRE(map.validate().shared != 0);
    TestType fork(s);
    fill(fork, 300);
    fill(map, 30);
    REQUIRE(s.size() == 2000);
    REQUIRE(fork.validate().error == nullptr);
    REQUIRE(map.validate().error == nullptr);
  }
  map.clear();
  report = map.validate();
  REQUIRE(report.error == nullptr);
  REQUIRE(report.elements + report.branches + report.leaves == 0);
}

TEST_CASE("a report counts what there is, and prints it", "[hamt][validate]") {
  crowded_texts map;
  fill(map, 100);
  const auto report = map.validate();
  REQUIRE(report.error == nullptr);
  REQUIRE(report.elements == 100);
  REQUIRE(report.leaves == 100);
  REQUIRE(report.lists == 10);
  REQUIRE(report.depth == map.stats().max_depth);
  REQUIRE(report.branches == map.stats().branches);
  std::ostringstream out;
  out << report;
  REQUIRE(out.str().find("lists") != std::string::npos);
}

namespace {

/// Undoes a damage.
template <class T>
class damage {
 public:
  damage(std::atomic<T>& word, T value) : word_(word), before_(word.exchange(value)) {}
  ~damage() { word_ = before_; }
  damage(const damage&) = delete;
  damage& operator=(const damage&) = delete;

 private:
  std::atomic<T>& word_;
  T before_;
};

template <class Map>
void require_noticed(const Map& map, const std::string& what) {
  const auto report = map.validate();
  REQUIRE(report.error != nullptr);
  REQUIRE(std::string(report.error).find(what) != std::string::npos);
}

}  // namespace

TEMPLATE_TEST_CASE("what is wrong in a map is noticed", "[hamt][validate]", numbers, texts) {
  TestType map;
  fill(map, 3000);
  map.shrink_to_fit();
  auto* const root = hamt_access::engine(map).root().load();
  auto* const top = hamt::branch_of(root->top.load());
  std::size_t full = 0;
  while (hamt::node_of(top->slots()[full].load()) == nullptr) ++full;
  hamt::slot& here = top->slots()[full];
  hamt::node* const below = hamt::node_of(here.load());
  {
    const damage d(below->links, 0U);
    require_noticed(map, "has no link");
  }
  {
    const damage d(below->links, 2U);
    require_noticed(map, "several links");
  }
  {
    const damage d(top->size, std::uint64_t{3000});
    require_noticed(map, "may change");
  }
  {
    const damage d(here, hamt::word_of(below, hamt::tag::pending));
    require_noticed(map, "undecided");
  }
  {
    const damage d(here, hamt::word_of(below, hamt::tag::leaf));
    require_noticed(map, "not of the same kind");
  }
  {
    const damage d(here, hamt::word{0});
    require_noticed(map, "size()");
  }
  if (hamt::words_have_marks) {
    const damage d(here, here.load() | hamt::word{1} << hamt::marks_shift);
    require_noticed(map, "other marks");
  }
  {
    const damage d(top->slots()[(full + 1) % top->width()], here.load());
    require_noticed(map, "another hash");
  }
  {
    const damage d(root->top, hamt::unset_word);
    require_noticed(map, "not set");
  }
  REQUIRE(map.validate().error == nullptr);
  const auto s = map.snapshot();
  REQUIRE(s.size() == 3000);
  {
    const damage d(top->size, std::uint64_t{2999});
    require_noticed(map, "another number");
  }
  REQUIRE(map.validate().error == nullptr);
}
