// SPDX-License-Identifier: MIT
/// \file
/// The one insertion behind `insert`, `emplace`, `try_emplace` and their visiting families: an
/// element is made from a key and the arguments of its value, or the present one is shown.
#pragma once

#include <concepts>
#include <concur/detail/config.hpp>
#include <concur/detail/map/access.hpp>
#include <concur/detail/map/keys.hpp>
#include <concur/detail/map/primitives.hpp>
#include <concur/detail/map/results.hpp>
#include <concur/policy/construction.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

/// How a callback gets an element: as `visit` or as `cvisit` would show it.
enum class lend : bool { shared, exclusive };

/// The callback of an operation that has none.
struct no_visit {};
inline constexpr no_visit nobody{};

template <lend Lend, class Element, class F>
constexpr void show(Element& element, F& f) {
  if constexpr (std::same_as<F, const no_visit>) {
    static_cast<void>(element);
    static_cast<void>(f);
  } else if constexpr (Lend == lend::exclusive) {
    element.visit(f);
  } else {
    element.cvisit(f);
  }
}

template <lend Lend, class F, class Map>
concept shown_to = std::same_as<F, const no_visit> ||
                   (Lend == lend::exclusive && visitor_for<F, Map>) ||
                   (Lend == lend::shared && const_visitor_for<F, Map>);

/// Makes and keeps room for `n` elements while the result lives, in an engine that must not be
/// filled in the order of hashes without. As far as there is memory: each insertion asks for more.
template <class Engine>
auto room_for(Engine& engine, std::size_t n) {
  if constexpr (requires { typename Engine::filling; }) {
    struct room {
      typename Engine::filling scope;
      room(Engine& to, std::size_t size) : scope(to) {
        CONCUR_TRY {
          to.make_room(size);
        }
        CONCUR_CATCH_ALL {}
      }
    };
    return room(engine, n);
  } else {
    return n;
  }
}

/// Everything an insertion into `Map` shares: whom to show the new element, whom the old one.
template <class Map, lend Lend, class OnNew, class OnPresent>
class insertion {
  static_assert(shown_to<Lend, OnNew, Map>,
                "f1 (on the new element) is not callable with what this map lends");
  static_assert(shown_to<Lend, OnPresent, Map>,
                "f (on the element that was there) is not callable with what this map lends");

  using key_type = key_of<Map>;
  using mapped_type = mapped_of<Map>;
  using init_type = std::pair<key_type, mapped_type>;

 public:
  constexpr insertion(Map& map, OnNew& on_new, OnPresent& on_present) noexcept
      : map_(map), on_new_(on_new), on_present_(on_present) {}

  /// (Key(key), T(args...)); builds nothing when the key is there.
  template <class K, class... Args>
  insert_outcome try_emplace(K&& key, Args&&... args) {
    auto&& probe = as_new_key(map_, std::forward<K>(key));
    using Probe = decltype(probe);
    if constexpr (can_insert_pair<Probe, Args...>) {
      auto& engine = map_access::engine(map_);
      return engine.insert_pair(engine.hash(probe), probe, mapped_type(std::forward<Args>(args)...))
                 ? insert_outcome::inserted
                 : insert_outcome::exists;
    } else {
      return modify(probe, [&](auto& slot) -> decltype(auto) {
        return slot.emplace(static_cast<Probe>(probe), std::forward<Args>(args)...);
      });
    }
  }

  /// From anything that makes an element: a pair of any two types is taken apart, not built.
  template <class P>
  insert_outcome insert(P&& value) {
    if constexpr (is_std_pair<std::remove_cvref_t<P>>) {
      // `get` moves what the reference of a pair of rvalue references refers to; `.first` would
      // not.
      return emplace_two(std::get<0>(std::forward<P>(value)), std::get<1>(std::forward<P>(value)));
    } else {
      auto made = detail::made_with<init_type>(allocator(), std::forward<P>(value));
      return try_emplace(std::move(made.first), std::move(made.second));
    }
  }

  /// As the constructors of a pair: (), (pair), (key, value), (piecewise, keys, values).
  template <class... Args>
  insert_outcome emplace(Args&&... args) {
    static_assert(sizeof...(Args) <= 3 && makes_element<Args...>(),
                  "emplace: the arguments make no pair of key and value");
    if constexpr (sizeof...(Args) == 0) {
      return try_emplace(detail::made_with<key_type>(allocator()));
    } else if constexpr (sizeof...(Args) == 1) {
      return insert(std::forward<Args>(args)...);
    } else if constexpr (sizeof...(Args) == 2) {
      return emplace_two(std::forward<Args>(args)...);
    } else {
      return emplace_piecewise(std::forward<Args>(args)...);
    }
  }

 private:
  decltype(auto) allocator() const noexcept { return map_access::engine(map_).allocator(); }

  template <class... Args>
  static constexpr bool makes_element() noexcept {
    if constexpr (sizeof...(Args) == 2) {
      return makes_element_of_two<Args...>();
    } else {
      return std::constructible_from<init_type, Args...>;
    }
  }
  template <class K, class V>
  static constexpr bool makes_element_of_two() noexcept {
    return (key_argument<K, Map> ||
            std::constructible_from<key_type, K>)&&std::constructible_from<mapped_type, V>;
  }

  /// Nothing is shown, and no user code makes key or value: whether they are made before it is
  /// known that the key is absent makes no difference.
  template <class Probe, class... Args>
  static constexpr bool can_insert_pair = [] {
    if constexpr (std::same_as<OnNew, const no_visit> && std::same_as<OnPresent, const no_visit> &&
                  std::same_as<std::remove_cvref_t<Probe>, key_type>) {
      return std::is_trivially_constructible_v<mapped_type, Args...> &&
             std::is_trivially_copyable_v<key_type> && has_insert_pair<engine_of<Map>>;
    } else {
      return false;
    }
  }();

  template <class Key, class Make>
  CONCUR_FORCEINLINE insert_outcome modify(const Key& key, Make make) {
    auto& engine = map_access::engine(map_);
    auto outcome = insert_outcome::full;
    const auto insert_new = [&](auto&& slot) {
      outcome = insert_outcome::inserted;
      auto&& element = make(slot);
      show<Lend>(element, on_new_);
    };
    if constexpr (std::same_as<OnNew, const no_visit> && std::same_as<OnPresent, const no_visit>) {
      modify_absent(engine, engine.hash(key), key, insert_new,
                    [&] { outcome = insert_outcome::exists; });
    } else if constexpr (std::same_as<OnPresent, const no_visit>) {
      engine.modify(engine.hash(key), key, insert_new,
                    [&](auto&&...) { outcome = insert_outcome::exists; });
    } else {
      engine.modify(engine.hash(key), key, insert_new, [&](auto&& element) {
        outcome = insert_outcome::exists;
        show<Lend>(element, on_present_);
      });
    }
    return outcome;
  }

  template <class K, class V>
  insert_outcome emplace_two(K&& key, V&& value) {
    if constexpr (key_argument<K, Map>) {
      return try_emplace(std::forward<K>(key), std::forward<V>(value));
    } else {
      return try_emplace(detail::made_with<key_type>(allocator(), std::forward<K>(key)),
                         std::forward<V>(value));
    }
  }

  template <class Keys, class Values>
  insert_outcome emplace_piecewise(std::piecewise_construct_t, Keys&& keys, Values&& values) {
    const auto make = [&](auto&&... args) {
      return detail::made_with<key_type>(allocator(), static_cast<decltype(args)>(args)...);
    };
    auto key = std::apply(make, std::forward<Keys>(keys));
    return modify(key, [&](auto& slot) -> decltype(auto) {
      return std::apply(
          [&](auto&&... args) -> decltype(auto) {
            return slot.emplace(std::move(key), static_cast<decltype(args)>(args)...);
          },
          std::forward<Values>(values));
    });
  }

  Map& map_;
  OnNew& on_new_;
  OnPresent& on_present_;
};

/// An insertion that shows nothing; one that shows the present element; one that shows both.
template <class Map>
constexpr auto insertion_into(Map& map) noexcept {
  return insertion<Map, lend::shared, const no_visit, const no_visit>(map, nobody, nobody);
}

template <lend Lend, class Map, class OnPresent>
constexpr auto insertion_or(Map& map, OnPresent& on_present) noexcept {
  return insertion<Map, Lend, const no_visit, OnPresent>(map, nobody, on_present);
}

template <lend Lend, class Map, class OnNew, class OnPresent>
constexpr auto insertion_and(Map& map, OnNew& on_new, OnPresent& on_present) noexcept {
  return insertion<Map, Lend, OnNew, OnPresent>(map, on_new, on_present);
}

/// Callables come last, where a pack cannot be followed: `use(last..., first...)`.
template <std::size_t Last, class Use, class... Args>
constexpr decltype(auto) with_last_first(Use&& use, Args&&... args) {
  static_assert(sizeof...(Args) >= Last, "the callables are missing");
  constexpr std::size_t head = sizeof...(Args) - Last;
  auto all = std::forward_as_tuple(std::forward<Args>(args)...);
  return [&]<std::size_t... First, std::size_t... Tail>(std::index_sequence<First...>,
                                                        std::index_sequence<Tail...>)
      ->decltype(auto) {
    using tuple = decltype(all);  // of references: each is forwarded as it came
    return std::forward<Use>(use)(
        static_cast<std::tuple_element_t<head + Tail, tuple>>(std::get<head + Tail>(all))...,
        static_cast<std::tuple_element_t<First, tuple>>(std::get<First>(all))...);
  }
  (std::make_index_sequence<head>(), std::make_index_sequence<Last>());
}

template <class P, class Map>
concept pair_with_engine_key = is_std_pair<std::remove_cvref_t<P>> && requires(P&& pair) {
  requires engine_key<decltype(std::forward<P>(pair).first), Map>;
  requires std::constructible_from < mapped_of<Map>,
  decltype(std::forward<P>(pair).second) > ;
};

/// An element, or what makes one.
template <class P, class Map>
concept element_argument = std::constructible_from<std::pair<key_of<Map>, mapped_of<Map>>, P> ||
    pair_with_engine_key<P, Map>;

}  // namespace concur::inline CONCUR_ABI::detail
