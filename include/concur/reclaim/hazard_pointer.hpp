// SPDX-License-Identifier: MIT
/// \file
/// Hazard pointers with the names of C++26 ([saferecl.hp], P2530), and two additions: domains,
/// and objects with counted links.
///
///     struct config : concur::hazard_pointer_obj_base<config> { ... };
///     std::atomic<config*> current;
///
///     // a reader
///     concur::hazard_pointer h = concur::make_hazard_pointer();
///     const config* c = h.protect(current);   // good until h protects something else or ends
///     // a writer
///     current.exchange(fresh)->retire();       // freed when nobody protects it
///
/// A reader pays one store, a compiler fence and a second load: the fence that makes it right is
/// on the side of the reclaimer (membarrier), once per batch of retired objects. Where the kernel
/// does not offer it, both sides use real fences.
///
/// Bound. With H hazard pointers that protect something and R threads that are inside a
/// reclamation, at most
///
///     1024 + H + R * (64 + H)
///
/// objects of a domain are retired and not yet freed, however long a reader sleeps: 16 stripes of
/// 64 that nobody has looked at, those that are protected, and those being worked off. (Objects
/// that only a counted link of such an object keeps alive are counted with it.)
///
/// Retiring never throws and never waits, and takes no memory; but where more than 64 threads are
/// there at once a thread's first call takes memory for its slot, and if that is to retire, and
/// there is none, the program ends. A thread may end at any time: what it retired belongs to the
/// domain, not to the thread.
///
/// Sources: Michael, "Hazard Pointers" (TPDS 2004); P2530R3; folly's linked objects for the idea
/// of counted links.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/hazard_frame.hpp>
#include <concur/detail/reclaim/retired_stripes.hpp>
#include <concur/version.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

class hazard_pointer_domain;

namespace detail {

struct hazard_object : retired_link {
  /// Destroys and frees the object.
  void (*reclaim)(hazard_object*) noexcept = nullptr;
  /// What readers announce: the address of the whole object.
  const void* address = nullptr;
};

}  // namespace detail

/// A cohort of retired objects. Its destructor frees exactly those that were retired to it, and
/// needs quiet: nobody protects or retires one of them any more. Hazard pointers belong to no
/// domain: one protects objects of any.
class CONCUR_SHARED hazard_pointer_domain {
 public:
  constexpr hazard_pointer_domain() noexcept = default;
  hazard_pointer_domain(const hazard_pointer_domain&) = delete;
  hazard_pointer_domain& operator=(const hazard_pointer_domain&) = delete;
  ~hazard_pointer_domain() { free_everything(); }

  /// Frees what was retired to this domain before the call and nobody protects. Inside a destructor
  /// that a reclamation runs it does nothing.
  /// - Progress: lock-free. O(retired objects and hazard pointers), and a system call.
  /// - Throws: nothing.
  void try_reclaim() noexcept { retired_.collect_all(address_of(), reclaim()); }

  /// Whether nothing that was retired is waiting; a momentary view.
  bool is_empty() const noexcept { return retired_.is_empty(); }

 private:
  template <class T, class D>
  friend class hazard_pointer_obj_base;

  struct address_of {
    const void* operator()(detail::retired_link* object) const noexcept {
      return static_cast<detail::hazard_object*>(object)->address;
    }
  };
  struct reclaim {
    void operator()(detail::retired_link* link) const noexcept {
      auto* object = static_cast<detail::hazard_object*>(link);
      object->reclaim(object);
    }
  };

  void retire(detail::hazard_object* object) noexcept {
    // A thread's first call takes a slot, which needs memory beyond 64 threads at once: as
    // retiring cannot fail, without memory the program ends here.
    detail::thread_slot& me = detail::thread_slots::mine();
    if (retired_.retire(object, me)) retired_.collect(me, address_of(), reclaim());
  }
  void free_everything() noexcept { retired_.free_all(reclaim()); }

  detail::retired_stripes retired_{detail::readers::anywhere};
};

/// The domain of those who name none. Lives for ever: at the end of the program what is still
/// waiting there is not freed.
CONCUR_SHARED inline hazard_pointer_domain& hazard_pointer_default_domain() noexcept {
  union immortal {
    constexpr immortal() noexcept : domain() {}
    ~immortal() {}
    hazard_pointer_domain domain;
  };
  static constinit immortal instance;
  return instance.domain;
}

/// The base of a class whose objects can be protected. `T` derives from it, publicly and
/// unambiguously; `D` is how an object is freed.
///
/// The names of its members and of those of its bases are found inside `T`, where they would hide
/// names of the user's: those of its own begin with `concur_`.
template <class T, class D = std::default_delete<T>>
class hazard_pointer_obj_base {
 public:
  /// Gives the object to the domain: `d(object)` runs when no hazard pointer protects it, on any
  /// thread. The object must have been unlinked: who does not protect it already cannot get at it.
  /// - Progress: lock-free; amortised O(1).
  /// - Throws: nothing. `D`'s move constructor and call must not throw.
  void retire(D d = D(), hazard_pointer_domain& domain = hazard_pointer_default_domain()) noexcept {
    static_assert(std::is_base_of_v<hazard_pointer_obj_base, T>,
                  "hazard_pointer_obj_base<T, D>: T derives from it");
    static_assert(
        std::is_nothrow_move_assignable_v<D> || std::is_empty_v<D> || std::is_move_assignable_v<D>,
        "hazard_pointer_obj_base<T, D>: D is assigned when the object is retired");
    concur_deleter_ = std::move(d);
    T* const whole = static_cast<T*>(this);
    concur_retired_.address = static_cast<const void*>(whole);
    concur_retired_.reclaim = [](detail::hazard_object* object) noexcept {
      T* const self = static_cast<T*>(const_cast<void*>(object->address));
      D deleter(std::move(static_cast<hazard_pointer_obj_base*>(self)->concur_deleter_));
      deleter(self);
    };
    domain.retire(&concur_retired_);
  }
  /// With the deleter `D()`.
  void retire(hazard_pointer_domain& domain) noexcept { retire(D(), domain); }

 protected:
  hazard_pointer_obj_base() = default;
  hazard_pointer_obj_base(const hazard_pointer_obj_base&) noexcept {}
  hazard_pointer_obj_base(hazard_pointer_obj_base&&) noexcept {}
  hazard_pointer_obj_base& operator=(const hazard_pointer_obj_base&) noexcept { return *this; }
  hazard_pointer_obj_base& operator=(hazard_pointer_obj_base&&) noexcept { return *this; }
  ~hazard_pointer_obj_base() = default;

 private:
  detail::hazard_object concur_retired_;
  CONCUR_NO_UNIQUE_ADDRESS D concur_deleter_{};
};

/// An object that other objects link to: it is retired when its last link is released. What
/// several versions of a structure share is freed when the last of them goes.
///
/// Starts with one link, that of its maker. A link may be added by whoever holds one, or protects
/// an object that holds one and keeps it. `~T` releases the links that the object itself
/// holds; however long a chain of objects is, they are freed in a loop and not by recursion.
template <class T, class D = std::default_delete<T>>
class hazard_pointer_obj_linked : public hazard_pointer_obj_base<T, D> {
 public:
  void acquire_link() noexcept {
    concur_links_.fetch_add(
        1, std::memory_order_relaxed);  // relaxed: the caller's link keeps it alive
  }
  /// True if it was the last: then the object was retired.
  bool release_link(hazard_pointer_domain& domain = hazard_pointer_default_domain()) noexcept {
    // (1) acq_rel: what the other owners did happens before the object is retired; pairs with
    // itself.
    if (concur_links_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    this->retire(domain);
    return true;
  }
  /// A momentary view.
  std::uint32_t links() const noexcept { return concur_links_.load(std::memory_order_relaxed); }

 protected:
  hazard_pointer_obj_linked() = default;
  hazard_pointer_obj_linked(const hazard_pointer_obj_linked&) noexcept
      : hazard_pointer_obj_base<T, D>() {}
  hazard_pointer_obj_linked& operator=(const hazard_pointer_obj_linked&) noexcept { return *this; }
  ~hazard_pointer_obj_linked() = default;

 private:
  std::atomic<std::uint32_t> concur_links_{1};
};

/// Protects at most one object at a time. Move-only; may be handed to another thread.
class [[nodiscard]] hazard_pointer {
 public:
  /// Empty: only `make_hazard_pointer` makes one that can protect.
  hazard_pointer() noexcept = default;
  hazard_pointer(hazard_pointer&& other) noexcept : row_(std::exchange(other.row_, nullptr)) {}
  hazard_pointer& operator=(hazard_pointer&& other) noexcept {
    hazard_pointer(std::move(other)).swap(*this);
    return *this;
  }
  ~hazard_pointer() {
    if (row_ == nullptr) return;
    detail::clear_hazard(row_->words[0]);
    detail::hazard_rows::give_back(*row_);
  }

  [[nodiscard]] bool empty() const noexcept { return row_ == nullptr; }

  /// Loads `source` until it can protect what it found, and gives up what it protected before.
  /// - Returns: what was found; it is not freed until this hazard pointer protects something else
  ///   or ends. May be null.
  /// - Progress: lock-free: it goes on only when `source` has changed.
  /// - Needs: not `empty()`.
  template <class T>
  T* protect(const std::atomic<T*>& source) noexcept {
    T* found = source.load(std::memory_order_relaxed);  // relaxed: try_protect validates it
    while (!try_protect(found, source)) {
    }
    return found;
  }

  /// Protects `pointer` if `source` still holds it; else `pointer` becomes what it holds, and
  /// nothing is protected.
  /// - Returns: whether `pointer` is protected (true for null).
  /// - Progress: wait-free.
  /// - Needs: not `empty()`.
  template <class T>
  bool try_protect(T*& pointer, const std::atomic<T*>& source) noexcept {
    T* const expected = pointer;
    reset_protection(expected);
    pointer = source.load(std::memory_order_acquire);  // acquire: pairs with its publication
    if (pointer == expected) [[likely]]
      return true;
    reset_protection();
    return false;
  }

  /// Protects `pointer` from now on, if it is not retired yet: that is for the caller to know.
  /// - Progress: wait-free.
  /// - Needs: not `empty()`.
  template <class T>
  void reset_protection(const T* pointer) noexcept {
    CONCUR_ASSERT(!empty());
    detail::announce_hazard(row_->words[0], static_cast<const void*>(pointer));
  }
  /// Protects nothing any more.
  void reset_protection(std::nullptr_t = nullptr) noexcept {
    CONCUR_ASSERT(!empty());
    detail::clear_hazard(row_->words[0]);
  }

  void swap(hazard_pointer& other) noexcept { std::swap(row_, other.row_); }
  friend void swap(hazard_pointer& a, hazard_pointer& b) noexcept { a.swap(b); }

  friend hazard_pointer make_hazard_pointer();

 private:
  explicit hazard_pointer(detail::hazard_row& row) noexcept : row_(&row) {}

  detail::hazard_row* row_ = nullptr;
};

/// A hazard pointer that is not empty. Amortised O(1): a thread keeps those that it gave up.
/// Throws std::bad_alloc.
inline hazard_pointer make_hazard_pointer() {
  return hazard_pointer(detail::hazard_rows::take());
}

}  // namespace concur::inline CONCUR_ABI
