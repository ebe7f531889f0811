// SPDX-License-Identifier: MIT
// xenium: vyukov_hash_map with epoch-based reclamation. Trivial values, no update in place.
#include "../maps/all.hpp"

#include <xenium/reclamation/generic_epoch_based.hpp>
#include <xenium/vyukov_hash_map.hpp>

namespace {

template <class Key, class T>
struct xenium_vyukov {
  static constexpr const char* name = "xenium_vyukov";
  static constexpr auto kind = concur_bench::role::peer;
  using map =
      xenium::vyukov_hash_map<Key, T, xenium::policy::reclaimer<xenium::reclamation::epoch_based<>>,
                              xenium::policy::hash<concur_bench::hash>>;
  map m;
  explicit xenium_vyukov(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(xenium_vyukov& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      typename map::accessor a;
      if (!m.try_get_value(key, a)) return false;
      out = *a;
      return true;
    }
    bool insert(const Key& key, const T& v) { return m.emplace(key, v); }
    bool erase(const Key& key) { return m.erase(key); }
  };
  T sum() {
    T total = 0;
    for (auto it = m.begin(); it != m.end(); ++it) total += (*it).second;
    return total;
  }
};

CONCUR_BENCH_WORD_MAP(xenium_vyukov);

}  // namespace
