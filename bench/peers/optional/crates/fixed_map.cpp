// SPDX-License-Identifier: MIT
// The Rust crate fixed_map, with as many slots as concur::fixed_map gets: keys of 32 bytes only.
#include "../../../maps/all.hpp"
#include "crates.hpp"

#include <bit>

namespace {

using concur_bench::wide_key;

template <class Key, class T>
struct crate_fixed_map {
  static constexpr const char* name = "crate_fixed_map";
  static constexpr auto kind = concur_bench::role::fixed;
  concur_bench::crate_object<concur_crate_fixed_map, concur_crate_fixed_map_delete> m;
  explicit crate_fixed_map(std::size_t n)
      : m(concur_crate_fixed_map_new(std::bit_ceil(n < 8 ? 16 : 2 * n))) {}

  struct handle {
    concur_crate_fixed_map* m;
    explicit handle(crate_fixed_map& owner) : m(owner.m.get()) {}
    bool find(const Key& key, T& out) { return concur_crate_fixed_map_find(m, &key, &out); }
    bool insert(const Key& key, T v) { return concur_crate_fixed_map_insert(m, &key, v); }
    bool erase(const Key& key) { return concur_crate_fixed_map_erase(m, &key); }
    void increment(const Key& key) { concur_crate_fixed_map_increment(m, &key); }
  };
};

[[maybe_unused]] const bool fixed_added = concur_bench::add_maps<crate_fixed_map, wide_key>();

}  // namespace
