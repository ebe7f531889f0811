// SPDX-License-Identifier: MIT
/// \file
/// Everything but `pmr.hpp`, `parallel.hpp`, `lockmap_async.hpp` and `lockmap_stop.hpp`, which need
/// heavy headers of the standard library.
#pragma once

#include <concur/cmap.hpp>
#include <concur/concepts.hpp>
#include <concur/fixed_map.hpp>
#include <concur/fwd.hpp>
#include <concur/hamt.hpp>
#include <concur/lockmap.hpp>
#include <concur/lru_lockmap.hpp>
#include <concur/policy/hash.hpp>
#include <concur/reclaim/epoch.hpp>
#include <concur/reclaim/hazard_pointer.hpp>
#include <concur/seq_array.hpp>
#include <concur/seqmap.hpp>
#include <concur/version.hpp>
