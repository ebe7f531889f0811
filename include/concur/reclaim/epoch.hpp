// SPDX-License-Identifier: MIT
/// \file
/// Epochs that stay bounded: memory reclamation for lock-free structures of your own, by the same
/// code that `cmap` uses.
///
///     struct config : concur::epoch_obj_base<config> { int limit; };
///
///     concur::epoch_domain domain;
///     std::atomic<config*> current{new config};
///
///     int limit() {                              // any number of threads, a few nanoseconds
///       concur::epoch_guard guard = domain.pin();
///       return guard.protect(current)->limit;    // not freed while the guard lives
///     }
///     void replace(config* fresh) {
///       current.exchange(fresh)->retire(domain); // freed when nobody can hold it
///     }
///
/// - While a guard lives, everything that was found through it stays. Guards nest, move, and end in
///   any order, on the thread that made them. Pinning and protecting write to a cache line of the
///   own thread only, and execute no fence where the kernel has membarrier.
/// - Retiring never throws, and takes no memory for the object: a thread's first retirement to a
///   domain takes a record, and where there is no memory for that the object goes to a list which
///   all threads share, and the next retirement asks again. Threads need no registration and may
///   end at any time; what they have retired is freed by others.
/// - A thread that sleeps while it holds a guard delays nobody, and keeps from being freed at most
///   what was born until its last `protect`, and a constant: docs/epoch.md has the formula. Plain
///   epochs would keep all that is retired until it wakes up.
///
/// When not: hazard pointers keep less, one object each, and cost a check for each object; here a
/// guard may cover a whole traversal. A structure whose readers walk on from removed nodes (a list
/// in Harris's manner) needs to start again when `try_protect` says so.
///
/// Source: Wen, Izraelevitz, Cai, Beadle, Scott, "Interval-Based Memory Reclamation", PPoPP 2018
/// (2GE-IBR). The proof is in detail/reclaim/era_pin.hpp.
#pragma once

#include <atomic>
#include <concur/detail/assert.hpp>
#include <concur/detail/reclaim/epoch_reclaimer.hpp>
#include <concur/detail/reclaim/era_clock.hpp>
#include <concur/detail/reclaim/era_pin.hpp>
#include <concur/fwd.hpp>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace concur::inline CONCUR_ABI {

/// How a domain trades memory for work.
struct epoch_options {
  /// A thread looks for something to free when it has retired so many objects; 0 is as 1.
  std::uint32_t batch = 128;
  /// A thread advances the era when it has made so many objects. What a sleeping thread keeps grows
  /// by at most so many objects for each thread; each advance costs every reader a few dozen
  /// nanoseconds.
  std::uint32_t births_per_era = 128;
};

/// What `stats()` returns. A momentary view; exact when nobody else is at work.
struct epoch_stats {
  std::uint64_t era;            ///< of the process
  std::uint64_t oldest_pinned;  ///< the oldest era that a guard of any domain covers; 0: no guard
  std::uint64_t retired;        ///< objects that wait to be freed
  std::uint64_t freed;          ///< objects that have been freed

  template <class Out>
  friend Out& operator<<(Out& out, const epoch_stats& s) {
    out << "epoch_domain{era: " << s.era << ", oldest_pinned: " << s.oldest_pinned
        << ", retired: " << s.retired << ", freed: " << s.freed << '}';
    return out;
  }
};

/// While it lives, what was found through it is not freed. It covers the objects of all domains.
/// Movable, but bound to the thread that made it.
class [[nodiscard]] epoch_guard : private detail::era_interval {
 public:
  /// Throws std::bad_alloc if the calling thread is the 65th or a later one at once, and there is
  /// no memory for its slot.
  epoch_guard() : era_interval(detail::thread_slots::mine()), is_active_(true) { enter(); }
  epoch_guard(epoch_guard&& other) noexcept
      : era_interval(other), is_active_(std::exchange(other.is_active_, false)) {}
  epoch_guard& operator=(epoch_guard&& other) noexcept {
    if (this != &other) {
      release();
      static_cast<era_interval&>(*this) = other;
      is_active_ = std::exchange(other.is_active_, false);
    }
    return *this;
  }
  ~epoch_guard() { release(); }

  /// Loads a pointer (or a word with a pointer in it) that is itself no part of an object that may
  /// be retired: the root of a structure. What it leads to stays while the guard lives. Lock-free:
  /// repeats only when the era has advanced.
  ///
  /// A walk begins here: `try_protect` may go on from what this call has found, and no longer from
  /// what an earlier one has, because this one covers later eras. Two walks at once need a guard
  /// each; guards nest.
  template <class W>
  [[nodiscard]] W protect(const std::atomic<W>& root) noexcept {
    CONCUR_ASSERT(is_active_);
    return load(root);
  }

  /// Loads a link that is part of an object found through this guard. True: what it leads to stays
  /// while the guard lives. False: the era has advanced; start again at the root. (The object that
  /// holds the link may have been removed meanwhile, and what the link still shows be freed.) Not
  /// needed for links that never change after their object was published: these may be read as they
  /// are. Wait-free.
  template <class W>
  [[nodiscard]] bool try_protect(const std::atomic<W>& link, W& found) noexcept {
    CONCUR_ASSERT(is_active_);
    return try_load(link, found);
  }

  /// Ends the protection now.
  void release() noexcept {
    if (!is_active_) return;
    is_active_ = false;
    leave();
    detail::thread_slots::left_section();
  }

 private:
  bool is_active_;
};

namespace detail {

/// What knows how the object is freed that it is a base of. All names here are found inside a class
/// of the user's, where they would hide names of his: nobody else's begin with `concur_`.
struct concur_epoch_part {
  epoch_node concur_node_;
  void (*concur_free_)(concur_epoch_part*) noexcept = nullptr;
};
static_assert(std::is_standard_layout_v<concur_epoch_part>, "its first member leads to it");

struct free_epoch_object {
  template <class Record>
  void operator()(Record*, epoch_node* node, unsigned) const noexcept {
    auto* const part = reinterpret_cast<concur_epoch_part*>(node);
    part->concur_free_(part);
  }
};

}  // namespace detail

/// Frees with `delete`: as std::default_delete, which <memory> would bring.
struct delete_object {
  template <class T>
  void operator()(T* object) const noexcept {
    static_assert(sizeof(T) > 0, "the type is incomplete");
    delete object;
  }
};

/// The objects that share a record of who has retired what. Its destructor frees everything that
/// was retired to it; it needs quiet: no other call to the domain, and nobody who still uses its
/// objects. Any number of domains; they share the clock and the guards, so a guard keeps the
/// objects of all of them.
///
/// An empty domain has no memory; it takes some from its allocator, a little for each thread that
/// retires, when it first retires.
template <class Allocator>
class basic_epoch_domain {
 public:
  using allocator_type = Allocator;

  basic_epoch_domain() : basic_epoch_domain(epoch_options()) {}
  explicit basic_epoch_domain(const epoch_options& options,
                              const Allocator& allocator = Allocator())
      : reclaimer_(options.batch), births_per_era_(options.births_per_era), allocator_(allocator) {}
  explicit basic_epoch_domain(const Allocator& allocator)
      : basic_epoch_domain(epoch_options(), allocator) {}
  basic_epoch_domain(const basic_epoch_domain&) = delete;
  basic_epoch_domain& operator=(const basic_epoch_domain&) = delete;
  ~basic_epoch_domain() {
    reclaimer_.free_retired(detail::free_epoch_object());
    reclaimer_.release_records(allocator_);
  }

  /// A guard for the calling thread: two stores to a line of its own. Wait-free. Throws as
  /// `epoch_guard()`.
  epoch_guard pin() const { return epoch_guard(); }

  /// `object` can no longer be found by anybody who pins himself from now on; it is freed when
  /// nobody can hold it. The same as `object->retire(*this)`.
  template <class T>
  void retire(T* object) noexcept {
    static_assert(std::is_base_of_v<detail::concur_epoch_part, T>,
                  "an object that is retired derives from concur::epoch_obj_base");
    if constexpr (std::is_base_of_v<detail::concur_epoch_part, T>) object->retire(*this);
  }

  /// Frees what can be freed, of what any thread has retired. False: something has to wait.
  /// Lock-free, O(objects that wait); deleters run here.
  bool try_reclaim() noexcept {
    if (me_and_mine here = this->here()) {
      reclaimer_.collect_all(*here.me, *here.mine, detail::free_epoch_object());
    }
    return reclaimer_.waiting() == 0;
  }

  /// Returns when everything is freed that was retired to this domain before. Waits for the guards
  /// that live on other threads, of those that are made meanwhile only for a few. What deleters
  /// retire in turn is not waited for.
  ///
  /// Throws std::system_error with resource_deadlock_would_occur if the calling thread holds a
  /// guard or runs in a deleter of this domain, with operation_not_permitted if the kernel has
  /// begun to refuse membarrier; and what the allocator throws.
  void quiesce() {
    detail::thread_slot& me = detail::thread_slots::mine();
    reclaimer_.quiesce(me, reclaimer_.ensure(me, allocator_), detail::free_epoch_object());
  }

  /// O(threads).
  epoch_stats stats() const noexcept {
    const std::uint64_t freed = reclaimer_.freed();
    return {reclaimer_.era(), reclaimer_.oldest_pinned(), reclaimer_.waiting(), freed};
  }

  epoch_options options() const noexcept { return {reclaimer_.batch(), births_per_era_}; }
  /// Changes `options().batch`, at any time.
  void set_batch(std::uint32_t batch) noexcept { reclaimer_.set_batch(batch); }

  Allocator get_allocator() const noexcept { return allocator_; }

 private:
  template <class, class>
  friend class epoch_obj_base;

  struct me_and_mine {
    detail::thread_slot* me = nullptr;
    detail::epoch_record* mine = nullptr;
    explicit operator bool() const noexcept { return mine != nullptr; }
  };
  /// What the calling thread has here, if there is memory for it.
  me_and_mine here() noexcept {
    CONCUR_TRY {
      detail::thread_slot& me = detail::thread_slots::mine();
      return {&me, &reclaimer_.ensure(me, allocator_)};
    }
    CONCUR_CATCH_ALL {
      return {};
    }
  }

  CONCUR_NOINLINE void retire_object(detail::concur_epoch_part* object) noexcept {
    const me_and_mine here = this->here();
    if (!here) {
      reclaimer_.retire_shared(&object->concur_node_, 0);
      return;
    }
    {
      const detail::leaf_pin pin(*here.me);
      reclaimer_.retire(*here.me, *here.mine, &object->concur_node_, 0);
    }
    if (reclaimer_.is_due(*here.mine)) {
      reclaimer_.collect(*here.me, *here.mine, detail::free_epoch_object());
    }
  }

  detail::epoch_reclaimer<> reclaimer_;
  std::uint32_t births_per_era_;
  CONCUR_NO_UNIQUE_ADDRESS Allocator allocator_;
};

/// The base of a class whose objects are retired: `struct node : concur::epoch_obj_base<node> {}`.
/// 32 bytes with a deleter that has no state. A copy is an object of its own.
template <class T, class Deleter = delete_object>
class epoch_obj_base : private detail::concur_epoch_part {
 public:
  /// This object can no longer be found by anybody who pins himself from now on, in any domain's
  /// way: it was unlinked by an operation with release order or stronger, by the one who calls
  /// this. `deleter(static_cast<T*>(this))` is called when nobody can hold it, by some thread that
  /// retires, reclaims or quiesces, or by the destructor of the domain; it must not throw, and may
  /// use the domain. At most once for each object. Lock-free; O(1) amortised, deleters not counted.
  template <class Allocator>
  void retire(basic_epoch_domain<Allocator>& domain, Deleter deleter = Deleter()) noexcept {
    concur_deleter_ = std::move(deleter);
    this->concur_free_ = [](detail::concur_epoch_part* part) noexcept {
      auto* const self = static_cast<epoch_obj_base*>(part);
      Deleter last = std::move(self->concur_deleter_);
      last(static_cast<T*>(self));
    };
    domain.retire_object(this);
  }

 protected:
  /// The object is born: before it is published. Throws as `epoch_guard()`.
  epoch_obj_base() { detail::era_clock::stamp(detail::thread_slots::mine(), this->concur_node_); }
  /// With the domain's own `births_per_era`.
  template <class Allocator>
  explicit epoch_obj_base(const basic_epoch_domain<Allocator>& domain) {
    detail::era_clock::stamp(detail::thread_slots::mine(), this->concur_node_,
                             domain.births_per_era_);
  }
  epoch_obj_base(const epoch_obj_base&) : epoch_obj_base() {}
  epoch_obj_base& operator=(const epoch_obj_base&) noexcept { return *this; }
  ~epoch_obj_base() = default;

 private:
  CONCUR_NO_UNIQUE_ADDRESS Deleter concur_deleter_{};
};

}  // namespace concur::inline CONCUR_ABI
