// SPDX-License-Identifier: MIT
/// \file
/// A cache of keys alone, single-threaded, made of eviction policies: what a policy decides,
/// without a map around it. Evicts as the maps do: the new element goes in, then as many as
/// necessary go out.
#pragma once

#include <concur/policy/eviction.hpp>
#include <concur/policy/hash.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace concur_test {

/// A policy's queue with the elements of its shard.
template <class Policy, class Allocator = std::allocator<std::byte>>
class simulated_shard {
 public:
  using queue_type = typename Policy::template queue<Allocator>;

  explicit simulated_shard(std::uint64_t capacity, const Allocator& allocator = {})
      : allocator_(allocator), capacity_(capacity), queue_(capacity, allocator) {}

  /// Whether the key was there; it is now.
  bool access(std::uint64_t key, std::uint64_t hash, std::uint32_t weight = 1) {
    const auto [at, inserted] = elements_.try_emplace(key);
    element& found = at->second;
    if (!inserted) {
      if (queue_.touch(found)) {
        ++promotions_;
        queue_.promote(found);
      }
      return true;
    }
    found.key = key;
    found.hash = hash;
    found.weight = weight;
    insert(found);
    return false;
  }
  std::optional<std::uint64_t> pop() {
    concur::eviction::node* const victim = queue_.victim();
    if (victim == nullptr) return std::nullopt;
    const std::uint64_t key = element_of(*victim).key;
    queue_.evict(*victim);
    elements_.erase(key);
    return key;
  }
  bool erase(std::uint64_t key) {
    const auto at = elements_.find(key);
    if (at == elements_.end()) return false;
    queue_.erase(at->second);
    elements_.erase(at);
    return true;
  }
  void reweigh(std::uint64_t key, std::uint32_t weight) {
    queue_.reweigh(elements_.at(key), weight);
    evict_surplus();
  }
  void set_capacity(std::uint64_t capacity) {
    capacity_ = capacity;
    queue_.set_capacity(capacity);
    evict_surplus();
  }
  /// Taken out as the maps do with one that is held when its turn comes, and put back.
  void hold(std::uint64_t key) { queue_.erase(elements_.at(key)); }
  void release(std::uint64_t key) { insert(elements_.at(key)); }

  bool contains(std::uint64_t key) const { return elements_.contains(key); }
  std::size_t size() const { return elements_.size(); }
  queue_type& queue() { return queue_; }
  std::uint64_t promotions() const { return promotions_; }
  /// From the coldest to the hottest.
  std::vector<std::uint64_t> keys() {
    std::vector<std::uint64_t> all;
    if constexpr (requires { queue_.settle(); }) queue_.settle();
    queue_.for_each([&](concur::eviction::node& node) {
      all.push_back(element_of(node).key);
      return true;
    });
    return all;
  }

 private:
  struct element : concur::eviction::node {
    std::uint64_t key = 0;
  };
  static element& element_of(concur::eviction::node& node) { return static_cast<element&>(node); }
  void insert(element& fresh) {
    queue_.insert(fresh);
    if (concur::eviction::words_lacking(queue_) != 0) {
      concur::eviction::supply(queue_, allocator_, lock_);
    }
    evict_surplus();
  }
  void evict_surplus() {
    while (queue_.weight() > capacity_) pop();
  }
  struct no_lock {
    void lock() {}
    void unlock() {}
  };

  Allocator allocator_;
  std::uint64_t capacity_;
  std::unordered_map<std::uint64_t, element> elements_;
  queue_type queue_;
  no_lock lock_;
  std::uint64_t promotions_ = 0;
};

/// Shards with exact shares of the capacity, chosen by the high bits of the hash.
template <class Policy>
class simulated_cache {
 public:
  explicit simulated_cache(std::uint64_t capacity, std::size_t shards = 1, std::uint64_t seed = 0)
      : hash_(seed) {
    for (std::size_t i = 0; i < shards; ++i) {
      const std::uint64_t share = capacity / shards + (i < capacity % shards ? 1 : 0);
      shards_.push_back(std::make_unique<simulated_shard<Policy>>(share));
    }
  }
  bool access(std::uint64_t key) {
    const std::uint64_t hash = hash_(key);
    // Of the high 32 bits: product of two numbers below 2^32.
    const std::uint64_t shard = ((hash >> 32) * shards_.size()) >> 32;
    return shards_[shard]->access(key, hash);
  }
  std::uint64_t hits(const std::vector<std::uint64_t>& trace) {
    std::uint64_t n = 0;
    for (const std::uint64_t key : trace) n += access(key) ? 1U : 0U;
    return n;
  }
  std::size_t size() const {
    std::size_t n = 0;
    for (const auto& shard : shards_) n += shard->size();
    return n;
  }
  std::uint64_t promotions() const {
    std::uint64_t n = 0;
    for (const auto& shard : shards_) n += shard->promotions();
    return n;
  }

 private:
  concur::hash<std::uint64_t> hash_;
  std::vector<std::unique_ptr<simulated_shard<Policy>>> shards_;
};

}  // namespace concur_test
