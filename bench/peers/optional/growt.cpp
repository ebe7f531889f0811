// SPDX-License-Identifier: MIT
// growt: uaGrow, which grows and erases, and folklore, a fixed table without erasure. Keys and
// values are one word, some of them reserved; threads work through handles.
#include "../../maps/all.hpp"

#include <allocator/alignedallocator.hpp>
#include <data-structures/hash_table_mods.hpp>
#include <data-structures/table_config.hpp>

namespace {

struct add {
  using mapped_type = std::uint64_t;
  mapped_type operator()(mapped_type& value, const mapped_type& amount) const {
    return value += amount;
  }
  mapped_type atomic(mapped_type& value, const mapped_type& amount) const {
    return __atomic_fetch_add(&value, amount, __ATOMIC_RELAXED);
  }
};

template <class Table>
struct operations {
  struct handle {
    typename Table::handle_type h;
    template <class Owner>
    explicit handle(Owner& owner) : h(owner.table.get_handle()) {}
    bool find(std::uint64_t key, std::uint64_t& out) {
      auto found = h.find(key);
      if (found == h.end()) return false;
      out = static_cast<std::uint64_t>((*found).second);
      return true;
    }
    bool insert(std::uint64_t key, std::uint64_t v) { return h.insert(key, v).second; }
    void increment(std::uint64_t key) { h.insert_or_update(key, 1, add{}, 1); }
  };
};

template <class Key, class T>
struct growt_uaGrow {
  static constexpr const char* name = "growt_uaGrow";
  static constexpr auto kind = concur_bench::role::peer;
  using table_type =
      typename growt::table_config<Key, T, concur_bench::hash, growt::AlignedAllocator<>,
                                   hmod::growable, hmod::deletion>::table_type;
  table_type table{1};
  explicit growt_uaGrow(std::size_t) {}
  struct handle : operations<table_type>::handle {
    using operations<table_type>::handle::handle;
    bool erase(std::uint64_t key) { return this->h.erase(key) != 0; }
  };
};

template <class Key, class T>
struct growt_folklore {
  static constexpr const char* name = "growt_folklore";
  static constexpr auto kind = concur_bench::role::fixed;
  using table_type = typename growt::table_config<Key, T, concur_bench::hash,
                                                  growt::AlignedAllocator<>>::table_type;
  table_type table;
  explicit growt_folklore(std::size_t n) : table(n) {}
  using handle = typename operations<table_type>::handle;
};

CONCUR_BENCH_WORD_MAP(growt_uaGrow);
CONCUR_BENCH_WORD_MAP(growt_folklore);

}  // namespace
