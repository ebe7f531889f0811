// SPDX-License-Identifier: MIT
/// \file
/// Least recently used, as many projects write it for themselves: shards with a lock each, which a
/// hit takes, too, because it moves the element to the front of a list.
#pragma once

#include "../maps/caches.hpp"
#include "single.hpp"

#include <bit>
#include <list>
#include <unordered_map>

namespace concur_bench {

/// One thread's: an open-addressed table of places in an array of elements, which are linked.
template <class Key, class T>
class flat_lru {
 public:
  explicit flat_lru(std::size_t capacity)
      : elements_(capacity + 1), slots_(std::bit_ceil(2 * capacity + 1)) {}

  T* find(std::uint64_t h, const Key& key) {
    const std::uint32_t at = slots_[slot_of(h, key)];
    if (at == 0) return nullptr;
    unlink(at);
    link_newest(at);
    return &elements_[at].mapped;
  }
  void insert(std::uint64_t h, const Key& key, const T& mapped) {
    std::size_t slot = slot_of(h, key);
    std::uint32_t at = slots_[slot];
    if (at != 0) {
      elements_[at].mapped = mapped;
      unlink(at);
    } else {
      if (used_ + 1 < elements_.size()) {
        at = ++used_;
      } else {
        at = elements_[0].newer;
        unlink(at);
        erase_slot(slot_of(hash{}(elements_[at].key), elements_[at].key));
        slot = slot_of(h, key);
      }
      elements_[at].key = key;
      elements_[at].mapped = mapped;
      slots_[slot] = at;
    }
    link_newest(at);
  }

 private:
  struct element {
    Key key{};
    T mapped{};
    std::uint32_t older = 0, newer = 0;
  };
  std::size_t home(std::uint64_t h) const { return h & (slots_.size() - 1); }
  std::size_t next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }
  std::size_t slot_of(std::uint64_t h, const Key& key) const {
    std::size_t slot = home(h);
    while (slots_[slot] != 0 && !(elements_[slots_[slot]].key == key)) slot = next(slot);
    return slot;
  }
  void erase_slot(std::size_t hole) {
    for (std::size_t at = next(hole); slots_[at] != 0; at = next(at)) {
      const std::size_t from = home(hash{}(elements_[slots_[at]].key));
      if (((at - from) & (slots_.size() - 1)) < ((at - hole) & (slots_.size() - 1))) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = 0;
  }
  // Element 0 is the end of the list: newer, the oldest; older, the newest.
  void unlink(std::uint32_t at) {
    elements_[elements_[at].older].newer = elements_[at].newer;
    elements_[elements_[at].newer].older = elements_[at].older;
  }
  void link_newest(std::uint32_t at) {
    elements_[at].older = elements_[0].older;
    elements_[at].newer = 0;
    elements_[elements_[0].older].newer = at;
    elements_[0].older = at;
  }

  std::vector<element> elements_;
  std::vector<std::uint32_t> slots_;
  std::uint32_t used_ = 0;
};

/// One thread's: a list of elements and a map into it.
template <class Key, class T>
class list_lru {
 public:
  explicit list_lru(std::size_t capacity) : capacity_(capacity) {}
  T* find(std::uint64_t, const Key& key) {
    const auto at = places_.find(key);
    if (at == places_.end()) return nullptr;
    elements_.splice(elements_.begin(), elements_, at->second);
    return &at->second->second;
  }
  void insert(std::uint64_t, const Key& key, const T& mapped) {
    const auto [at, inserted] = places_.try_emplace(key);
    if (!inserted) elements_.erase(at->second);
    elements_.emplace_front(key, mapped);
    at->second = elements_.begin();
    if (places_.size() <= capacity_) return;
    places_.erase(elements_.back().first);
    elements_.pop_back();
  }

 private:
  std::size_t capacity_;
  std::list<std::pair<Key, T>> elements_;
  std::unordered_map<Key, typename std::list<std::pair<Key, T>>::iterator, hash> places_;
};

/// Shards of 128 elements or more, at most 64, by the high bits of the hash.
template <class Key, class T, template <class, class> class Cache, class Lock>
class sharded_cache {
  struct alignas(128) shard {
    explicit shard(std::size_t capacity) : cache(capacity) {}
    Lock lock;
    Cache<Key, T> cache;
  };

 public:
  static constexpr auto kind = role::peer;
  explicit sharded_cache(std::size_t capacity) {
    const std::size_t n = std::clamp<std::size_t>(capacity / 128, 1, 64);
    for (std::size_t i = 0; i != n; ++i) {
      shards_.push_back(std::make_unique<shard>(capacity / n + (i < capacity % n ? 1 : 0)));
    }
  }
  struct handle {
    sharded_cache& owner;
    explicit handle(sharded_cache& o) : owner(o) {}
    bool find(const Key& key, T& out) {
      const std::uint64_t h = hash{}(key);
      shard& s = owner.of(h);
      const std::lock_guard guard(s.lock);
      const T* const found = s.cache.find(h, key);
      if (found == nullptr) return false;
      out = *found;
      return true;
    }
    template <class Work>
    void locked(const Key& key, Work work) {
      const std::uint64_t h = hash{}(key);
      shard& s = owner.of(h);
      const std::lock_guard guard(s.lock);
      if (T* const found = s.cache.find(h, key); found != nullptr) work(*found);
    }
    template <class Work>
    void pinned(const Key& key, Work work) {
      locked(key, work);
    }
    void insert(const Key& key, const T& mapped) {
      const std::uint64_t h = hash{}(key);
      shard& s = owner.of(h);
      const std::lock_guard guard(s.lock);
      s.cache.insert(h, key, mapped);
    }
  };

 private:
  shard& of(std::uint64_t h) { return *shards_[(h >> 32) * shards_.size() >> 32]; }
  std::vector<std::unique_ptr<shard>> shards_;
};

}  // namespace concur_bench
