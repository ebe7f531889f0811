// SPDX-License-Identifier: MIT
/// \file
/// What `modify` hands to the vocabulary (detail/map/primitives.hpp): the place of a key under its
/// home's lock, present (`element`) or absent (`slot`). User code works on copies; what it leaves
/// is stored when it returns, so that a callback that throws leaves the old value.
#pragma once

#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/seqmap/migration.hpp>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::seqmap {

/// An element of `Engine` whose home is locked for as long as this object is used. `holder` is the
/// guard of the bucket with its cell: the home's own, or a second one.
template <class Engine>
class locked_element {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;
  using value_type = typename Engine::value_type;

  locked_element(Engine& engine, typename Engine::home_guard& home,
                 typename Engine::bucket_guard& holder, const typename Engine::cell_place& place,
                 std::uint64_t hash) noexcept
      : engine_(engine), home_(home), holder_(holder), place_(place), hash_(hash) {}
  locked_element(const locked_element&) = delete;
  locked_element& operator=(const locked_element&) = delete;

  const key_type& key() {
    if (!key_) key_.emplace(load_key());
    return *key_;
  }

  const mapped_type& value() {
    if (!value_) value_.emplace(load_value());
    return *value_;
  }

  /// f(value_type&) on a copy, whose value is stored if it changed.
  template <class F>
  void visit(F&& f) {
    value_type copy(load_key(), load_value());
    std::forward<F>(f)(copy);
    store_if_changed(copy.second);
  }

  template <class F>
  void cvisit(F&& f) {
    const value_type copy(load_key(), load_value());
    std::forward<F>(f)(copy);
  }

  template <class F>
  void mutate(F&& f) {
    mapped_type copy(value());
    std::forward<F>(f)(copy);
    store_if_changed(copy);
  }

  template <class V>
  void assign(V&& v) {
    if constexpr (std::is_same_v<std::remove_cvref_t<V>, mapped_type>) {
      store(v);
    } else {
      store(mapped_type(std::forward<V>(v)));
    }
  }

  mapped_type take() {
    mapped_type result(value());
    erase();
    return result;
  }

  CONCUR_FORCEINLINE void erase() noexcept {
    engine_.remove(home_.owner(), home_.lock, holder_, place_, hash_);
    engine_.counted(-1, home_);
  }

 private:
  key_type load_key() const { return place_.where->keys[place_.cell].load(); }
  mapped_type load_value() const { return place_.where->values[place_.cell].load(); }

  void store(const mapped_type& v) {
    place_.where->overwrite(place_.cell, v, holder_.current);
    value_.reset();
  }

  void store_if_changed(const mapped_type& v) {
    if constexpr (!std::is_empty_v<mapped_type>) {
      const mapped_type before = load_value();
      if (std::memcmp(std::addressof(v), std::addressof(before), sizeof(mapped_type)) != 0) {
        store(v);
      }
    }
  }

  Engine& engine_;
  typename Engine::home_guard& home_;
  typename Engine::bucket_guard& holder_;
  typename Engine::cell_place place_;
  std::uint64_t hash_;
  std::optional<key_type> key_;
  std::optional<mapped_type> value_;
};

/// The place of an absent key whose home is locked. `HasRoom`: the home has a vacant cell.
template <class Engine, bool HasRoom = false>
class locked_slot {
 public:
  using key_type = typename Engine::key_type;
  using mapped_type = typename Engine::mapped_type;

  locked_slot(Engine& engine, typename Engine::home_guard& home, std::uint64_t hash) noexcept
      : engine_(engine), home_(home), hash_(hash) {}
  locked_slot(const locked_slot&) = delete;
  locked_slot& operator=(const locked_slot&) = delete;

  /// Inserts (Key(key), T(args...)). The element appears when the locks are released; it stays even
  /// if what follows throws.
  template <class K, class... Args>
  CONCUR_FORCEINLINE locked_element<Engine>& emplace(K&& key, Args&&... args) {
    const auto new_key = key_type(std::forward<K>(key));
    const auto new_value = mapped_type(std::forward<Args>(args)...);
    const auto fill = [&](auto& bucket, unsigned cell) {
      bucket.fill(cell, new_key, new_value, hash_);
    };
    if constexpr (HasRoom) {
      const auto place = engine_.store_at_home(home_.lock, fill);
      engine_.counted(+1, home_);
      return element_.emplace(engine_, home_, home_.lock, place, hash_);
    } else {
      const auto place = engine_.store_new(home_.owner(), home_.lock, elsewhere_, hash_, fill);
      engine_.counted(+1, home_);
      return element_.emplace(engine_, home_, place.distance == 0 ? home_.lock : elsewhere_, place,
                              hash_);
    }
  }

 private:
  Engine& engine_;
  typename Engine::home_guard& home_;
  std::uint64_t hash_;
  typename Engine::bucket_guard elsewhere_;
  std::optional<locked_element<Engine>> element_;
};

}  // namespace concur::inline CONCUR_ABI::detail::seqmap
