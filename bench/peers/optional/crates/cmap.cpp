// SPDX-License-Identifier: MIT
// The Rust crate cmap. No increment: it has no update.
#include "../../../maps/all.hpp"
#include "crates.hpp"

#include <stdexcept>

namespace {

template <class Key, class T>
struct crate_cmap {
  static constexpr const char* name = "crate_cmap";
  static constexpr auto kind = concur_bench::role::peer;
  static constexpr bool insert_assigns = true;
  // Each change in sixteen looks at the words of all clones: no more than the benchmarks need.
  concur_bench::crate_object<concur_crate_cmap, concur_crate_cmap_delete> m{
      concur_crate_cmap_new(std::max<std::size_t>(16, 4 * concur_bench::processors()))};
  explicit crate_cmap(std::size_t) {}

  struct handle {
    concur_crate_cmap* owner;
    concur_crate_cmap_clone* m;
    explicit handle(crate_cmap& o) : owner(o.m.get()), m(concur_crate_cmap_lend(owner)) {
      if (m == nullptr) throw std::runtime_error("crate_cmap: more threads than clones");
    }
    handle(const handle&) = delete;
    handle& operator=(const handle&) = delete;
    ~handle() { concur_crate_cmap_return(owner, m); }
    bool find(Key key, T& out) { return concur_crate_cmap_find(m, key, &out); }
    bool insert(Key key, T v) { return concur_crate_cmap_insert(m, key, v); }
    bool erase(Key key) { return concur_crate_cmap_erase(m, key); }
  };
};

CONCUR_BENCH_WORD_MAP(crate_cmap);

}  // namespace
