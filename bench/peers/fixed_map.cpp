// SPDX-License-Identifier: MIT
// concur::fixed_map and concur::shared_fixed_map, with twice as many slots as elements: keys of 32
// bytes only.
#include "../maps/all.hpp"

#include <concur/fixed_map.hpp>

#include <bit>
#include <span>

namespace {

using concur_bench::wide_key;

std::size_t slots_for(std::size_t n) {
  return std::bit_ceil(n < 8 ? 16 : 2 * n);
}

template <class Map>
struct fixed_operations {
  using T = typename Map::mapped_type;
  struct handle {
    Map& m;
    template <class Owner>
    explicit handle(Owner& owner) : m(owner.map()) {}
    bool find(const wide_key& key, T& out) {
      const auto found = m.find(key);
      if (found) out = *found;
      return found.has_value();
    }
    bool insert(const wide_key& key, const T& v) { return m.try_emplace(key, v).inserted(); }
    bool erase(const wide_key& key) { return m.erase(key) != 0; }
    void increment(const wide_key& key) {
      m.upsert(
          key, [](T& v) { ++v; }, T{1});
    }
  };
  static T sum(const Map& m) {
    T total = 0;
    m.cvisit_all([&](const auto& element) { total += element.second; });
    return total;
  }
};

template <class Key, class T>
struct fixed_map {
  static constexpr const char* name = "concur_fixed_map";
  static constexpr auto kind = concur_bench::role::ours;
  using map_type = concur::fixed_map<T>;
  using handle = typename fixed_operations<map_type>::handle;
  map_type m;
  explicit fixed_map(std::size_t n) : m(slots_for(n)) {}
  map_type& map() { return m; }
  T sum() { return fixed_operations<map_type>::sum(m); }
};

/// Memory that processes could share, used by one.
template <class Key, class T>
struct shared_fixed_map {
  static constexpr const char* name = "concur_shared_fixed_map";
  static constexpr auto kind = concur_bench::role::ours;
  using map_type = concur::shared_fixed_map<T>;
  using handle = typename fixed_operations<map_type>::handle;

  concur_bench::shared_pages memory;
  map_type m;
  explicit shared_fixed_map(std::size_t n)
      : memory(map_type::bytes_for(slots_for(n))), m(formatted(n)) {}
  map_type formatted(std::size_t n) {
    return map_type::format({static_cast<std::byte*>(memory.data()), memory.size()}, slots_for(n));
  }
  map_type& map() { return m; }
  T sum() { return fixed_operations<map_type>::sum(m); }
};

/// The same, used by as many processes as the others have threads.
template <class Key, class T>
struct processes_fixed_map : shared_fixed_map<Key, T> {
  static constexpr const char* name = "concur_shared_fixed_map_processes";
  static constexpr bool in_processes = true;
  using shared_fixed_map<Key, T>::shared_fixed_map;
};

[[maybe_unused]] const bool fixed_added = concur_bench::add_maps<fixed_map, wide_key>();
[[maybe_unused]] const bool shared_added = concur_bench::add_maps<shared_fixed_map, wide_key>();
[[maybe_unused]] const bool processes_added =
    concur_bench::add_maps<processes_fixed_map, wide_key>();

}  // namespace
