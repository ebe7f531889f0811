// SPDX-License-Identifier: MIT
/// \file
/// Where the slots of a `shared_fixed_map` lie: a region that processes map (region.hpp). One
/// object per process that attaches; it owns an entry of the table of processes, and nothing else.
///
/// Death. A slot that is not empty, and not an unlocked element, names its owner. Who waits for it,
/// or finds no free slot, asks whether the owner still runs. If not, the slot is repaired: an
/// element is unlocked, with the value that it had; anything else is given back. The repair is a
/// compare-and-swap, and its parts are owned in turn: who repairs may die as well.
#pragma once

#include <atomic>
#include <bit>
#include <concur/detail/bits/equal_to.hpp>
#include <concur/detail/fixed_map/region.hpp>
#include <concur/detail/fixed_map/values.hpp>
#include <concur/detail/sync/backoff.hpp>
#include <concur/detail/sync/thread_slots.hpp>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

template <class Slot, class Processes>
class shared_memory {
 public:
  using slot = Slot;
  using layout = region_layout<Slot>;
  using allocator_type = std::allocator<std::byte>;
  static constexpr bool has_owners = true;

  allocator_type allocator() const noexcept { return {}; }
  std::size_t capacity() const noexcept {
    return base_ == nullptr ? 0 : static_cast<std::size_t>(mask_ + 1);
  }

  /// Writes an empty map. Nobody may be attached. Throws format_error if the region is too short or
  /// misaligned, std::invalid_argument unless the capacity is a power of two.
  static void format(std::span<std::byte> region, std::size_t capacity, std::uint64_t seed,
                     std::uint64_t probe) {
    if (!std::has_single_bit(capacity)) fail_capacity();
    check_place(region, layout::bytes_for(capacity));
    std::byte* const base = region.data();
    // Until the end, the region is no map.
    auto* const header = ::new (static_cast<void*>(base)) region_header{};
    for (std::size_t i = 0; i < capacity; ++i) {
      ::new (static_cast<void*>(base + layout::bounds_at + 8 * i)) std::atomic<std::uint64_t>{0};
    }
    slot_tags::construct(base + layout::tags_at(capacity), capacity);
    Slot* const slots = reinterpret_cast<Slot*>(base + layout::slots_at(capacity));
    for (std::size_t i = 0; i < capacity; ++i) ::new (static_cast<void*>(slots + i)) Slot;
    region_description d{region_description::this_magic,
                         region_description::this_version,
                         layout::word,
                         capacity,
                         layout::bytes_for(capacity),
                         seed,
                         probe,
                         0};
    d.checksum = d.sum();
    ::new (static_cast<void*>(base + layout::end_mark_at(capacity)))
        std::atomic<std::uint64_t>{d.checksum};
    const std::uint64_t words[] = {d.magic, d.version, d.layout, d.capacity,
                                   d.bytes, d.seed,    d.probe,  d.checksum};
    for (std::size_t i = region_description::word_count; i-- != 0;) {
      // (1) release: the magic number comes last, and with it everything; pairs with (2).
      header->description[i].store(words[i], std::memory_order_release);
    }
  }

  /// What a region says it is. Throws format_error unless that is a map of this type.
  static region_description describe(std::span<std::byte> region) {
    using reason = format_error::reason;
    check_place(region, sizeof(region_header));
    const auto* const header = reinterpret_cast<const region_header*>(region.data());
    std::uint64_t words[region_description::word_count];
    for (std::size_t i = 0; i < region_description::word_count; ++i) {
      words[i] = header->description[i].load(std::memory_order_acquire);  // (2) acquire: see (1)
    }
    const region_description d{words[0], words[1], words[2], words[3],
                               words[4], words[5], words[6], words[7]};
    if (d.magic != region_description::this_magic) {
      fail_format(reason::not_a_map, "concur: this memory is not a shared_fixed_map");
    }
    if (d.version != region_description::this_version) {
      fail_format(reason::other_version, "concur: a shared_fixed_map of another version");
    }
    if (d.checksum != d.sum() || !std::has_single_bit(d.capacity) ||
        d.capacity > bound_word::max_length) {
      fail_format(reason::corrupt, "concur: the header of a shared_fixed_map is corrupt");
    }
    if (d.layout != layout::word) {
      fail_format(reason::other_layout, "concur: a shared_fixed_map with values of another type");
    }
    if (d.bytes != layout::bytes_for(static_cast<std::size_t>(d.capacity))) {
      fail_format(reason::corrupt, "concur: the header of a shared_fixed_map is corrupt");
    }
    if (d.bytes > region.size()) {
      fail_format(reason::too_short, "concur: a shared_fixed_map that is cut off");
    }
    const std::size_t end = layout::end_mark_at(static_cast<std::size_t>(d.capacity));
    const auto* const mark =
        reinterpret_cast<const std::atomic<std::uint64_t>*>(region.data() + end);
    // relaxed: written before the magic number, which was seen by (2)
    if (mark->load(std::memory_order_relaxed) != d.checksum) {
      fail_format(reason::corrupt, "concur: a shared_fixed_map that was cut off and grown again");
    }
    return d;
  }

  /// How many objects are attached, this one included, and those of the dead that nobody has
  /// forgotten since: who attaches does.
  std::size_t processes() const noexcept {
    std::size_t n = 0;
    for (const process_entry& e : header().processes)
      if (e.seen().state() != 0) ++n;
    return n;
  }

 protected:
  shared_memory() noexcept = default;
  shared_memory(std::span<std::byte> region, const region_description& d)
      : base_(region.data()),
        bounds_(reinterpret_cast<std::atomic<std::uint64_t>*>(base_ + layout::bounds_at)),
        slots_(reinterpret_cast<Slot*>(base_ +
                                       layout::slots_at(static_cast<std::size_t>(d.capacity)))),
        tags_(base_ + layout::tags_at(static_cast<std::size_t>(d.capacity)),
              static_cast<std::size_t>(d.capacity)),
        mask_(d.capacity - 1),
        shift_(shift_for(d.capacity)) {
    Processes::watch_forks();
    enter();
    has_entered();
  }
  ~shared_memory() { leave(); }
  shared_memory(const shared_memory&) = delete;
  shared_memory& operator=(const shared_memory&) = delete;

  Slot& slot_at(std::uint64_t index) const noexcept { return slots_[index & mask_]; }
  std::atomic<std::uint64_t>& bound_at(std::uint64_t index) const noexcept {
    return bounds_[index & mask_];
  }
  std::uint64_t index_of(const Slot& s) const noexcept {
    return static_cast<std::uint64_t>(&s - slots_);
  }
  const slot_tags& tags() const noexcept { return tags_; }
  std::uint64_t home_of(std::uint64_t hash) const noexcept { return (hash >> shift_) & mask_; }
  std::uint64_t slot_count() const noexcept { return mask_ + 1; }

  // --- owners ---

  unsigned me() const noexcept {
    // relaxed: changes in a child of fork alone, and is published by (3)
    return me_.load(std::memory_order_relaxed);
  }
  /// A child of `fork` is a process of its own: it enters before it writes.
  bool is_other_process() const noexcept {
    // (4) acquire: our name, which another thread of the child may have taken; pairs with (3).
    return base_ != nullptr && Processes::forks() != entered_forks_.load(std::memory_order_acquire);
  }
  /// Whether it is the caller's to enter. One thread of a child is told so, the others wait until
  /// it has. What a thread of the parent had begun at the moment of the fork bears another number.
  bool may_enter() noexcept {
    const unsigned forks = Processes::forks();
    for (backoff pause; is_other_process(); pause.pause()) {
      // relaxed: the compare-and-swap decides
      unsigned seen = entering_forks_.load(std::memory_order_relaxed);
      // acquire: whoever gave up before us; pairs with give_up_entering
      if (seen != forks && entering_forks_.compare_exchange_strong(
                               seen, forks, std::memory_order_acquire, std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }
  /// Takes an entry: one that nobody uses, or that of a dead process, whose slots then have an
  /// owner who is not there any more. The name may be one that was used before: see `take_over`.
  void enter() {
    const process_identity self = Processes::self();
    for (std::size_t i = 0; i < owner_name::process_count; ++i) {
      process_entry& e = header().processes[i];
      const process_entry::word seen = e.seen();
      if (seen.state() != process_entry::word::unused) {
        if (runs(e, seen)) continue;
        note_death();
      }
      const process_entry::word entered = seen.entered_by(self.id);
      if (!e.replace(seen, entered)) continue;
      e.describe(self);
      e.replace(entered, entered.with(process_entry::word::present));
      // relaxed: as me()
      me_.store(owner_name::of(i, entered).bits, std::memory_order_relaxed);
      return;
    }
    fail_format(format_error::reason::too_many,
                "concur: too many processes use this shared_fixed_map");
  }

  void give_up_entering() noexcept {
    // relaxed: nobody else writes it now. release: pairs with may_enter.
    entering_forks_.store(entered_forks_.load(std::memory_order_relaxed),
                          std::memory_order_release);
  }
  void has_entered() noexcept {
    const unsigned forks = Processes::forks();
    // relaxed: who looks at it has seen (3), or is another child
    entering_forks_.store(forks, std::memory_order_relaxed);
    entered_forks_.store(forks, std::memory_order_release);  // (3) release: me_; pairs with (4).
  }
  bool is_dead(unsigned name) const noexcept {
    const owner_name owner{name};
    const process_entry& e = header().processes[owner.index()];
    const process_entry::word w = e.seen();
    if (w.state() == process_entry::word::unused) return true;
    if (owner_name::of(owner.index(), w).bits != name) return true;
    return !runs(e, w);
  }
  /// To be called before the entry of the dead process is another's, or nobody's.
  void note_death() const noexcept {
    // relaxed: who sees another in the entry sees it, by (1) in region.hpp; others count as before
    header().deaths.fetch_add(1, std::memory_order_relaxed);
  }
  /// How many were noted since the counters were right.
  std::uint64_t noted_deaths() const noexcept {
    return header().deaths.load(std::memory_order_acquire);  // (7) acquire: pairs with (8).
  }
  bool has_deaths() const noexcept {
    if (noted_deaths() != 0) return true;
    for (const process_entry& e : header().processes) {
      const process_entry::word w = e.seen();
      if (w.state() != process_entry::word::unused && !is_mine(e) && !runs(e, w)) {
        note_death();
        return true;
      }
    }
    // Somebody else may have noted one, and taken the entry before it was looked at.
    return noted_deaths() != 0;
  }
  /// Gives the entries of the dead back. What they owned still belongs to somebody who is dead: to
  /// nobody, or, should the name come again, to one who takes it over.
  void forget_dead() const noexcept {
    for (process_entry& e : header().processes) {
      const process_entry::word w = e.seen();
      if (w.state() == process_entry::word::unused || is_mine(e) || runs(e, w)) continue;
      note_death();
      e.replace(w, w.with(process_entry::word::unused));
    }
  }
  /// Whether nobody but this object is attached, dead or alive.
  bool is_alone() const noexcept {
    for (const process_entry& e : header().processes) {
      if (e.seen().state() != process_entry::word::unused && !is_mine(e)) return false;
    }
    return true;
  }

  /// Changes whenever somebody attaches (or in 2^24 times).
  std::uint64_t attachments() const noexcept {
    std::uint64_t sum = 0;
    for (const process_entry& e : header().processes) sum += e.seen().generation();
    return sum;
  }

  // --- counters ---

  void counted(std::int64_t delta, const thread_slot& thread) const noexcept {
    // relaxed: a number that orders nothing
    counters_of(thread).size.fetch_add(delta, std::memory_order_relaxed);
  }
  void count_release(const thread_slot& thread) const noexcept {
    // (5) release: the slot is marked as leaving; pairs with (6).
    counters_of(thread).releases.fetch_add(1, std::memory_order_release);
  }
  void count_release_unnamed() const noexcept {
    // release: as above; pairs with (6)
    header().counters[0].releases.fetch_add(1, std::memory_order_release);
  }
  std::int64_t releases() const noexcept {
    std::uint64_t sum = 0;  // unsigned: what lies in shared memory may be any number
    for (const auto& c : header().counters) {
      // (6) acquire: the slots that were counted are seen as leaving, or empty; pairs with (5).
      sum += static_cast<std::uint64_t>(c.releases.load(std::memory_order_acquire));
    }
    return static_cast<std::int64_t>(sum);
  }
  std::int64_t counted_size() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& c : header().counters) {
      // acquire: who is asked whether he lives is asked afterwards
      sum += static_cast<std::uint64_t>(c.size.load(std::memory_order_acquire));
    }
    return static_cast<std::int64_t>(sum);
  }
  /// The counters said `counted` when there were `members`, and nobody else was there; and so many
  /// deaths had been noted before. One that was noted since may not be in these numbers.
  void correct_size(std::int64_t counted, std::size_t members,
                    std::uint64_t deaths) const noexcept {
    const std::uint64_t difference = members - static_cast<std::uint64_t>(counted);
    // relaxed: a number
    header().counters[0].size.fetch_add(static_cast<std::int64_t>(difference),
                                        std::memory_order_relaxed);
    // (8) release: the counters are right; pairs with (7).
    header().deaths.compare_exchange_strong(deaths, 0, std::memory_order_release,
                                            std::memory_order_relaxed);
  }
  std::atomic<std::int64_t>& known_full() const noexcept { return header().known_full; }

  /// Needs quiet.
  void swap_memory(shared_memory& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(bounds_, other.bounds_);
    std::swap(slots_, other.slots_);
    std::swap(tags_, other.tags_);
    std::swap(mask_, other.mask_);
    std::swap(shift_, other.shift_);
    swap_words(me_, other.me_);
    swap_words(entered_forks_, other.entered_forks_);
    swap_words(entering_forks_, other.entering_forks_);
  }

 private:
  static void swap_words(std::atomic<unsigned>& one, std::atomic<unsigned>& other) noexcept {
    // relaxed: quiet
    const unsigned word = one.load(std::memory_order_relaxed);
    one.store(other.exchange(word, std::memory_order_relaxed), std::memory_order_relaxed);
  }

  [[noreturn]] CONCUR_NOINLINE static void fail_capacity() {
    constexpr const char* what = "concur::shared_fixed_map: the capacity must be a power of two";
    fail<std::invalid_argument>(what, what);
  }

  static void check_place(std::span<std::byte> region, std::size_t bytes) {
    using reason = format_error::reason;
    if (region.size() < bytes) {
      fail_format(reason::too_short, "concur: too short for a shared_fixed_map");
    }
    if (reinterpret_cast<std::uintptr_t>(region.data()) % alignof(Slot) != 0) {
      fail_format(reason::misaligned, "concur: a shared_fixed_map must be aligned to a cache line");
    }
  }

  region_header& header() const noexcept {
    return base_ == nullptr ? nowhere().header : *reinterpret_cast<region_header*>(base_);
  }

  /// False in a child of `fork` that has not written yet: the entry is its parent's, who may die.
  bool is_mine(const process_entry& e) const noexcept {
    return !is_other_process() && &e == &header().processes[owner_name{me()}.index()];
  }

  static bool runs(const process_entry& e, process_entry::word w) noexcept {
    if (Processes::may_run(e.identity(w))) return true;
    // What was read of it belongs to one process only if the entry has not changed hands.
    return e.seen().bits != w.bits;
  }

  void leave() noexcept {
    if (base_ == nullptr) return;
    // relaxed: as me(). A child that never wrote has no entry of its own.
    if (Processes::forks() != entered_forks_.load(std::memory_order_relaxed)) return;
    process_entry& e = header().processes[owner_name{me()}.index()];
    const process_entry::word w = e.seen();
    if (owner_name::of(owner_name{me()}.index(), w).bits != me()) return;
    e.replace(w, w.with(process_entry::word::unused));
  }

  region_counters& counters_of(const thread_slot& thread) const noexcept {
    const std::size_t at = owner_name{me()}.index() * 5 + thread.index;
    return header().counters[at % region_header::counter_count];
  }

  /// What an object that is attached to nothing looks at: one slot, taken for ever.
  struct nowhere_type {
    region_header header{};
    std::atomic<std::uint64_t> bound{0};
    Slot slot;
    nowhere_type() noexcept {
      // relaxed: nobody has seen it yet
      slot.word.store(slot_word().with(slot_state::corrupt).bits(), std::memory_order_relaxed);
    }
  };
  static nowhere_type& nowhere() noexcept {
    static nowhere_type place;
    return place;
  }

  std::byte* base_ = nullptr;  ///< null: attached to nothing
  std::atomic<std::uint64_t>* bounds_ = &nowhere().bound;
  Slot* slots_ = &nowhere().slot;
  slot_tags tags_;
  std::uint64_t mask_ = 0;
  unsigned shift_ = 63;
  std::atomic<unsigned> me_{0};
  std::atomic<unsigned> entered_forks_{0};   ///< `Processes::forks()` of the process that me_ is
  std::atomic<unsigned> entering_forks_{0};  ///< and of the one that somebody is making it
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
