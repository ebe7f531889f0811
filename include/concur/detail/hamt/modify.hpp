// SPDX-License-Identifier: MIT
/// \file
/// One modification of one key: look, ask the callbacks, store if nothing has changed meanwhile, or
/// begin again. detail/map/primitives.hpp has the rules for what is kept between the runs.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/hamt/build.hpp>
#include <concur/detail/hamt/prepared.hpp>
#include <concur/detail/hamt/tree.hpp>
#include <concur/detail/hamt/view.hpp>
#include <concur/detail/sync/contention.hpp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::hamt {

/// What the callbacks have decided on.
enum class action { none, store_kept, store_fresh, erase };

/// A callable that is to be shown a new element once it has been published.
template <class Pair>
class put_off_visit {
 public:
  template <class F>
  void set(F& f) noexcept {
    callable_ = const_cast<void*>(static_cast<const void*>(std::addressof(f)));
    call_ = [](void* callable, const Pair& pair) { (*static_cast<F*>(callable))(pair); };
  }
  explicit operator bool() const noexcept { return call_ != nullptr; }
  void operator()(const Pair& pair) const { call_(callable_, pair); }
  void reset() noexcept { call_ = nullptr; }

 private:
  void* callable_ = nullptr;
  void (*call_)(void*, const Pair&) = nullptr;
};

/// What a modification does when it has lost: that of the library, or the tuning's own, so that a
/// benchmark can leave it out.
template <class Tuning>
struct contention_for {
  using type = contention;
};
template <class Tuning>
  requires requires {
    typename Tuning::contention;
  }
struct contention_for<Tuning> {
  using type = typename Tuning::contention;
};

template <class Engine>
class modification {
 public:
  using types = typename Engine::types;
  using core_type = core<types>;
  using value_type = typename types::value_type;
  using key_type = typename types::key_type;
  using mapped_type = typename types::mapped_type;

  modification(Engine& engine, std::uint64_t hash)
      : engine_(engine), hash_(hash), section_(thread_slots::mine(), brief) {}
  modification(const modification&) = delete;
  modification& operator=(const modification&) = delete;

  class element {
   public:
    element(modification& m, const value_type* pair) noexcept : m_(m), pair_(pair) {}
    const key_type& key() const noexcept { return pair()->first; }
    const mapped_type& value() const noexcept { return pair()->second; }
    template <class F>
    void visit(F& f) {
      cvisit(f);
    }
    /// A new element is shown when it has been published.
    template <class F>
    void cvisit(F& f) {
      if (pair_ == nullptr) {
        m_.put_off_.set(f);
      } else {
        f(*pair_);
      }
    }
    template <class F>
    void mutate(F&& f) {
      m_.fresh_.make(m_.any_core(), m_.hash_, key(), value());
      f(m_.fresh_.pair().second);
      m_.action_ = action::store_fresh;
    }
    template <class V>
    void assign(V&& value) {
      if (!m_.kept_.has_pair()) {
        m_.kept_.make(m_.any_core(), m_.hash_, key(), std::forward<V>(value));
      }
      m_.action_ = action::store_kept;
    }
    template <class V>
    void put(V&& value) {
      m_.fresh_.make(m_.any_core(), m_.hash_, key(), std::forward<V>(value));
      m_.action_ = action::store_fresh;
    }
    mapped_type take() {
      erase();
      return value();
    }
    bool erase() noexcept {
      m_.action_ = action::erase;
      return true;
    }
    /// Identifies the element that a snapshot showed.
    bool is_that(const value_type* shown) const noexcept {
      if constexpr (types::is_inline) {
        return std::memcmp(static_cast<const void*>(shown), static_cast<const void*>(pair_),
                           sizeof(value_type)) == 0;
      } else {
        return shown == pair_;
      }
    }

   private:
    const value_type* pair() const noexcept { return pair_ != nullptr ? pair_ : &m_.kept_.pair(); }

    modification& m_;
    const value_type* pair_;  ///< null: the new one
  };

  class absent {
   public:
    explicit absent(modification& m) noexcept : m_(m), element_(m, nullptr) {}
    template <class K, class... Args>
    element& emplace(K&& key, Args&&... args) {
      if (!m_.kept_.has_pair()) {
        m_.kept_.make(m_.any_core(), m_.hash_, std::forward<K>(key), std::forward<Args>(args)...);
      }
      return filled();
    }
    template <class K, class V>
    element& put(K&& key, V&& value) {
      if (m_.kept_.has_pair()) {
        m_.kept_.remake(m_.any_core(), std::forward<V>(value));
      } else {
        m_.kept_.make(m_.any_core(), m_.hash_, std::forward<K>(key), std::forward<V>(value));
      }
      return filled();
    }

   private:
    element& filled() noexcept {
      m_.action_ = action::store_kept;
      return element_;
    }
    modification& m_;
    element element_;
  };

  template <class K, class OnAbsent, class OnPresent>
  void run(const K& key, OnAbsent& on_absent, OnPresent& on_present) {
    bool is_rerun = false;
    for (typename contention_for<typename types::tuning>::type others;; others.lost()) {
      if (is_rerun) [[unlikely]]
        remember();
      look(key);
      if (is_rerun && is_as_before()) {
        // Another element of the same place has changed, perhaps by a callback of ours: what was
        // decided about this one stands, and the callbacks need not run again.
        if (store()) break;
        continue;
      }
      is_rerun = true;
      action_ = action::none;
      put_off_.reset();
      if (index_ >= 0) {
        element present(*this, &types::pair_at(seen_, static_cast<std::uint32_t>(index_)));
        on_present(present);
      } else {
        absent place(*this);
        CONCUR_TRY {
          on_absent(place);
        }
        CONCUR_CATCH_ALL {
          // A callback that throws after `emplace` keeps the element.
          if (action_ == action::store_kept) insert_anyway();
          CONCUR_RETHROW;
        }
      }
      if (action_ == action::none) return;
      if (store()) [[likely]]
        break;
    }
    if (!put_off_) return;
    // The new element is protected as what was proposed, or is still ours.
    section_.give_up_walks();
    put_off_(published_ != nullptr ? *published_ : kept_.pair());
  }

 private:
  template <class K>
  void look(const K& key) {
    hazard_word* const words = section_.brief_words();
    if (words == nullptr || !engine_.look(words, hash_, place_)) [[unlikely]] {
      place_ = {};
      if (!engine_.template locate<false>(section_, hash_, place_)) {
        seen_ = nullptr;
        index_ = -1;
        return;
      }
    }
    seen_ = node_of(place_.seen);
    // The key that was given may have been moved from.
    index_ = kept_.has_pair() ? index_of(kept_.pair().first) : index_of(key);
  }

  /// What the callbacks were shown stays, and is known, while we look again; nothing else does.
  CONCUR_NOINLINE void remember() {
    section_.open();
    if (seen_ != nullptr) section_.frame().announce(words::looked_at, seen_);
    section_.give_up_walks();
    was_present_ = index_ >= 0;
    if (!was_present_) return;
    shown_ = &types::pair_at(seen_, static_cast<std::uint32_t>(index_));
    if constexpr (types::is_inline) {
      std::memcpy(shown_bytes_, static_cast<const void*>(shown_), sizeof(value_type));
    }
  }
  bool is_as_before() const noexcept {
    if (was_present_ != (index_ >= 0)) return false;
    if (!was_present_) return true;
    const value_type* const now = &types::pair_at(seen_, static_cast<std::uint32_t>(index_));
    if constexpr (types::is_inline) {
      return std::memcmp(shown_bytes_, static_cast<const void*>(now), sizeof(value_type)) == 0;
    } else {
      return now == shown_;  // still protected: no other element can be at its address
    }
  }

  template <class K>
  int index_of(const K& key) const {
    const value_type* const found = find_pair<types>(place_.seen, hash_, key, engine_.key_eq());
    if (found == nullptr) return -1;
    if constexpr (!types::is_inline) {
      if (seen_->kind() == node_kind::leaf) return 0;
      int i = 0;
      while (types::pairs(types::entries(seen_)[i]) != found) ++i;
      return i;
    } else {
      return static_cast<int>(found - types::pairs(seen_));
    }
  }

  core_type& any_core() {
    if (engine_.shared_or_null() == nullptr) engine_.make_first_version(section_);
    return engine_.shared();
  }

  void insert_anyway() {
    do {
      section_.give_up_walks();
      look(kept_.pair().first);
      action_ = action::store_kept;
    } while (index_ < 0 && !store());
  }

  /// False if something has changed, and everything is to be looked at again.
  bool store() {
    if (!make_writable()) return false;
    const bool was_there = index_ >= 0;
    bool done;
    if (action_ == action::erase) {
      builder<types> b = build();
      done = propose(build_without(b), b);
    } else if constexpr (types::is_inline) {
      builder<types> b = build();
      done =
          propose(build_with(b, action_ == action::store_fresh ? fresh_.pair() : kept_.pair()), b);
    } else {
      done = store_leaf(action_ == action::store_fresh ? fresh_ : kept_);
    }
    if (!done) return false;
    if (action_ == action::erase) {
      engine_.count(-1, section_.me());
      // Where something is left in the slot, the branch has what it had.
      if (seen_->number() == 1 && place_.depth != 0) engine_.after_erasure(section_, hash_, place_);
    } else if (!was_there) {
      engine_.count(1, section_.me());
    }
    return true;
  }

  /// Copies the way down to this generation, if need be. False if it does not lead to the same.
  CONCUR_FORCEINLINE bool make_writable() {
    return engine_.is_ready_to_write(place_) || make_writable_slowly();
  }
  CONCUR_NOINLINE bool make_writable_slowly() {
    if (place_.root == nullptr) engine_.make_first_version(section_);
    if (place_.root == nullptr || !place_.is_writable() || is_frozen(place_.seen)) {
      // Protected meanwhile: another node at the same address would look like it.
      section_.open();
      if (seen_ != nullptr) section_.frame().announce(words::looked_at, seen_);
      engine_.template locate<true>(section_, hash_, place_);
      if (node_of(place_.seen) != seen_) return false;
    }
    engine_.own_slot(section_, place_, seen_);
    return true;
  }

  builder<types> build() {
    return builder<types>(engine_.shared(), section_, place_.root->generation, place_.depth,
                          place_.shift);
  }
  node* build_without(builder<types>& b) {
    const auto at = static_cast<std::uint32_t>(index_);
    if (seen_->number() == 1) return engine_.shared().make_change(0, section_.me());
    if constexpr (types::is_inline) {
      return b.leaf_without(place_.seen, at);
    } else {
      return b.collision_without(place_.seen, at);
    }
  }
  node* build_with(builder<types>& b, const value_type& pair) {
    if (seen_ == nullptr) return b.leaf_of(pair, hash_);
    if (index_ >= 0) return b.leaf_with(place_.seen, static_cast<std::uint32_t>(index_), pair);
    return b.grown(place_.seen, pair, hash_);
  }

  bool propose(node* n, builder<types>& b) noexcept {
    return engine_.replace(section_, place_.root, *place_.at, place_.seen, n, &b) ==
           outcome::committed;
  }

  /// Element form: the leaf itself, or something that links to it.
  bool store_leaf(prepared<types>& from) {
    node* const leaf = from.leaf();
    published_ = types::pairs(leaf);
    const word marks = types::marks::of(hash_);
    builder<types> b = build();
    const bool is_alone = seen_ == nullptr || (index_ >= 0 && seen_->kind() == node_kind::leaf);
    if (!is_alone) {
      from.mark_known();
      node* const n = index_ >= 0
                          ? b.collision_with(place_.seen, static_cast<std::uint32_t>(index_), leaf)
                          : b.grown(place_.seen, leaf);
      return propose(n, b);
    }
    if (from.was_proposed()) {
      // A proposal can be made once: what helpers know of the first one must stay true.
      node* const n = engine_.shared().make_change(word_of(leaf, tag::leaf, marks), section_.me());
      core_type::add_link(leaf);
      return propose(n, b);  // it is marked already
    }
    const outcome result =
        engine_.publish(section_, place_.root, *place_.at, place_.seen, leaf, marks);
    if (result == outcome::committed) {
      from.release();
      section_.drop(engine_.shared(), place_.seen);
      return true;
    }
    if (result == outcome::aborted) from.mark_proposed();
    return false;
  }

  Engine& engine_;
  const std::uint64_t hash_;
  section<types> section_;
  prepared<types> kept_{section_};
  prepared<types> fresh_{section_};
  place place_;
  node* seen_ = nullptr;
  int index_ = -1;
  action action_ = action::none;
  bool was_present_ = false;
  const value_type* shown_ = nullptr;
  std::conditional_t<types::is_inline, unsigned char[sizeof(value_type)], char> shown_bytes_;
  const value_type* published_ = nullptr;
  put_off_visit<value_type> put_off_;
};

}  // namespace concur::inline CONCUR_ABI::detail::hamt
