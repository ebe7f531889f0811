// SPDX-License-Identifier: MIT
/// \file
/// A pair that is to be stored: kept while a modification runs again, because what it was made of
/// has been moved from. In the element form it is the leaf that will be published, in the inline
/// form a buffer whose bytes are copied into leaves.
#pragma once

#include <concepts>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/hamt/core.hpp>
#include <concur/detail/hamt/node.hpp>
#include <concur/detail/hamt/section.hpp>
#include <concur/policy/construction.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

template <class Types, bool IsInline = Types::is_inline>
class prepared;

template <class Types>
class prepared<Types, true> {
  using value_type = typename Types::value_type;

 public:
  explicit prepared(section<Types>&) noexcept {}
  prepared(const prepared&) = delete;
  prepared& operator=(const prepared&) = delete;

  bool has_pair() const noexcept { return has_pair_; }
  value_type& pair() noexcept { return *std::launder(reinterpret_cast<value_type*>(bytes_)); }

  template <class K, class... Args>
  void make(core<Types>&, std::uint64_t, K&& key, Args&&... args) {
    has_pair_ = false;  // the pair is trivially destructible
    ::new (static_cast<void*>(bytes_))
        value_type(std::piecewise_construct, std::forward_as_tuple(std::forward<K>(key)),
                   std::forward_as_tuple(std::forward<Args>(args)...));
    has_pair_ = true;
  }
  /// Only the value anew.
  template <class V>
  void remake(core<Types>&, V&& value) {
    typename Types::mapped_type next(std::forward<V>(value));
    void* const at = static_cast<void*>(std::addressof(pair().second));
    ::new (at) typename Types::mapped_type(std::move(next));
  }

 private:
  alignas(value_type) unsigned char bytes_[sizeof(value_type)];
  bool has_pair_ = false;
};

template <class Types>
class prepared<Types, false> {
  using value_type = typename Types::value_type;

 public:
  /// In a section that outlives it.
  explicit prepared(section<Types>& s) noexcept : section_(s) {}
  prepared(const prepared&) = delete;
  prepared& operator=(const prepared&) = delete;
  ~prepared() { reset(); }

  bool has_pair() const noexcept { return leaf_ != nullptr; }
  value_type& pair() noexcept { return *Types::pairs(leaf_); }
  node* leaf() const noexcept { return leaf_; }

  template <class K, class... Args>
  void make(core<Types>& c, std::uint64_t hash, K&& key, Args&&... args) {
    reset();
    core_ = &c;
    node* const fresh = c.make_leaf(1, section_.me());
    CONCUR_TRY {
      ::new (static_cast<void*>(fresh + 1)) std::uint64_t(hash);
      detail::construct(c.allocator(), static_cast<value_type*>(Types::raw_pair(fresh, 0)),
                        std::piecewise_construct, std::forward_as_tuple(std::forward<K>(key)),
                        std::forward_as_tuple(std::forward<Args>(args)...));
    }
    CONCUR_CATCH_ALL {
      c.free_memory(fresh);
      CONCUR_RETHROW;
    }
    leaf_ = fresh;
  }
  template <class V>
  void remake(core<Types>& c, V&& value) {
    using T = typename Types::mapped_type;
    if constexpr (std::is_assignable_v<T&, V>) {
      static_cast<void>(c);
      pair().second = std::forward<V>(value);
    } else {
      node* const old = std::exchange(leaf_, nullptr);
      struct last_use {
        section<Types>& s;
        core<Types>& c;
        node* n;
        bool is_known;
        ~last_use() { dispose(s, c, n, is_known); }
      } guard{section_, c, old, is_known_};
      was_proposed_ = is_known_ = false;
      make(c, Types::hash_in(old), std::as_const(Types::pairs(old)->first), std::forward<V>(value));
    }
  }

  /// It was in a slot itself, and others may still look at it.
  void mark_proposed() noexcept { was_proposed_ = is_known_ = true; }
  bool was_proposed() const noexcept { return was_proposed_; }
  /// Something links to it that others may see.
  void mark_known() noexcept { is_known_ = true; }

  /// Its link belongs to somebody else now.
  void release() noexcept { leaf_ = nullptr; }
  void reset() noexcept {
    if (leaf_ == nullptr) return;
    dispose(section_, *core_, std::exchange(leaf_, nullptr), is_known_);
    was_proposed_ = is_known_ = false;
  }

 private:
  static void dispose(section<Types>& s, core<Types>& c, node* n, bool is_known) noexcept {
    if (is_known) {
      s.drop(c, n);
    } else {
      s.destroy(c, n);
    }
  }

  section<Types>& section_;
  core<Types>* core_ = nullptr;
  node* leaf_ = nullptr;
  bool was_proposed_ = false;
  bool is_known_ = false;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
