// SPDX-License-Identifier: MIT
/// \file
/// The engine of a map in shared memory: what it does beyond that of own memory, when it attaches,
/// and when it is asked whether all is well.
#pragma once

#include <concur/detail/fixed_map/engine.hpp>
#include <concur/detail/fixed_map/shared_memory.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace concur::inline CONCUR_ABI::detail::fixed_map {

/// What `verify` found.
struct region_findings {
  std::size_t elements = 0;     ///< that are there
  std::size_t owned = 0;        ///< slots that somebody is at work on
  std::size_t unreachable = 0;  ///< elements that no lookup finds
  std::size_t twice = 0;        ///< elements whose key is there once more
  std::size_t corrupt = 0;      ///< slots and bounds that say what nobody writes
};

template <class Slot, class Hash, class KeyEqual, class Processes>
class shared_engine : public engine<shared_memory<Slot, Processes>, Hash, KeyEqual> {
  using base = engine<shared_memory<Slot, Processes>, Hash, KeyEqual>;
  using memory = shared_memory<Slot, Processes>;

 public:
  using key_type = typename base::key_type;

  static void format(std::span<std::byte> region, std::size_t capacity, std::uint64_t seed) {
    memory::format(region, capacity, seed, probe_of(Hash(seed)));
  }

  /// Throws format_error.
  explicit shared_engine(std::span<std::byte> region)
      : shared_engine(region, memory::describe(region)) {}
  /// Moved from, or to be.
  shared_engine() : base(Hash(0)) {}

  /// Needs both maps to be quiet.
  void swap_contents(shared_engine& other) noexcept { base::swap_contents(other); }

  /// A look at every slot, beside all other operations. Repairs what the dead have left.
  region_findings verify() {
    region_findings found;
    if (this->capacity() == 0) return found;
    this->before_write();
    this->recover_all();
    // Bounds that are too high make lookups slow, and nothing else: those who died have left few of
    // them, and somebody else's many are not worth all of the time.
    std::uint64_t allowed = tightened_per_slot * this->slot_count();
    for (std::uint64_t i = 0; i < this->slot_count(); ++i) {
      examine(i, found);
      if (allowed == 0) continue;
      const std::uint64_t lowered = this->tighten_bound(i);
      allowed -= lowered < allowed ? lowered : allowed;
    }
    return found;
  }

 private:
  static constexpr std::uint64_t tightened_per_slot = 64;

  shared_engine(std::span<std::byte> region, const region_description& d)
      : base(Hash(d.seed), region, d) {
    using reason = format_error::reason;
    if (d.probe != probe_of(this->hash_function())) {
      fail_format(reason::other_layout, "concur: a shared_fixed_map with another hasher");
    }
    this->take_over();
    const region_findings found = verify();
    if (found.corrupt + found.unreachable + found.twice != 0) {
      fail_format(reason::corrupt, "concur: the slots of a shared_fixed_map are corrupt");
    }
    this->forget_dead();
    if (this->has_deaths()) correct_counters();
  }

  static std::uint64_t probe_of(const Hash& hash) { return mixed_hash(hash, key_type{}); }

  void examine(std::uint64_t index, region_findings& found) {
    if (this->bound_of(index).length() > this->slot_count()) ++found.corrupt;
    auto& s = this->slot_at(index);
    for (;;) {
      const slot_word w = base::word_of(s);
      if (w.is_corrupt()) ++found.corrupt;
      if (w.has_owner()) ++found.owned;
      if (!w.is(slot_state::member)) return;
      const key_type key = s.key.template load<std::memory_order_acquire>();  // acquire: as a value
      const origin from = this->origin_of(this->hash(key));
      const std::uint64_t home = from.home;
      const std::uint64_t distance = (index - home) & (this->slot_count() - 1);
      const bool is_found = w.may_be_at(distance) && distance < this->bound_of(home).length() &&
                            this->tags().leads_to(index, distance, from, this->slot_count());
      // What no lookup is led to is not looked for: that would take as long as all slots.
      const auto first = is_found ? this->search(from, key) : typename base::place();
      if (!w.is_same_life(base::word_of(s))) {
        if (w.has_owner()) --found.owned;
        continue;
      }
      ++found.elements;
      if (!is_found) ++found.unreachable;
      if (is_found && first && first.where != &s) ++found.twice;
      return;
    }
  }

  /// The counters are put right when nobody else is there, nor was meanwhile. By who attaches: no
  /// other thread has this object yet. A change of another, who comes later, is added to what is
  /// added here.
  void correct_counters() noexcept {
    const std::uint64_t deaths = this->noted_deaths();
    const std::uint64_t before = this->attachments();
    if (!this->is_alone()) return;
    const std::int64_t counted = this->counted_size();
    const std::size_t members = this->count_members();
    if (this->is_alone() && this->attachments() == before) {
      this->correct_size(counted, members, deaths);
    }
  }
};

}  // namespace concur::inline CONCUR_ABI::detail::fixed_map
