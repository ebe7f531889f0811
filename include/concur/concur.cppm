// SPDX-License-Identifier: MIT
/// \file
/// The library as a module: `import concur;`. What <concur/concur.hpp> declares for users, and nothing of
/// detail/. The headers remain what it is made of, and a program may use both.
module;

#include <concur/concur.hpp>

export module concur;

export namespace concur {

// Maps
using concur::cmap;
using concur::fixed_map;
using concur::hamt;
using concur::hamt_snapshot;
using concur::key32;
using concur::lockmap;
using concur::lru_lockmap;
using concur::seq_array;
using concur::seqmap;
#if !defined(_WIN32)
using concur::shared_fixed_map;
#endif

// What they return and take
using concur::cache_callback;
using concur::cache_duration;
using concur::cache_options;
using concur::cache_record;
using concur::cache_times;
using concur::diff;
using concur::erase_if;
using concur::eviction_cause;
using concur::format_error;
using concur::from_range;
using concur::from_range_t;
using concur::insert_result;
using concur::merge;
using concur::parallel;

// Vocabulary
using concur::allocator_for;
using concur::bounded_map;
using concur::concurrent_map;
using concur::guarantees;
using concur::hasher_for;
using concur::key_equal_for;
using concur::map_guarantees;
using concur::progress;
using concur::reentry;
using concur::reentry_rules;
using concur::transparent;
using concur::visitable_map;

// Policies
using concur::digest_hash;
using concur::digest_key;
using concur::eviction_policy;
using concur::hash;
using concur::hash_values;
using concur::identity_hash;
using concur::is_avalanching;
using concur::is_avalanching_v;

// Memory reclamation
using concur::basic_epoch_domain;
using concur::epoch_domain;
using concur::epoch_guard;
using concur::epoch_obj_base;
using concur::epoch_options;
using concur::hazard_pointer;
using concur::hazard_pointer_default_domain;
using concur::hazard_pointer_domain;
using concur::hazard_pointer_obj_base;
using concur::hazard_pointer_obj_linked;
using concur::make_hazard_pointer;

}  // namespace concur

export namespace concur::eviction {
using concur::eviction::exact_lru;
using concur::eviction::lru;
using concur::eviction::memory;
using concur::eviction::node;
using concur::eviction::node_list;
using concur::eviction::s3fifo;
using concur::eviction::w_tinylfu;
using concur::eviction::without_statistics;
}  // namespace concur::eviction
