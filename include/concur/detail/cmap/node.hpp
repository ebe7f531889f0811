// SPDX-License-Identifier: MIT
/// \file
/// Where elements live, and what a leaf is: two layouts with one interface.
///
///   inline     (trivially copyable, up to 16 bytes)   leaf = [pair][pair]..[header]
///   indirect   (every other type)   element = [hash][pair][header], never moved
///                                   leaf    = [entry][entry]..[header], entry = 16 bits of hash |
///                                   element a leaf of one element is the element itself
///
/// The elements of a leaf are sorted by the bit that they have in the filter of the word that leads
/// to it, see slot_word.hpp: a lookup compares one key, in most cases.
///
/// The header of the reclaimer comes last, where no reader touches it. A leaf is immutable: every
/// change makes another one. Code that rearranges leaves works on `item`s, pointers to where
/// elements are now; to build a leaf of them copies the pair, or the pointer.
#pragma once

#include <concur/detail/cmap/copy_pairs.hpp>
#include <concur/detail/cmap/slot_word.hpp>
#include <concur/detail/cmap/table.hpp>
#include <concur/policy/hash_traits.hpp>
#include <concur/policy/key_equal.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::cmap {

/// The kinds that the reclaimer hands back: 1 to 6 as in a slot word, 7 for an `other_node`.
inline constexpr unsigned kind_other = 7;

constexpr std::size_t header_offset(std::size_t bytes) noexcept {
  return (bytes + alignof(epoch_node) - 1) / alignof(epoch_node) * alignof(epoch_node);
}

/// An element that is being made, in the frame of an operation. Its type is trivially destructible.
template <class Value>
class local_value {
 public:
  local_value() noexcept {}  // not zeroed
  local_value(const local_value&) = delete;
  local_value& operator=(const local_value&) = delete;

  void* memory() noexcept { return bytes_; }
  Value* get() noexcept { return std::launder(reinterpret_cast<Value*>(bytes_)); }

 private:
  alignas(Value) unsigned char bytes_[sizeof(Value)];
};

template <class Value, class Word>
struct inline_layout {
  using word = Word;
  using item = const Value*;
  using entry = Value;
  static constexpr bool is_inline = true;

  static constexpr std::size_t leaf_bytes(unsigned count) noexcept {
    return header_offset(count * sizeof(Value)) + sizeof(epoch_node);
  }
  static epoch_node* header(void* leaf, unsigned count) noexcept {
    return reinterpret_cast<epoch_node*>(static_cast<unsigned char*>(leaf) +
                                         header_offset(count * sizeof(Value)));
  }
  static void* start(epoch_node* header, unsigned count) noexcept {
    return reinterpret_cast<unsigned char*>(header) - header_offset(count * sizeof(Value));
  }

  static item at(word w, unsigned index) noexcept {
    return w.template address<const Value>() + index;
  }
  static const Value& value(item i) noexcept { return *i; }
  static const void* address(item i) noexcept { return i; }

  template <class Hash>
  static std::uint64_t hash(item i,
                            const Hash& hasher) noexcept(noexcept(mixed_hash(hasher, i->first))) {
    return mixed_hash(hasher, i->first);
  }
  /// What the element at `index` has in the filter of its leaf.
  template <class Hash>
  static std::uint64_t filter(word w, unsigned index, const Hash& hasher) {
    return word::filter_of(hash(at(w, index), hasher));
  }

  /// Calls f with an item that may be handed to code which is not inlined: a copy, so that an
  /// element in the frame of an operation can stay in registers.
  template <class F>
  static decltype(auto) spilled(item i, F f) {
    const Value copy(*i);
    return f(&copy);
  }

  static void put(void* leaf, unsigned index, item i, std::uint64_t) noexcept {
    ::new (static_cast<void*>(static_cast<Value*>(leaf) + index)) Value(*i);
  }
  /// Of an element that has just been made, in two stores: a load of both parts at once would wait
  /// for both to have been written.
  static void put_fresh(void* leaf, unsigned index, item i, std::uint64_t) noexcept {
    ::new (static_cast<void*>(static_cast<Value*>(leaf) + index)) Value(i->first, i->second);
  }
  /// Another value for the key that is there.
  static void put_value(void* leaf, unsigned index,
                        const typename Value::second_type& value) noexcept {
    using T = typename Value::second_type;
    T& there = static_cast<Value*>(leaf)[index].second;
    ::new (const_cast<void*>(static_cast<const volatile void*>(std::addressof(there)))) T(value);
  }
  static void copy(void* leaf, unsigned index, word from, unsigned from_index) noexcept {
    put(leaf, index, at(from, from_index), 0);
  }
  /// The first `count` elements, of one or more. Up to 16 bytes after them are written too.
  CONCUR_FORCEINLINE static void copy_first(void* leaf, word from, unsigned count) noexcept {
    if constexpr (has_wide_copy && sizeof(Value) == 16) {
      copy_pairs<two_pairs>(leaf, from.template address<const void>(), count);
    } else {
      for (unsigned i = 0; i < count; ++i) copy(leaf, i, from, i);
    }
  }
  /// The first `count` elements, of one or more, but the one at `gap` and those after it one place
  /// further.
  CONCUR_FORCEINLINE static void copy_with_gap(void* leaf, word from, unsigned count,
                                               unsigned gap) noexcept {
    copy_first(leaf, from, count);
    copy_shifted(leaf, from, gap, gap + 1, count - gap);
  }
  /// The first `count` elements, of one or more, without the one at `gone`, which may be the last.
  CONCUR_FORCEINLINE static void copy_without(void* leaf, word from, unsigned count,
                                              unsigned gone) noexcept {
    copy_first(leaf, from, count - 1);
    copy_shifted(leaf, from, gone + 1, gone, count - 1 - gone);
  }
  /// The same of elements that were just written, one by one.
  CONCUR_FORCEINLINE static void copy_written(void* leaf, item from, unsigned count) noexcept {
    if constexpr (has_wide_copy && sizeof(Value) == 16) {
      copy_pairs<one_pair>(leaf, from, count);
    } else {
      for (unsigned i = 0; i < count; ++i) put(leaf, i, from + i, 0);
    }
  }

  /// The element of `key` in a leaf that may hold it by its filter, or null.
  template <class K, class Equal>
  CONCUR_FORCEINLINE static item find(word w, std::uint64_t hash, const K& key,
                                      const Equal& equal) {
    item i = at(w, w.first_of(hash));
    if (keys_are_equal(equal, i->first, key)) [[likely]]
      return i;
    if (w.has_bit_for_each()) return nullptr;
    for (const item end = at(w, w.count()); ++i != end;) {
      if (keys_are_equal(equal, i->first, key)) return i;
    }
    return nullptr;
  }
  static unsigned index_of(word w, item i) noexcept { return static_cast<unsigned>(i - at(w, 0)); }
  /// Whether nobody has changed the element in between. Copies of a pair have its bytes.
  static bool is_same(item a, item b) noexcept {
    return a == b || std::memcmp(a, b, sizeof(Value)) == 0;
  }

 private:
  /// `count` elements, or none, from one index to another one.
  CONCUR_FORCEINLINE static void copy_shifted(void* leaf, word from, unsigned from_index,
                                              unsigned to_index, unsigned count) noexcept {
    if constexpr (has_wide_copy && sizeof(Value) == 16) {
      // None: the first once more, where it is already, so that no branch asks.
      const unsigned none = count == 0 ? 1 : 0;
      const unsigned mask = none - 1;
      copy_pairs<two_pairs>(static_cast<Value*>(leaf) + (to_index & mask),
                            at(from, from_index & mask), count + none);
    } else {
      for (unsigned i = 0; i < count; ++i) copy(leaf, to_index + i, from, from_index + i);
    }
  }
};

template <class Value>
struct element {
  std::uint64_t hash;
  Value value;

  static constexpr std::size_t bytes() noexcept {
    return header_offset(sizeof(element)) + sizeof(epoch_node);
  }
  epoch_node* header() noexcept {
    return reinterpret_cast<epoch_node*>(reinterpret_cast<unsigned char*>(this) +
                                         header_offset(sizeof(element)));
  }
  static element* of(epoch_node* header) noexcept {
    return reinterpret_cast<element*>(reinterpret_cast<unsigned char*>(header) -
                                      header_offset(sizeof(element)));
  }
};

template <class Value, class Word>
struct indirect_layout {
  using word = Word;
  using element = cmap::element<Value>;
  using item = element*;
  using entry = std::uint64_t;
  static constexpr bool is_inline = false;

  // --- entries: where pointers have bits to spare, 16 of the hash, the filter's four among them
  // ---

  static entry entry_of(item e, std::uint64_t hash) noexcept {
    const entry address = reinterpret_cast<std::uintptr_t>(e);
    return has_tags ? address | hash << tag_shift : address;
  }
  static item item_of(entry e) noexcept {
    return reinterpret_cast<item>(
        static_cast<std::uintptr_t>(has_tags ? e & ~(~entry{0} << tag_shift) : e));
  }

  // --- leaves of two or more ---

  static constexpr std::size_t leaf_bytes(unsigned count) noexcept {
    return count * sizeof(entry) + sizeof(epoch_node);
  }
  static epoch_node* header(void* leaf, unsigned count) noexcept {
    return reinterpret_cast<epoch_node*>(static_cast<entry*>(leaf) + count);
  }
  static void* start(epoch_node* header, unsigned count) noexcept {
    return reinterpret_cast<entry*>(header) - count;
  }

  static item at(word w, unsigned index) noexcept {
    if (w.count() == 1) return w.template address<element>();
    return item_of(w.template address<const entry>()[index]);
  }
  static const Value& value(item i) noexcept { return i->value; }
  static const void* address(item i) noexcept { return i; }

  template <class Hash>
  static std::uint64_t hash(item i, const Hash&) noexcept {
    return i->hash;
  }
  template <class Hash>
  static std::uint64_t filter(word w, unsigned index, const Hash&) noexcept {
    if constexpr (has_tags) {
      if (w.count() == 1) return w.filter();
      return word::filter_of(w.template address<const entry>()[index] >> tag_shift);
    } else {
      return 0;
    }
  }

  template <class F>
  static decltype(auto) spilled(item i, F f) {
    return f(i);
  }

  static void put(void* leaf, unsigned index, item i, std::uint64_t hash) noexcept {
    static_cast<entry*>(leaf)[index] = entry_of(i, hash);
  }
  static void put_fresh(void* leaf, unsigned index, item i, std::uint64_t hash) noexcept {
    put(leaf, index, i, hash);
  }
  static void copy(void* leaf, unsigned index, word from, unsigned from_index) noexcept {
    if (from.count() == 1) {
      item only = at(from, 0);
      put(leaf, index, only, only->hash);
    } else {
      static_cast<entry*>(leaf)[index] = from.template address<const entry>()[from_index];
    }
  }
  /// The first `count` elements, of one or more.
  static void copy_first(void* leaf, word from, unsigned count) noexcept {
    for (unsigned i = 0; i < count; ++i) copy(leaf, i, from, i);
  }
  static void copy_with_gap(void* leaf, word from, unsigned count, unsigned gap) noexcept {
    copy_first(leaf, from, gap);
    for (unsigned i = gap; i < count; ++i) copy(leaf, i + 1, from, i);
  }
  static void copy_without(void* leaf, word from, unsigned count, unsigned gone) noexcept {
    copy_first(leaf, from, gone);
    for (unsigned i = gone + 1; i < count; ++i) copy(leaf, i - 1, from, i);
  }

  template <class K, class Equal>
  static item find(word w, std::uint64_t hash, const K& key, const Equal& equal) {
    if (w.count() == 1) {
      item only = w.template address<element>();
      return only->hash == hash && keys_are_equal(equal, only->value.first, key) ? only : nullptr;
    }
    const entry* const first = w.template address<const entry>();
    const entry* e = first + w.first_of(hash);
    for (const entry* const end = first + w.count(); e != end; ++e) {
      if (has_tags && (*e ^ hash << tag_shift) >> tag_shift != 0) continue;
      item i = item_of(*e);
      if (i->hash == hash && keys_are_equal(equal, i->value.first, key)) return i;
    }
    return nullptr;
  }
  static unsigned index_of(word w, item i) noexcept {
    unsigned index = 0;
    while (at(w, index) != i) ++index;
    return index;
  }
  static bool is_same(item a, item b) noexcept { return a == b; }

 private:
  static constexpr bool has_tags = word::filter_of(0) != 0;
  static constexpr unsigned tag_shift = 48;
};

/// An element of several whose hashes are equal in all 64 bits: a list that shares its tail with
/// the one that it was made from. `info` is its length.
template <class Layout, class Value>
struct list_cell : other_node {
  using held = std::conditional_t<Layout::is_inline, local_value<Value>, typename Layout::item>;

  list_cell(std::uint64_t h, list_cell* t) noexcept
      : other_node(node_type::list, t == nullptr ? 1 : t->info + 1), hash(h), tail(t) {}

  typename Layout::item item() noexcept {
    if constexpr (Layout::is_inline) {
      return content.get();
    } else {
      return content;
    }
  }
  void set(typename Layout::item i) noexcept {
    if constexpr (Layout::is_inline) {
      ::new (content.memory()) Value(*i);
    } else {
      content = i;
    }
  }

  std::uint64_t hash;
  list_cell* tail;
  held content;
};

template <class Key, class T, class Hash, class KeyEqual, class Allocator, class Tuning>
struct engine_types {
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;
  using hasher = Hash;
  using key_equal = KeyEqual;
  using allocator_type = Allocator;
  using tuning = Tuning;
  using word = basic_slot_word<Tuning::has_filter>;

  static constexpr bool is_inline =
      std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<T> &&
      std::is_copy_constructible_v<Key> && std::is_copy_constructible_v<T> &&
      sizeof(value_type) <= Tuning::inline_bytes && alignof(value_type) <= 16;
  using layout = std::conditional_t<is_inline, inline_layout<value_type, word>,
                                    indirect_layout<value_type, word>>;
  using item = typename layout::item;
  using list = list_cell<layout, value_type>;

  static constexpr unsigned max_leaf = Tuning::max_leaf;
  static_assert(max_leaf >= 2 && max_leaf <= word::max_leaf);
  static_assert(Tuning::contract_at < max_leaf,
                "or an erasure would make what an insertion splits");
  static_assert(Tuning::births_per_era >= 1 && Tuning::first_branch_bits >= 1 &&
                Tuning::branch_bits >= 1);
  static constexpr unsigned max_load =
      is_inline ? Tuning::max_load_inline : Tuning::max_load_indirect;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
