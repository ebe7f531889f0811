// SPDX-License-Identifier: MIT
/// \file
/// fixed_map, shared_fixed_map, their keys and what they return, by their names alone: before
/// <concur/fixed_map.hpp>.

#include <concur/fwd.hpp>
#include <string>

namespace {

using names = concur::fixed_map<std::string>;
using counts = concur::shared_fixed_map<unsigned>;

concur::insert_result name(names& all, const concur::key32& key, const char* text);
bool is_half_full(const concur::fixed_map_stats& stats);
bool is_sound(const concur::shared_fixed_map_report& report, std::size_t elements);
void exchange(counts& left, counts& right);
concur::format_error refusal_of(void* memory, std::size_t bytes);

}  // namespace

#include <concur/fixed_map.hpp>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "support/catch.hpp"
#include "support/keys32.hpp"
#include "support/shared_pages.hpp"

namespace {

static_assert(std::is_same_v<names::key_type, concur::key32>);
static_assert(std::is_same_v<decltype(std::declval<names&>().stats()), concur::fixed_map_stats>);

concur::insert_result name(names& all, const concur::key32& key, const char* text) {
  return all.insert(key, text);
}

bool is_half_full(const concur::fixed_map_stats& stats) {
  return 2 * stats.size == stats.capacity;
}

bool is_sound(const concur::shared_fixed_map_report& report, std::size_t elements) {
  return report && report.elements == elements;
}

void exchange(counts& left, counts& right) {
  swap(left, right);
}

concur::format_error refusal_of(void* memory, std::size_t bytes) {
  try {
    static_cast<void>(counts::attach({static_cast<std::byte*>(memory), bytes}));
  } catch (const concur::format_error& error) {
    return error;
  }
  throw std::logic_error("no refusal");
}

}  // namespace

TEST_CASE("what a fixed map takes and returns has names before it has a definition") {
  names all(2);
  REQUIRE(name(all, concur_test::digest(1), "one").inserted());
  REQUIRE(name(all, concur_test::digest(1), "two").exists());
  REQUIRE(is_half_full(all.stats()));
}

TEST_CASE("shared fixed maps are exchanged by swap") {
  const concur_test::shared_pages here(counts::bytes_for(64));
  const concur_test::shared_pages there(counts::bytes_for(32));
  counts first = counts::format(here.span(), 64);
  counts second = counts::format(there.span(), 32);
  first.insert(concur_test::digest(1), 1);
  exchange(first, second);
  REQUIRE(first.capacity() == 32);
  REQUIRE(second.find(concur_test::digest(1)) == 1);
  REQUIRE(first.insert(concur_test::digest(1), 2).inserted());
  REQUIRE(is_sound(second.verify(), 1));
  // Of both, with one attachment each: nothing has been moved to and fro.
  REQUIRE(first.processes() == 1);
  REQUIRE(second.processes() == 1);
  std::swap(first, second);
  REQUIRE(first.find(concur_test::digest(1)) == 1);
  REQUIRE(is_sound(first.verify(), 1));
  STATIC_REQUIRE(noexcept(swap(first, second)));
  REQUIRE(refusal_of(here.span().data(), 8).why() == concur::format_error::reason::too_short);
}
