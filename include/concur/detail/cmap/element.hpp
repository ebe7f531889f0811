// SPDX-License-Identifier: MIT
/// \file
/// What the vocabulary's callbacks get: a view of the element that is there, or of the slot where
/// one may be put. They only note what is wanted; change.hpp does it, as often as it takes.
///
/// Two elements may be made on the way. `kept` is made from the arguments of an operation, once: it
/// survives lost races, because the arguments have been moved from. `computed` is made anew by
/// every run.
#pragma once

#include <concepts>
#include <concur/detail/cmap/memory.hpp>
#include <concur/policy/construction.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::cmap {

/// An element that is not in the map yet: in the frame of the operation, or in its own node.
template <class Types>
class new_element {
  using value_type = typename Types::value_type;
  using item = typename Types::item;
  using Key = typename Types::key_type;
  using T = typename Types::mapped_type;
  static constexpr bool is_inline = Types::is_inline;

 public:
  new_element(node_memory<Types>& memory, const writer& w, std::uint64_t hash) noexcept
      : place_(memory, w, hash) {}
  /// In the frame: needs nothing.
  new_element() noexcept requires is_inline = default;
  new_element(const new_element&) = delete;
  new_element& operator=(const new_element&) = delete;
  ~new_element() { clear(); }

  bool is_made() const noexcept { return is_made_; }
  value_type& value() noexcept { return place_.value(); }
  item what() noexcept { return place_.what(); }

  template <class K, class... Args>
  void make(K&& key, Args&&... args) {
    if constexpr (sizeof...(Args) == 1) {
      place_.make(std::forward<K>(key), std::forward<Args>(args)...);
    } else {
      place_.make(std::piecewise_construct, std::forward_as_tuple(std::forward<K>(key)),
                  std::forward_as_tuple(std::forward<Args>(args)...));
    }
    is_made_ = true;
  }

  void make_copy(const value_type& from) requires is_inline {
    place_.make(from);
    is_made_ = true;
  }

  /// Another value for the key that is there. If making it throws, there is nothing left.
  template <class V>
  void replace_value(V&& v) {
    T& old = value().second;
    old.~T();
    CONCUR_TRY {
      place_.make_value(old, std::forward<V>(v));
    }
    CONCUR_CATCH_ALL {
      value().first.~Key();
      is_made_ = false;
      place_.release();
      CONCUR_RETHROW;
    }
  }

  CONCUR_FORCEINLINE void clear() noexcept {
    if (is_made_) place_.destroy();
    is_made_ = false;
  }
  /// It is in the map, and no longer ours. In the frame a copy stays.
  void published() noexcept {
    if constexpr (!is_inline) is_made_ = false;
  }

 private:
  /// In the frame, trivially destructible.
  struct in_frame {
    in_frame() noexcept {}
    in_frame(node_memory<Types>&, const writer&, std::uint64_t) noexcept {}
    template <class... Args>
    void make(Args&&... args) {
      ::new (storage.memory()) value_type(std::forward<Args>(args)...);
    }
    template <class V>
    void make_value(T& there, V&& v) {
      ::new (static_cast<void*>(std::addressof(there))) T(std::forward<V>(v));
    }
    value_type& value() noexcept { return *storage.get(); }
    item what() noexcept { return storage.get(); }
    void destroy() noexcept {}
    void release() noexcept {}

    local_value<value_type> storage;
  };
  struct in_node {
    in_node(node_memory<Types>& m, const writer& w, std::uint64_t h) noexcept
        : memory(m), me(w), hash(h) {}
    template <class... Args>
    void make(Args&&... args) {
      node = memory.create_element(me, hash, std::forward<Args>(args)...);
    }
    template <class V>
    void make_value(T& there, V&& v) {
      detail::construct(memory.allocator(), std::addressof(there), std::forward<V>(v));
    }
    value_type& value() noexcept { return node->value; }
    item what() noexcept { return node; }
    CONCUR_NOINLINE void destroy() noexcept { memory.destroy_element(&me.mine, node); }
    void release() noexcept { memory.release_element(&me.mine, node); }

    node_memory<Types>& memory;
    const writer& me;
    std::uint64_t hash;
    item node = nullptr;
  };

  std::conditional_t<is_inline, in_frame, in_node> place_;
  bool is_made_ = false;
};

/// A visit of a new element, which is put off until it is published.
template <class Value>
class delayed_visit {
 public:
  template <class F>
  void set(F& f) noexcept {
    callable_ = const_cast<void*>(static_cast<const void*>(__builtin_addressof(f)));
    call_ = [](void* callable, const Value& value) { (*static_cast<F*>(callable))(value); };
  }
  bool is_set() const noexcept { return call_ != nullptr; }
  void run(const Value& value) const {
    if (call_ != nullptr) call_(callable_, value);
  }

 private:
  void* callable_ = nullptr;
  void (*call_)(void*, const Value&) = nullptr;
};

enum class element_change : unsigned char { none, store, erase };

/// What an attempt has left that lost its race: it goes on from there, in another frame. Of pairs
/// only: they are copied.
template <class Value>
struct lost_attempt {
  lost_attempt() noexcept {}  // not zeroed

  bool has_kept;
  bool is_filled;         ///< `kept` is wanted in a vacant slot
  element_change wanted;  ///< for the element that was like `seen`
  bool is_kept_wanted;    ///< if it is to be stored: `kept`, else `computed`
  local_value<Value> kept;
  local_value<Value> computed;
  local_value<Value> seen;
  delayed_visit<Value> visit;
};

/// The element that is there.
template <class Types>
class element_view {
  using types = Types;
  using layout = typename types::layout;
  using item = typename types::item;
  using Key = typename types::key_type;
  using T = typename types::mapped_type;
  using value_type = typename types::value_type;

 public:
  element_view(new_element<Types>& kept, new_element<Types>& computed) noexcept
      : kept_(kept), computed_(computed) {}
  element_view(const element_view&) = delete;
  element_view& operator=(const element_view&) = delete;

  const Key& key() const noexcept { return seen().first; }
  const T& value() const noexcept { return seen().second; }

  template <class F>
  void visit(F&& f) {
    cvisit(f);
  }
  template <class F>
  void cvisit(F&& f) {
    f(seen());
  }
  template <class F>
  void mutate(F&& f) {
    computed_.clear();
    computed_.make(seen().first, seen().second);
    f(computed_.value().second);
    store(computed_);
  }
  template <class V>
  void assign(V&& v) {
    if (!kept_.is_made()) kept_.make(seen().first, std::forward<V>(v));
    store(kept_);
  }
  template <class V>
  void put(V&& v) {
    computed_.clear();
    computed_.make(seen().first, std::forward<V>(v));
    store(computed_);
  }
  T take() {
    T copy(seen().second);
    erase();
    return copy;
  }
  void erase() noexcept { wanted_ = element_change::erase; }

  element_change wanted() const noexcept { return wanted_; }
  /// Whether the callable has seen this very element, and its answer is good.
  bool is_still(item found) const noexcept {
    return found_ != nullptr && layout::is_same(found_, found);
  }
  void reset(item found) noexcept {
    computed_.clear();
    found_ = found;
    wanted_ = element_change::none;
  }
  new_element<Types>& next() noexcept { return *next_; }

  void leave_to(lost_attempt<value_type>& lost) noexcept {
    lost.is_filled = false;
    lost.wanted = wanted_;
    ::new (lost.seen.memory()) value_type(seen());
    lost.is_kept_wanted = next_ == &kept_;
    if (computed_.is_made()) ::new (lost.computed.memory()) value_type(computed_.value());
  }
  void take_over(lost_attempt<value_type>& lost) {
    if (lost.wanted == element_change::none) return;
    found_ = lost.seen.get();
    wanted_ = lost.wanted;
    if (wanted_ != element_change::store) return;
    if (!lost.is_kept_wanted) computed_.make_copy(*lost.computed.get());
    next_ = lost.is_kept_wanted ? &kept_ : &computed_;
  }

 private:
  const value_type& seen() const noexcept { return layout::value(found_); }
  void store(new_element<Types>& next) noexcept {
    next_ = &next;
    wanted_ = element_change::store;
  }

  item found_ = nullptr;
  new_element<Types>& kept_;
  new_element<Types>& computed_;
  new_element<Types>* next_ = nullptr;  ///< if wanted: `kept_` or `computed_`
  element_change wanted_ = element_change::none;
};

/// Where an element may be put. It is also what stands for the new element.
template <class Types>
class vacant_slot {
  using types = Types;
  using Key = typename types::key_type;
  using T = typename types::mapped_type;
  using value_type = typename types::value_type;

 public:
  explicit vacant_slot(new_element<Types>& kept) noexcept : kept_(kept) {}
  vacant_slot(const vacant_slot&) = delete;
  vacant_slot& operator=(const vacant_slot&) = delete;

  template <class K, class... Args>
  vacant_slot& emplace(K&& key, Args&&... args) {
    if (!kept_.is_made()) kept_.make(std::forward<K>(key), std::forward<Args>(args)...);
    return fill();
  }
  template <class K, class V>
  vacant_slot& put(K&& key, V&& v) {
    if (kept_.is_made()) {
      kept_.replace_value(std::forward<V>(v));
    } else {
      kept_.make(std::forward<K>(key), std::forward<V>(v));
    }
    return fill();
  }

  const Key& key() const noexcept { return kept_.value().first; }
  const T& value() const noexcept { return kept_.value().second; }
  template <class F>
  void visit(F& f) noexcept {
    visit_.set(f);
  }
  template <class F>
  void cvisit(F& f) noexcept {
    visit_.set(f);
  }
  template <class F>
  void mutate(F&& f) {
    f(kept_.value().second);
  }

  bool is_filled() const noexcept { return is_filled_; }
  new_element<Types>& kept() noexcept { return kept_; }
  bool is_to_be_shown() const noexcept { return visit_.is_set(); }
  void show() const { visit_.run(*made_); }

  void leave_to(lost_attempt<value_type>& lost) const noexcept {
    lost.wanted = element_change::none;
    lost.is_filled = is_filled();
    lost.visit = visit_;
  }
  void take_over(const lost_attempt<value_type>& lost) noexcept {
    if (!lost.is_filled) return;
    fill();
    visit_ = lost.visit;
  }
  void reset() noexcept {
    is_filled_ = false;
    visit_ = {};
  }

 private:
  vacant_slot& fill() noexcept {
    made_ = &kept_.value();
    is_filled_ = true;
    return *this;
  }

  new_element<Types>& kept_;
  const value_type* made_ = nullptr;  ///< stays valid: in the frame, or in the map, covered
  bool is_filled_ = false;            ///< apart: no compiler knows that `made_` is not null then
  delayed_visit<value_type> visit_;
};

/// An element of a traversal that may be erased.
template <class Types, class Engine>
class visited_element {
  using types = Types;
  using layout = typename types::layout;
  using item = typename types::item;

 public:
  visited_element(Engine& map, std::uint64_t hash, item found) noexcept
      : map_(map), hash_(hash), found_(found) {}

  const typename types::key_type& key() const noexcept { return layout::value(found_).first; }
  const typename types::mapped_type& value() const noexcept { return layout::value(found_).second; }
  template <class F>
  void visit(F&& f) {
    f(layout::value(found_));
  }
  template <class F>
  void cvisit(F&& f) {
    f(layout::value(found_));
  }
  /// At once. False if somebody has changed or erased it since it was found.
  bool erase() {
    is_lost_ = !map_.erase_exactly(hash_, found_);
    return !is_lost_;
  }
  bool is_lost() const noexcept { return is_lost_; }

 private:
  Engine& map_;
  std::uint64_t hash_;
  item found_;
  bool is_lost_ = false;
};

}  // namespace concur::inline CONCUR_ABI::detail::cmap
