// SPDX-License-Identifier: MIT
/// \file
/// One thread on one hamt: every answer is that of std::map, and snapshots, forks, differences and
/// merges are what copies of it say.
#include "fuzz/hamt_kinds.hpp"

#include <set>

namespace concur_fuzz {
namespace {

template <class Map>
class snapshot_program {
  using V = typename Map::mapped_type;
  using snapshot_type = typename Map::snapshot_type;
  using model_type = typename map_program<Map>::model_type;

 public:
  explicit snapshot_program(Map& map) : map_(map), operations_(map, 0, 1) {}

  void run(bytes input) {
    while (!input.empty()) {
      const unsigned what = input.next();
      if (what < 160) {
        operations_.step(input);
      } else {
        snapshots(what % 8, input);
      }
    }
    operations_.check();
    for (const version& v : versions_) check(v.snapshot, v.model);
  }

 private:
  struct version {
    snapshot_type snapshot;
    model_type model;
  };
  static constexpr std::size_t capacity = 5;

  void snapshots(unsigned op, bytes& input) {
    if (op < 2 || versions_.empty()) return take(input);
    const version& a = versions_[input.next() % versions_.size()];
    const version& b = versions_[input.next() % versions_.size()];
    switch (op) {
      case 2:
        check(a.snapshot, a.model);
        break;
      case 3:
        compare(a, b);
        break;
      case 4:
        merge(a, b, versions_[input.next() % versions_.size()]);
        break;
      case 5: {  // the map goes on from an older version
        Map fork(a.snapshot);
        FUZZ_CHECK(fork.size() == a.model.size());
        map_.swap(fork);
        operations_.has_now(a.model);
        break;
      }
      case 6: {
        Map fork(a.snapshot);
        map_program<Map> there(fork, 0, 1);
        there.has_now(a.model);
        for (int i = 0; i < 8; ++i) there.step(input);
        there.check();
        check(a.snapshot, a.model);
        break;
      }
      default:
        versions_.erase(versions_.begin() + static_cast<std::ptrdiff_t>(&a - versions_.data()));
    }
  }

  void take(bytes& input) {
    version now{map_.snapshot(), operations_.model()};
    if (versions_.size() < capacity) {
      versions_.push_back(std::move(now));
    } else {
      versions_[input.next() % capacity] = std::move(now);
    }
  }

  static std::optional<number> in(const model_type& m, number key) {
    const auto found = m.find(key);
    return found == m.end() ? std::nullopt : std::optional<number>(found->second);
  }
  static std::optional<number> plain(const V* v) {
    return v != nullptr ? std::optional<number>(number_of(*v)) : std::nullopt;
  }

  static void check(const snapshot_type& s, const model_type& model) {
    FUZZ_CHECK(s.size() == model.size());
    std::size_t seen = 0;
    for (const auto& [key, value] : s) {
      FUZZ_CHECK(in(model, key) == number_of(value));
      ++seen;
    }
    FUZZ_CHECK(seen == model.size());
    for (number key = 0; key < 256; key += 5) FUZZ_CHECK(plain(s.find(key)) == in(model, key));
  }

  static void compare(const version& older, const version& newer) {
    std::set<number> differ;
    concur::diff(older.snapshot, newer.snapshot,
                 [&](const number& key, const V* before, const V* after) {
                   FUZZ_CHECK(differ.insert(key).second);
                   FUZZ_CHECK(plain(before) == in(older.model, key));
                   FUZZ_CHECK(plain(after) == in(newer.model, key));
                   FUZZ_CHECK(plain(before) != plain(after));
                 });
    for (const model_type* m : {&older.model, &newer.model}) {
      for (const auto& element : *m) {
        const number key = element.first;
        FUZZ_CHECK((in(older.model, key) != in(newer.model, key)) == (differ.count(key) == 1));
      }
    }
    FUZZ_CHECK((older.snapshot == newer.snapshot) == differ.empty());
  }

  static std::optional<number> resolved(number key, std::optional<number> base,
                                        std::optional<number> ours, std::optional<number> theirs) {
    if (key % 3 == 0) return std::nullopt;
    return base.value_or(1) + 3 * ours.value_or(2) + 5 * theirs.value_or(3);
  }

  static void merge(const version& base, const version& ours, const version& theirs) {
    const auto merged = concur::merge(
        base.snapshot, ours.snapshot, theirs.snapshot,
        [](const number& key, const V* b, const V* o, const V* t) -> std::optional<V> {
          const auto r = resolved(key, plain(b), plain(o), plain(t));
          return r ? std::optional<V>(V(*r)) : std::nullopt;
        });
    model_type expected;
    for (const model_type* m : {&base.model, &ours.model, &theirs.model}) {
      for (const auto& element : *m) {
        const number key = element.first;
        const auto b = in(base.model, key);
        const auto o = in(ours.model, key);
        const auto t = in(theirs.model, key);
        const auto r = o == t || t == b ? o : o == b ? t : resolved(key, b, o, t);
        if (r) expected[key] = *r;
      }
    }
    check(merged, expected);
    const Map whole(merged);
    FUZZ_CHECK(whole.validate().error == nullptr);
  }

  Map& map_;
  map_program<Map> operations_;
  std::vector<version> versions_;
};

}  // namespace
}  // namespace concur_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace concur_fuzz;
  bytes input(data, size);
  on_some_map(input, [&](auto& map) { snapshot_program(map).run(input); });
  return 0;
}
