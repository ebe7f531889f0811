// SPDX-License-Identifier: MIT
/// \file
/// The concepts, by models and by wrong models: each breaks one clause, so that no clause can rot
/// into `true`. Most of this test is done by the compiler.

#include <concur/concepts.hpp>

#include "conformance/test_map.hpp"
#include "support/catch.hpp"

#include <concur/detail/map/primitives.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace {

using concur::concurrent_map;
using concur::map_guarantees;
using concur::visitable_map;
using concur_test::cow_engine;
using concur_test::locked_engine;
using concur_test::test_map;

/// Copied, never assigned.
struct const_member {
  const int value;
};

using good = test_map<locked_engine, int, int>;

static_assert(concurrent_map<good>);
static_assert(visitable_map<good>);
static_assert(concurrent_map<test_map<cow_engine, std::string, std::string>>);
static_assert(concurrent_map<test_map<locked_engine, int, std::unique_ptr<int>>>);
static_assert(concurrent_map<test_map<cow_engine, int, std::unique_ptr<int>>>);
static_assert(concurrent_map<test_map<cow_engine, int, const_member>>);
// A value that can be neither copied nor moved is no reason not to be a map.
static_assert(concurrent_map<test_map<locked_engine, int, std::atomic<int>>>);
static_assert(concurrent_map<test_map<cow_engine, int, std::atomic<int>>>);
static_assert(!concur::bounded_map<good>);
static_assert(!visitable_map<int>);
static_assert(!visitable_map<std::unordered_map<int, int>>);

// A map with one name changed. The wrong name hides that of the base.
struct find_gives_a_pointer : good {
  const int* find(int) const;
};
struct find_is_not_const : good {
  std::optional<int> find(int);
};
struct contains_counts : good {
  std::size_t contains(int) const;
};
struct contains_is_not_const : good {
  bool contains(int);
};
struct visit_says_nothing : good {
  template <class F>
  void visit(int, F);
};
struct visit_has_no_batch : good {
  template <class F>
  std::size_t visit(int, F);
  template <class F>
  std::size_t visit(int, F) const;
};
struct cvisit_writes : good {
  template <class F>
  std::size_t cvisit(int, F);
};
struct callable_comes_first : good {
  template <class F>
  bool insert_or_visit(F, init_type);
};
struct no_second_callable : good {
  template <class P, class F>
  bool insert_and_visit(P&&, F);
};
struct inserts_without_saying : good {
  void try_emplace(int, int);
};
struct erase_says_bool : good {
  bool erase(int);
};
struct no_predicate_on_all : good {
  template <class F>
  std::size_t erase_if(int, F);
};
struct visit_all_says_nothing : good {
  template <class F>
  void visit_all(F);
};
struct visit_while_counts : good {
  template <class F>
  std::size_t visit_while(F);
};
struct size_may_throw : good {
  std::size_t size() const;
};
struct ranges_say_bool : good {
  template <class A, class B>
  bool insert(A, B);
};
struct update_says_bool : good {
  template <class F>
  bool update(int, F);
};
struct compute_counts : good {
  template <class F>
  std::size_t compute(int, F);
};
struct take_says_bool : good {
  bool take(int);
};
struct replace_counts : good {
  int replace_if_equal(int, int, int);
};
struct scan_says_nothing : good {
  template <class F>
  void scan(std::uint64_t, std::size_t, F) const;
};
struct no_stats : good {
 private:
  using good::stats;
};
struct no_capacity : good {
 private:
  using good::capacity;
};
struct no_key_type : good {
 private:
  using key_type = int;
};

static_assert(!concurrent_map<find_gives_a_pointer> && visitable_map<find_gives_a_pointer>);
static_assert(!concurrent_map<find_is_not_const>);
static_assert(!visitable_map<contains_counts>);
static_assert(!visitable_map<contains_is_not_const>);
static_assert(!visitable_map<visit_says_nothing>);
static_assert(!visitable_map<visit_has_no_batch>);
static_assert(!visitable_map<cvisit_writes>);
static_assert(!visitable_map<callable_comes_first>);
static_assert(!visitable_map<no_second_callable>);
static_assert(!visitable_map<inserts_without_saying>);
static_assert(!visitable_map<erase_says_bool>);
static_assert(!visitable_map<no_predicate_on_all>);
static_assert(!visitable_map<visit_all_says_nothing>);
static_assert(!visitable_map<visit_while_counts>);
static_assert(!visitable_map<size_may_throw>);
static_assert(!visitable_map<ranges_say_bool>);
static_assert(!concurrent_map<update_says_bool>);
static_assert(!concurrent_map<compute_counts>);
static_assert(!concurrent_map<take_says_bool>);
static_assert(!concurrent_map<replace_counts>);
static_assert(!concurrent_map<scan_says_nothing>);
static_assert(!concurrent_map<no_stats>);
static_assert(!concurrent_map<no_capacity>);
static_assert(!concurrent_map<no_key_type>);

// Guarantees: every constant, of its type.
using full = concur::guarantees<good>;
struct progress_in_words : full {
  static constexpr const char* read_progress = "blocking";
};
struct exclusive_is_a_number : full {
  static constexpr int callback_is_exclusive = 1;
};
struct one_rule_for_both : full {
  static constexpr concur::reentry exclusive_callback = concur::reentry::works;
};
static_assert(map_guarantees<full>);
static_assert(!map_guarantees<progress_in_words>);
static_assert(!map_guarantees<exclusive_is_a_number>);
static_assert(!map_guarantees<one_rule_for_both>);
static_assert(!map_guarantees<int>);

// Engines: every primitive.
using engine = concur::detail::engine_of<good>;
struct engine_without_clear : engine {
 private:
  using engine::clear;
};
struct engine_hashes_to_int : engine {
  int hash(int) const;
};
struct engine_reads_as_writer : engine {
  template <class F>
  bool read(std::uint64_t, int, F);
};
struct engine_prefetch_throws : engine {
  void prefetch(std::uint64_t) const;
};
struct engine_traverse_says_nothing : engine {
  template <class F>
  void traverse(concur::detail::hash_range, F);
};
static_assert(concur::detail::map_engine<engine>);
static_assert(
    concur::detail::map_engine<concur::detail::engine_of<test_map<cow_engine, int, int>>>);
static_assert(!concur::detail::map_engine<engine_without_clear>);
static_assert(!concur::detail::map_engine<engine_hashes_to_int>);
static_assert(!concur::detail::map_engine<engine_reads_as_writer>);
static_assert(!concur::detail::map_engine<engine_prefetch_throws>);
static_assert(!concur::detail::map_engine<engine_traverse_says_nothing>);
static_assert(!concur::detail::map_engine<int>);

}  // namespace

TEST_CASE("generic code can ask what a map guarantees", "[concepts]") {
  const auto may_write_in_visit = []<concurrent_map M>(const M&) {
    return concur::guarantees<M>::callback_is_exclusive;
  };
  REQUIRE(may_write_in_visit(test_map<locked_engine, int, int>()));
  REQUIRE_FALSE(may_write_in_visit(test_map<cow_engine, int, int>()));
}
