// SPDX-License-Identifier: MIT
#include "scenarios/tiny_seqmap.hpp"

// Reads of several keys as of one moment, checked against the state of the whole map.

namespace {

using namespace scenarios;
using linearizability::partial_history;
using linearizability::whole;
using linearizability::whole_operation;

/// Every operation is ordered after those that had returned when it was called.
class whole_recorder {
 public:
  int begin() {
    const std::uint64_t now = clock_.fetch_add(1, std::memory_order_acq_rel);
    static_cast<void>(now);
    const mc::unseen scope;
    const int id = count_++;
    before_[id] = 0;
    for (int i = 0; i < id; ++i)
      if (done_[i]) before_[id] |= 1u << i;
    done_[id] = false;
    return id;
  }
  void end(int id, const whole_operation& o) {
    const std::uint64_t now = clock_.fetch_add(1, std::memory_order_acq_rel);
    static_cast<void>(now);
    const mc::unseen scope;
    operations_[id] = o;
    done_[id] = true;
  }
  bool check() const {
    const mc::unseen scope;
    partial_history<whole_operation> h;
    for (int i = 0; i < count_; ++i) {
      h.operations.push_back(operations_[i]);
      h.before.push_back(before_[i]);
    }
    return linearizability::check_whole(h);
  }

 private:
  int count_ = 0;
  bool done_[16] = {};
  std::uint32_t before_[16];
  whole_operation operations_[16];
  std::atomic<std::uint64_t> clock_{0};
};

template <class Map>
struct whole_map {
  whole_recorder& record;
  Map map;

  void put(std::uint64_t key, std::uint64_t value) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::put;
    o.single.key = key;
    o.single.argument = value;
    o.single.returned = 1;
    o.single.result = map.insert_or_assign(key, value) ? 1 : 0;
    record.end(id, o);
  }
  void erase(std::uint64_t key) {
    const int id = record.begin();
    whole_operation o;
    o.single.what = kind::erase;
    o.single.key = key;
    o.single.returned = 1;
    o.single.result = map.erase(key);
    record.end(id, o);
  }
  void read(std::uint64_t a, std::uint64_t b) {
    const int id = record.begin();
    whole_operation o;
    o.what = whole::read_some;
    o.mask = std::uint64_t{0xff} << (8 * a) | std::uint64_t{0xff} << (8 * b);
    const auto [x, y] = map.read_together(a, b);
    if (x) o.result |= *x << (8 * a);
    if (y) o.result |= *y << (8 * b);
    record.end(id, o);
  }
};

using map_type = whole_map<tiny_seqmap<word, word>>;

void execute(const std::vector<std::function<void(map_type&)>>& threads) {
  whole_recorder record;
  map_type map{record, {}};
  map.put(1, 1);
  map.put(2, 1);
  map.put(5, 1);
  for (const auto& t : threads) mc::spawn([&map, &t] { t(map); });
  mc::join_all();
  map.read(1, 5);
  mc::require(record.check(), "no order of the operations explains what was read together");
}

}  // namespace

TEST_CASE("read_together reads as of one moment", "[together]") {
  using m = map_type;
  const std::vector<std::vector<std::function<void(m&)>>> scenarios = {
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(5, 1);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) {
         x.put(5, 3);
         x.put(1, 3);
       },
       [](m& x) { x.read(1, 5); }},
      {[](m& x) {
         x.erase(1);
         x.put(5, 2);
       },
       [](m& x) {
         x.read(1, 5);
         x.read(1, 2);
       }},
      {[](m& x) {
         x.put(1, 2);
         x.put(2, 2);
       },
       [](m& x) { x.read(2, 1); }, [](m& x) { x.erase(2); }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) { x.read(1, 5); }, [](m& x) { x.map.reserve(20); }},
      {[](m& x) {
         x.put(1, 2);
         x.put(5, 2);
       },
       [](m& x) { x.read(1, 5); },
       [](m& x) {
         x.map.reserve(20);
         x.map.shrink_to_fit();
       }},
      {[](m& x) {
         x.put(3, 2);
         x.put(4, 2);
       },
       [](m& x) {
         x.read(3, 4);
         x.read(4, 5);
       },
       [](m& x) {
         x.erase(1);
         x.put(5, 2);
       }},
  };
  std::uint64_t done = 0;
  for (const auto& s : scenarios) done += explore("together", 6'000, [&s] { execute(s); });
  CHECK(done >= 40'000);
}
