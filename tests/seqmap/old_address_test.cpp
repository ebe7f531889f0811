// SPDX-License-Identifier: MIT
/// \file
/// Reads whose equality uses the map: the table that they were reading has gone meanwhile, and the
/// next one may lie at the same address.
#include "support/catch.hpp"

#include <algorithm>
#include <concur/seqmap.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <new>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

namespace {

/// All keys have one home and one tag.
struct same_hash {
  using is_avalanching = void;
  std::uint64_t operator()(int) const { return 42; }
};

/// The first comparison after `before_next` is set runs it first.
struct meddling_equal {
  std::function<void()>* before_next;
  bool operator()(int a, int b) const {
    if (*before_next) std::exchange(*before_next, {})();
    return a == b;
  }
};

/// Hands out what was given back last, and remembers where each block was.
class recycled_memory {
 public:
  recycled_memory() = default;
  recycled_memory(const recycled_memory&) = delete;
  recycled_memory& operator=(const recycled_memory&) = delete;
  ~recycled_memory() {
    for (const block& b : free_) ::operator delete(b.where, b.alignment);
  }
  void* allocate(std::size_t bytes, std::align_val_t alignment) {
    const auto same = [&](const block& b) { return b.bytes == bytes && b.alignment == alignment; };
    const auto found = std::find_if(free_.rbegin(), free_.rend(), same);
    void* where = nullptr;
    if (found == free_.rend()) {
      where = ::operator new(bytes, alignment);
    } else {
      where = found->where;
      free_.erase(std::next(found).base());
    }
    handed_out.push_back(where);
    return where;
  }
  void deallocate(void* where, std::size_t bytes, std::align_val_t alignment) {
    free_.push_back({where, bytes, alignment});
  }

  std::vector<void*> handed_out;

 private:
  struct block {
    void* where;
    std::size_t bytes;
    std::align_val_t alignment;
  };
  std::vector<block> free_;
};

template <class T>
struct recycling_allocator {
  using value_type = T;
  recycled_memory* memory;

  explicit recycling_allocator(recycled_memory& m) : memory(&m) {}
  template <class U>
  recycling_allocator(const recycling_allocator<U>& other) : memory(other.memory) {}
  T* allocate(std::size_t n) {
    return static_cast<T*>(memory->allocate(n * sizeof(T), std::align_val_t{alignof(T)}));
  }
  void deallocate(T* where, std::size_t n) noexcept {
    memory->deallocate(where, n * sizeof(T), std::align_val_t{alignof(T)});
  }
  bool operator==(const recycling_allocator&) const = default;
};

/// Two keys of one bucket, and an equality that may put another table where theirs was: of the same
/// address, size and state of the bucket, but with the keys in each other's cells.
struct exchanged_tables {
  using allocator = recycling_allocator<std::pair<const int, int>>;

  recycled_memory memory;
  std::function<void()> before_next;
  concur::seqmap<int, int, same_hash, meddling_equal, allocator> map{
      0, same_hash(), meddling_equal{&before_next}, allocator(memory)};

  exchanged_tables() {
    map.insert({1, 10});
    map.insert({2, 20});
    before_next = [this] {
      map.reserve(1000);
      map.erase(1);
      map.shrink_to_fit();
      map.insert({1, 11});
    };
  }
  bool is_at_the_old_address() const {
    const std::vector<void*>& all = memory.handed_out;
    return !before_next && std::count(all.begin(), all.end(), all.front()) == 2;
  }
};

}  // namespace

TEST_CASE("seqmap: a table that comes to lie where an older one lay is not taken for it") {
  {
    exchanged_tables tables;
    REQUIRE(tables.map.find(2) == 20);
    REQUIRE(tables.is_at_the_old_address());
  }
  {
    exchanged_tables tables;
    REQUIRE(tables.map.contains(2));
    REQUIRE(tables.is_at_the_old_address());
  }
  {
    exchanged_tables tables;
    REQUIRE(tables.map.read_together(2, 1) == std::tuple(std::optional(20), std::optional(11)));
    REQUIRE(tables.is_at_the_old_address());
  }
}
