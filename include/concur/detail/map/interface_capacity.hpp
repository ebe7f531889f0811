// SPDX-License-Identifier: MIT
/// \file
/// The names that know no key: size, empty, clear, reserve and what is said about room, with the
/// spellings of boost::concurrent_flat_map, so that code for it compiles.
#pragma once

#include <concur/detail/map/access.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <utility>

namespace concur::inline CONCUR_ABI::detail {

template <class Derived, class Key, class T, class Traits>
class interface_capacity {
  using size_type = std::size_t;

 public:
  /// The number of elements: exact when nobody writes; else one that counts every completed write
  /// and some of the running ones, never negative. Its cost does not grow with the elements; but a
  /// hamt that was made of a snapshot or a hamt counts once what nobody has counted before.
  size_type size() const noexcept { return engine().size(); }
  [[nodiscard]] bool empty() const noexcept { return engine().empty(); }
  /// An upper bound that no machine reaches.
  size_type max_size() const noexcept {
    return static_cast<size_type>(-1) / 2 / sizeof(typename Traits::value_type);
  }

  /// Removes every element that was there when it began, unless inserted anew meanwhile.
  /// - Returns: nothing.
  /// - Linearizes at: the removal of each element; all at once on maps that say so.
  /// - Progress: write. Safe beside every other operation.
  /// - Callback: none.
  /// - Throws: nothing of its own; an element is either removed or untouched.
  /// - Needs: nothing.
  void clear() { engine().clear(); }

  /// Hints: room for `n` elements; give back what is not needed. They never stop readers.
  void reserve(size_type n) { engine().reserve(n); }
  void shrink_to_fit() { engine().shrink_to_fit(); }

  /// How many elements there is room for, as the map defines it; `size()` as a part of it.
  size_type capacity() const noexcept { return engine().capacity(); }
  float load_factor() const noexcept {
    const size_type room = engine().capacity();
    return room == 0 ? 0.0F : static_cast<float>(engine().size()) / static_cast<float>(room);
  }

  /// \name For code that was written for boost::concurrent_flat_map
  /// \{
  void rehash(size_type n) { reserve(n); }
  size_type bucket_count() const noexcept { return capacity(); }
  size_type max_load() const noexcept { return capacity(); }
  float max_load_factor() const noexcept { return 1.0F; }
  void max_load_factor(float) noexcept {}  ///< ignored, as there
  /// \}

  /// `left.swap(right)`; both quiet.
  friend void swap(Derived& left, Derived& right) noexcept(noexcept(left.swap(right))) {
    left.swap(right);
  }

 private:
  auto& engine() noexcept { return map_access::engine(static_cast<Derived&>(*this)); }
  const auto& engine() const noexcept {
    return map_access::engine(static_cast<const Derived&>(*this));
  }
};

}  // namespace concur::inline CONCUR_ABI::detail
