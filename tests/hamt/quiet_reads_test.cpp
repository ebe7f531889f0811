// SPDX-License-Identifier: MIT
/// \file
/// A read of a hamt, and everything that one does with a snapshot, writes nothing that is shared:
/// not to the map, a version, a branch, a leaf or a list.
#include "support/quiet_reads.hpp"
#include "support/catch.hpp"
#include "support/hamt_access.hpp"
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
using hamt_in_pages =
    concur::hamt<number, T, Hash, std::equal_to<>, sealed_allocator<std::pair<const number, T>>>;

template <class Snapshot>
std::size_t read_snapshot(const Snapshot& snapshot, number n) {
  using T = typename Snapshot::mapped_type;
  std::size_t wrong = 0;
  for (number i = 0; i < 2 * n; ++i) {
    const number k = scattered(i);
    const T* const found = snapshot.find(k);
    wrong += (found != nullptr) == (i < n) ? 0U : 1U;
    wrong += found == nullptr || *found == value_for<T>(i) ? 0U : 1U;
    wrong += snapshot.contains(k) == (i < n) && snapshot.count(k) == (i < n ? 1U : 0U) ? 0U : 1U;
  }
  std::size_t shown = 0;
  for (auto it = snapshot.begin(); it != snapshot.end(); ++it) ++shown;
  wrong += shown == n ? 0U : 1U;
  wrong += snapshot.visit_all([](const auto&) {}) == n ? 0U : 1U;
  return wrong + (snapshot.size() == n && snapshot.empty() == (n == 0) ? 0U : 1U);
}

template <class Map>
void require_quiet_reads(number n, typename Map::hasher hash = typename Map::hasher()) {
  using T = typename Map::mapped_type;
  sealed_pages pages(std::size_t{1} << 26);
  const auto map = make_sealed<Map>(pages, hash);
  require_nothing_written(pages, [&] { return wrong_answers(*map, 0); });
  for (number i = 0; i < n / 2; ++i) map->insert({scattered(i), value_for<T>(i)});
  // Shares what did not change; half of the ways have been copied since.
  const auto before = map->snapshot();
  for (number i = n / 2; i < n; ++i) map->insert({scattered(i), value_for<T>(i)});
  require_nothing_written(pages, [&] { return wrong_answers(*map, n); });
  const auto after = map->snapshot();
  REQUIRE(before.size() == n / 2);  // counted, once
  REQUIRE(after.size() == n);
  require_nothing_written(pages, [&] {
    std::size_t changes = 0;
    concur::diff(before, after, [&](const number&, const T*, const T*) { ++changes; });
    return read_snapshot(before, n / 2) + read_snapshot(after, n) +
           (before == after || changes != n - n / 2 ? 1U : 0U);
  });
}

}  // namespace

TEST_CASE("hamt: reads write nothing that is shared: pairs in leaves", "[hamt][quiet]") {
  require_quiet_reads<hamt_in_pages<number>>(20'000);
}

TEST_CASE("hamt: reads write nothing that is shared: elements", "[hamt][quiet]") {
  require_quiet_reads<hamt_in_pages<std::string>>(10'000);
}

TEST_CASE("hamt: reads write nothing that is shared: lists of equal hashes", "[hamt][quiet]") {
  require_quiet_reads<hamt_in_pages<number, shaped_hash>>(600, shaped_hash{shape::few});
  require_quiet_reads<hamt_in_pages<std::string, shaped_hash>>(600, shaped_hash{shape::few});
}

#endif
