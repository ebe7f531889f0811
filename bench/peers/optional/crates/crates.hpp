// SPDX-License-Identifier: MIT
/// \file
/// The functions of src/: pointers are to the crates' own objects, `key` of fixed_map to 32 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {
struct concur_crate_cmap;
struct concur_crate_cmap_clone;
concur_crate_cmap* concur_crate_cmap_new(std::size_t clones);
void concur_crate_cmap_delete(concur_crate_cmap*);
concur_crate_cmap_clone* concur_crate_cmap_lend(concur_crate_cmap*);
void concur_crate_cmap_return(concur_crate_cmap*, concur_crate_cmap_clone*);
bool concur_crate_cmap_find(concur_crate_cmap_clone*, std::uint64_t key, std::uint64_t* out);
bool concur_crate_cmap_insert(concur_crate_cmap_clone*, std::uint64_t key, std::uint64_t value);
bool concur_crate_cmap_erase(concur_crate_cmap_clone*, std::uint64_t key);

struct concur_crate_lockmap;
concur_crate_lockmap* concur_crate_lockmap_new();
void concur_crate_lockmap_delete(concur_crate_lockmap*);
bool concur_crate_lockmap_find(concur_crate_lockmap*, std::uint64_t key, std::uint64_t* out);
bool concur_crate_lockmap_insert(concur_crate_lockmap*, std::uint64_t key, std::uint64_t value);
bool concur_crate_lockmap_erase(concur_crate_lockmap*, std::uint64_t key);
void concur_crate_lockmap_increment(concur_crate_lockmap*, std::uint64_t key);
void concur_crate_lockmap_locked(concur_crate_lockmap*, std::uint64_t key,
                                 void (*work)(void* context, std::uint64_t* value), void* context);
std::uint64_t concur_crate_lockmap_sum(concur_crate_lockmap*);

struct concur_crate_lru_lockmap;
concur_crate_lru_lockmap* concur_crate_lru_lockmap_new(std::size_t capacity);
void concur_crate_lru_lockmap_delete(concur_crate_lru_lockmap*);
bool concur_crate_lru_lockmap_find(concur_crate_lru_lockmap*, std::uint64_t key,
                                   std::uint64_t* out);
void concur_crate_lru_lockmap_insert(concur_crate_lru_lockmap*, std::uint64_t key,
                                     std::uint64_t value);

struct concur_crate_fixed_map;
concur_crate_fixed_map* concur_crate_fixed_map_new(std::size_t slots);
void concur_crate_fixed_map_delete(concur_crate_fixed_map*);
bool concur_crate_fixed_map_find(concur_crate_fixed_map*, const void* key, std::uint64_t* out);
bool concur_crate_fixed_map_insert(concur_crate_fixed_map*, const void* key, std::uint64_t value);
bool concur_crate_fixed_map_erase(concur_crate_fixed_map*, const void* key);
void concur_crate_fixed_map_increment(concur_crate_fixed_map*, const void* key);
}

namespace concur_bench {

/// A crate's object, made and destroyed by its functions.
template <class T, auto Delete>
class crate_object {
 public:
  explicit crate_object(T* made) : at_(made) {}
  crate_object(const crate_object&) = delete;
  crate_object& operator=(const crate_object&) = delete;
  ~crate_object() { Delete(at_); }
  T* get() const { return at_; }

 private:
  T* at_;
};

}  // namespace concur_bench
