// SPDX-License-Identifier: MIT
/// \file
/// The slot word and its twin without a filter.
#include "support/catch.hpp"

#include <concur/detail/cmap/slot_word.hpp>
#include <cstdint>
#include <set>

namespace {

using concur::detail::cmap::basic_slot_word;

alignas(16) const char node[64] = {};

template <class Word>
void check_verbs() {
  std::set<std::uint64_t> all;
  const auto note = [&](Word w) {
    all.insert(w.bits());
    all.insert(w.frozen().bits());
    REQUIRE(w.frozen().is_frozen());
    REQUIRE(w.frozen().frozen() == w.frozen());
    REQUIRE(w.frozen().thawed() == w.thawed());
    REQUIRE(w.frozen().count() == w.count());
    REQUIRE(w.frozen().is_vacant() == w.is_vacant());
  };
  REQUIRE(Word() == Word::empty());
  REQUIRE(Word::empty().bits() == 0);
  for (const Word w : {Word::empty(), Word::emptied()}) {
    note(w);
    REQUIRE(w.is_vacant());
    REQUIRE_FALSE(w.is_leaf());
    REQUIRE_FALSE(w.is_node());
    REQUIRE_FALSE(w.is_moved());
    REQUIRE_FALSE(w.is_frozen());
    REQUIRE(w.count() == 0);
  }
  REQUIRE(Word::moved().is_moved());
  REQUIRE_FALSE(Word::moved().is_vacant());
  REQUIRE_FALSE(Word::moved().is_leaf());
  REQUIRE_FALSE(Word::moved().is_node());
  all.insert(Word::moved().bits());
  for (unsigned n = 1; n <= Word::max_leaf; ++n) {
    const Word w = Word::leaf(node, n, Word::filter_of(3));
    note(w);
    REQUIRE(w.is_leaf());
    REQUIRE(w.count() == n);
    REQUIRE_FALSE(w.is_node());
    REQUIRE_FALSE(w.is_vacant());
    REQUIRE_FALSE(w.is_moved());
    REQUIRE(w.template address<const char>() == node);
    REQUIRE(w.frozen().template address<const char>() == node);
  }
  const Word other = Word::node(node);
  note(other);
  REQUIRE(other.is_node());
  REQUIRE_FALSE(other.is_leaf());
  REQUIRE(other.template address<const char>() == node);
  REQUIRE(all.size() == 2 * (2 + Word::max_leaf + 1) + 1);
}

}  // namespace

TEST_CASE("slot word: every state is told from every other, frozen or not") {
  check_verbs<basic_slot_word<true>>();
  check_verbs<basic_slot_word<false>>();
}

TEST_CASE("slot word: a filter lets through what may be there, and little else") {
  using word = basic_slot_word<true>;
  const std::uint64_t filter = word::filter_of(0x123) | word::filter_of(0xFF9);
  const word leaf = word::leaf(node, 2, filter);
  for (std::uint64_t hash = 0; hash < 64; ++hash) {
    const bool is_there = hash % 16 == 3 || hash % 16 == 9;
    REQUIRE(leaf.may_hold(hash) == is_there);
    REQUIRE(leaf.frozen().may_hold(hash) == is_there);
    REQUIRE(word::moved().may_hold(hash));
    REQUIRE(word::node(node).may_hold(hash));
    REQUIRE_FALSE(word::empty().may_hold(hash));
    REQUIRE_FALSE(word::emptied().may_hold(hash));
  }
  REQUIRE(leaf.filter() == filter);
}

TEST_CASE("slot word: the filter says where in a sorted leaf an element is") {
  using word = basic_slot_word<true>;
  const unsigned bits[] = {0, 3, 9, 15};
  std::uint64_t filter = 0;
  for (const unsigned bit : bits) filter |= word::filter_of(bit);
  const word leaf = word::leaf(node, 4, filter);
  REQUIRE(leaf.has_bit_for_each());
  for (unsigned i = 0; i < 4; ++i) REQUIRE(leaf.first_of(0xAB0 + bits[i]) == i);
  REQUIRE(leaf.first_of(2) == 1);
  REQUIRE(leaf.first_of(14) == 3);
  REQUIRE(leaf.frozen().first_of(9) == 2);
  // Two elements share a bit.
  const word shared = word::leaf(node, 5, filter);
  REQUIRE_FALSE(shared.has_bit_for_each());
  for (unsigned i = 0; i < 4; ++i) REQUIRE(shared.first_of(bits[i]) == i);
  REQUIRE(word::empty().has_bit_for_each());
  REQUIRE(word::emptied().first_of(15) == 0);
}

TEST_CASE("slot word: without a filter everything may be there") {
  using word = basic_slot_word<false>;
  REQUIRE(word::filter_of(7) == 0);
  const word leaf = word::leaf(node, 1, 0);
  for (std::uint64_t hash = 0; hash < 64; ++hash) {
    REQUIRE(leaf.may_hold(hash));
    REQUIRE(leaf.first_of(hash) == 0);
  }
  REQUIRE_FALSE(leaf.has_bit_for_each());
  // All bits of an address are kept.
  const auto* const far = reinterpret_cast<const char*>(std::uintptr_t{0xFFFF'8000'1234'5670});
  REQUIRE(word::leaf(far, 4, 0).address<const char>() == far);
}
