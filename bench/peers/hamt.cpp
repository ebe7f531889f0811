// SPDX-License-Identifier: MIT
// concur::hamt.
#include "../maps/all.hpp"

#include <atomic>
#include <concur/hamt.hpp>

namespace {

template <class Key, class T>
struct hamt {
  static constexpr const char* name = "concur_hamt";
  static constexpr auto kind = concur_bench::role::ours;
  using map = concur::hamt<Key, T, concur_bench::hash>;
  map m;
  explicit hamt(std::size_t) {}

  struct handle {
    map& m;
    explicit handle(hamt& owner) : m(owner.m) {}
    bool find(const Key& key, T& out) {
      const auto found = m.find(key);
      if (found) out = *found;
      return found.has_value();
    }
    bool insert(const Key& key, const T& v) { return m.try_emplace(key, v); }
    bool erase(const Key& key) { return m.erase(key) != 0; }
    void increment(const Key& key) {
      m.upsert(
          key, [](T& n) { ++n; }, T{1});
    }
  };
  struct moment {
    typename map::snapshot_type s;
    T sum() const {
      T total = 0;
      for (const auto& element : s) total += element.second;
      return total;
    }
    std::size_t changes_since(const moment& older) const {
      std::size_t n = 0;
      concur::diff(older.s, s, [&](const Key&, const T*, const T*) { ++n; });
      return n;
    }
    std::size_t nodes_visited_since(const moment& older) const {
      return concur::detail::hamt_access::compare(
          older.s, s, [](const Key&, const T*, const T*) { return true; });
    }
  };
  moment snapshot() { return {m.snapshot()}; }
  T sum() {
    T total = 0;
    m.cvisit_all([&](const auto& element) { total += element.second; });
    return total;
  }
};

/// For g_hot_backoff. Rare collections: the fence of the reclaimer, which interrupts the other
/// threads, would hide how they meet.
template <class Key, class T, class Tuning>
struct counting_hamt {
  static constexpr auto kind = concur_bench::role::ours;
  using map = concur::detail::basic_hamt<Key, T, concur_bench::hash, std::equal_to<>,
                                         std::allocator<std::pair<const Key, T>>, Tuning>;
  map m;
  std::atomic<std::uint64_t> runs{0};

  explicit counting_hamt(std::size_t) {}
  std::uint64_t take_runs() { return runs.exchange(0, std::memory_order_relaxed); }

  struct handle {
    counting_hamt& owner;
    std::uint64_t runs = 0;
    explicit handle(counting_hamt& h) : owner(h) {}
    ~handle() { owner.runs.fetch_add(runs, std::memory_order_relaxed); }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
    bool insert(const Key& key, const T& v) { return owner.m.try_emplace(key, v); }
    void increment_counting(const Key& key) {
      owner.m.update(key, [this](T& n) {
        ++n;
        ++runs;
      });
    }
  };
};
struct rare_collections : concur::detail::hamt::default_tuning {
  static constexpr std::uint32_t retire_batch = 8192;
};
struct without_backoff : rare_collections {
  struct contention {
    void lost() noexcept {}
  };
};

template <class Key, class T>
struct hamt_with_backoff : counting_hamt<Key, T, rare_collections> {
  static constexpr const char* name = "concur_hamt_with_backoff";
  using counting_hamt<Key, T, rare_collections>::counting_hamt;
};
template <class Key, class T>
struct hamt_without_backoff : counting_hamt<Key, T, without_backoff> {
  static constexpr const char* name = "concur_hamt_without_backoff";
  using counting_hamt<Key, T, without_backoff>::counting_hamt;
};
[[maybe_unused]] const bool backoff_added =
    concur_bench::add_backoff_variant<hamt_with_backoff>() &&
    concur_bench::add_backoff_variant<hamt_without_backoff>();

CONCUR_BENCH_MAP(hamt);
CONCUR_BENCH_STRING_MAP(hamt);

}  // namespace
