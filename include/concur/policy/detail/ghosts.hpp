// SPDX-License-Identifier: MIT
/// \file
/// The keys that were evicted last, as fingerprints in the order of their eviction: 22 to 24 bytes
/// for each that is remembered, constant time for whatever happens to it.
///
/// Places, each with a fingerprint, in two lists: the ghosts of a bucket, and all by age. Links are
/// numbers of places, from 1; 0 is none, so that zeros are an empty table.
///
/// Bucket and fingerprint are different bits of the hash: a key is mistaken for another with a
/// probability of 2^-32 for each ghost of its bucket, of which there are fewer than two on average.
#pragma once

#include <bit>
#include <concur/detail/assert.hpp>
#include <concur/detail/bits/extremes.hpp>
#include <concur/policy/eviction/memory.hpp>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Allocator>
class ghosts {
 public:
  /// No more than this are ever remembered.
  static constexpr std::size_t most = std::size_t{1} << 31;

  explicit ghosts(const Allocator& allocator) noexcept : memory_(allocator) {}

  static constexpr std::size_t words_for(std::size_t n) noexcept {
    n = greatest(least(n, most), std::size_t{1});
    return words_of_place * n + std::bit_floor(n);
  }
  std::size_t words() const noexcept { return memory_.size(); }
  std::size_t size() const noexcept { return size_; }

  /// Takes the memory if it is more; what was remembered is forgotten then.
  void exchange_memory(eviction::memory<Allocator>& fresh) noexcept {
    if (fresh.size() <= memory_.size()) return;
    memory_.swap(fresh);
    // The inverse of words_for: 6 * buckets <= words < 12 * buckets.
    buckets_ = std::bit_floor(memory_.size() / (words_of_place + 1));
    places_ = (memory_.size() - buckets_) / words_of_place;
    size_ = used_ = 0;
    free_ = oldest_ = newest_ = 0;
  }

  /// Whether it is remembered; it is not any more afterwards.
  bool take(std::uint64_t hash) noexcept {
    if (size_ == 0) return false;
    std::uint32_t at = newest_of(bucket_of(hash));
    while (at != 0 && fingerprint(at) != fingerprint_of(hash)) at = next(at);
    if (at == 0) return false;
    forget(at);
    return true;
  }

  /// The oldest are forgotten, so that no more than `limit` are remembered.
  void remember(std::uint64_t hash, std::size_t limit) noexcept {
    limit = least(limit, places_);
    while (size_ != 0 && size_ >= limit) forget(oldest_);
    if (limit == 0) return;
    const std::uint32_t fresh = free_place();
    fingerprint(fresh) = fingerprint_of(hash);
    bucket(fresh) = bucket_of(hash);
    next(fresh) = std::exchange(newest_of(bucket(fresh)), fresh);
    older(fresh) = newest_;
    newer(fresh) = 0;
    (newest_ == 0 ? oldest_ : newer(newest_)) = fresh;
    newest_ = fresh;
    ++size_;
  }

 private:
  // The words of a place.
  static constexpr std::size_t words_of_place = 5;
  std::uint32_t& fingerprint(std::uint32_t place) noexcept { return words_of(place)[0]; }
  std::uint32_t& bucket(std::uint32_t place) noexcept { return words_of(place)[1]; }
  /// In the bucket, or among the free places.
  std::uint32_t& next(std::uint32_t place) noexcept { return words_of(place)[2]; }
  std::uint32_t& older(std::uint32_t place) noexcept { return words_of(place)[3]; }
  std::uint32_t& newer(std::uint32_t place) noexcept { return words_of(place)[4]; }

  std::uint32_t* words_of(std::uint32_t place) noexcept {
    CONCUR_ASSERT(place != 0 && place <= places_);
    return memory_.data() + words_of_place * (place - std::size_t{1});
  }
  std::uint32_t& newest_of(std::uint32_t bucket) noexcept {
    return memory_.data()[words_of_place * places_ + bucket];
  }

  static std::uint32_t fingerprint_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash);
  }
  std::uint32_t bucket_of(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>((hash >> 32) & (buckets_ - 1));
  }

  std::uint32_t free_place() noexcept {
    if (free_ == 0) return ++used_;
    const std::uint32_t fresh = free_;
    free_ = next(fresh);
    return fresh;
  }
  void forget(std::uint32_t place) noexcept {
    std::uint32_t* link = &newest_of(bucket(place));
    while (*link != place) link = &next(*link);
    *link = next(place);
    (older(place) == 0 ? oldest_ : newer(older(place))) = newer(place);
    (newer(place) == 0 ? newest_ : older(newer(place))) = older(place);
    next(place) = free_;
    free_ = place;
    --size_;
  }

  eviction::memory<Allocator> memory_;
  std::size_t buckets_ = 0;
  std::size_t places_ = 0;
  std::size_t size_ = 0;
  std::uint32_t used_ = 0;  ///< places that were ever used
  std::uint32_t free_ = 0;  ///< of those, the first that is free
  std::uint32_t oldest_ = 0;
  std::uint32_t newest_ = 0;
};

}  // namespace concur::inline CONCUR_ABI::detail
