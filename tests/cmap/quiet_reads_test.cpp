// SPDX-License-Identifier: MIT
/// \file
/// A read of a cmap writes nothing that is shared: not to the map, a table, a leaf, a list or an
/// element; in the middle of a growth, too.
#include "support/quiet_reads.hpp"
#include "support/catch.hpp"
#include "support/cmap_access.hpp"
#include "support/sealed_pages.hpp"

#include <concur/policy/hash.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

using namespace concur_test;

#if defined(CONCUR_TEST_HAS_SEALED_PAGES)

namespace {

template <class T, class Hash = concur::hash<number>>
using cmap_in_pages =
    concur::cmap<number, T, Hash, std::equal_to<>, sealed_allocator<std::pair<const number, T>>>;

template <class Map>
std::size_t read_all(const Map& map, number n) {
  std::size_t wrong = wrong_answers(map, n);
  std::size_t shown = map.cvisit_all([](const auto&) {});
  wrong += shown == n ? 0U : 1U;
  shown = 0;
  for (std::uint64_t cursor = 0;;) {
    cursor = map.scan(cursor, 16, [&](const auto&) { ++shown; });
    if (cursor == 0) break;
  }
  wrong += shown == n ? 0U : 1U;
  const auto guard = map.pin();
  for (number i = 0; i < 2 * n; ++i) {
    wrong += (map.find(guard, scattered(i)) != nullptr) == (i < n) ? 0U : 1U;
  }
  return wrong;
}

/// At `n` elements, and before that in the middle of a replacement of the table.
template <class Map>
void require_quiet_reads(number n, typename Map::hasher hash = typename Map::hasher()) {
  sealed_pages pages(std::size_t{1} << 26);
  const auto map = make_sealed<Map>(pages, hash);
  require_nothing_written(pages, [&] { return read_all(*map, 0); });
  number i = 0;
  const auto insert = [&] {
    map->insert({scattered(i), value_for<typename Map::mapped_type>(i)});
    ++i;
  };
  while (i < n / 4 || !map->stats().resizing) insert();
  require_nothing_written(pages, [&] { return read_all(*map, i); });
  REQUIRE(map->stats().resizing);
  while (i < n) insert();
  require_nothing_written(pages, [&] { return read_all(*map, i); });
}

}  // namespace

TEST_CASE("cmap: reads write nothing that is shared: pairs in leaves", "[cmap][quiet]") {
  require_quiet_reads<cmap_in_pages<number>>(20'000);
}

TEST_CASE("cmap: reads write nothing that is shared: elements beside the leaves", "[cmap][quiet]") {
  require_quiet_reads<cmap_in_pages<std::string>>(10'000);
}

TEST_CASE("cmap: reads write nothing that is shared: lists of equal hashes", "[cmap][quiet]") {
  require_quiet_reads<cmap_in_pages<number, shaped_hash>>(600, shaped_hash{shape::few});
  require_quiet_reads<cmap_in_pages<std::string, shaped_hash>>(600, shaped_hash{shape::few});
}

TEST_CASE("cmap: a write to a sealed page is seen", "[cmap][quiet]") {
  // As this is what the others rely on.
  sealed_pages pages(std::size_t{1} << 24);
  const auto map = make_sealed<cmap_in_pages<number>>(pages);
  for (number i = 0; i < 1'000; ++i) map->insert({i, i});
  pages.seal(sealed_pages::may::read);
  map->insert_or_assign(7, 8);
  REQUIRE(pages.unseal() > 0);
  pages.seal(sealed_pages::may::nothing);
  const bool is_right = map->find(7) == 8;
  REQUIRE(pages.unseal() > 0);
  REQUIRE(is_right);
}

#endif
