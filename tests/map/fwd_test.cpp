// SPDX-License-Identifier: MIT
/// \file
/// What maps return and take, by its name alone: before any header that defines it.

#include <concur/fwd.hpp>

namespace {

std::size_t sizes(const concur::cmap_stats&, const concur::hamt_stats&, const concur::seqmap_stats&,
                  const concur::lockmap_stats&, const concur::lru_lockmap_stats&,
                  const concur::fixed_map_stats&, const concur::seq_array_stats&);
bool are_sound(const concur::cmap_report&, const concur::hamt_report&);
bool has_waited(const concur::epoch_stats&);
concur::epoch_domain* domain_of(const concur::epoch_options&);
bool protects(const concur::hazard_pointer&, const concur::hazard_pointer_domain&);
concur::cache_duration time_left(const concur::cache_times&);

template <class Key, class T>
bool is_mortal(const concur::cache_record<Key, T>&);

using uncounted = concur::lru_lockmap<int, int, concur::hash<int>, std::equal_to<>,
                                      std::allocator<std::pair<const int, int>>,
                                      concur::eviction::without_statistics<concur::eviction::lru>>;
std::size_t hits(uncounted&);

}  // namespace

#include <concur/concur.hpp>

#include "support/catch.hpp"

namespace {

std::size_t sizes(const concur::cmap_stats& a, const concur::hamt_stats& b,
                  const concur::seqmap_stats& c, const concur::lockmap_stats& d,
                  const concur::lru_lockmap_stats& e, const concur::fixed_map_stats& f,
                  const concur::seq_array_stats& g) {
  return a.size + b.size + c.size + d.size + e.size + f.size + g.size;
}
bool are_sound(const concur::cmap_report& a, const concur::hamt_report& b) {
  return a.error == nullptr && b.error == nullptr;
}
bool has_waited(const concur::epoch_stats& stats) {
  return stats.freed + stats.retired != 0;
}
concur::epoch_domain* domain_of(const concur::epoch_options& options) {
  static concur::epoch_domain domain(options);
  return &domain;
}
bool protects(const concur::hazard_pointer& pointer, const concur::hazard_pointer_domain&) {
  return !pointer.empty();
}
concur::cache_duration time_left(const concur::cache_times& times) {
  return times.remaining;
}
template <class Key, class T>
bool is_mortal(const concur::cache_record<Key, T>& record) {
  return !record.remaining.is_forever();
}
std::size_t hits(uncounted& cache) {
  cache.insert({1, 1});
  static_cast<void>(cache.find(1));
  return static_cast<std::size_t>(cache.stats().hits);
}

}  // namespace

TEST_CASE("what maps say has names before it has definitions", "[map]") {
  const concur::cmap<int, int> cmap{{1, 1}};
  const concur::hamt<int, int> hamt{{1, 1}};
  const concur::seqmap<int, int> seqmap{{1, 1}};
  const concur::lockmap<int, int> lockmap{{1, 1}};
  concur::lru_lockmap<int, int> cache(10);
  cache.insert({1, 1});
  const concur::fixed_map<int> fixed(2);
  const concur::seq_array<int> array(1, 7);
  REQUIRE(sizes(cmap.stats(), hamt.stats(), seqmap.stats(), lockmap.stats(), cache.stats(),
                fixed.stats(), array.stats()) == 6);
  REQUIRE(are_sound(cmap.validate(), hamt.validate()));
  REQUIRE_FALSE(has_waited(domain_of(concur::epoch_options())->stats()));
  REQUIRE_FALSE(protects(concur::hazard_pointer(), concur::hazard_pointer_default_domain()));
  REQUIRE(time_left(concur::cache_times()).is_forever());
  REQUIRE_FALSE(is_mortal(concur::cache_record<int, int>{1, 1}));
  uncounted quiet(10);
  REQUIRE(hits(quiet) == 0);
}
