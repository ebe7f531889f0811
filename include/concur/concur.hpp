// SPDX-License-Identifier: MIT
/// \file
/// Everything but `pmr.hpp` and `parallel.hpp`, which need heavy headers of the standard library.
#pragma once

#include <concur/concepts.hpp>
#include <concur/fwd.hpp>
#include <concur/policy/hash.hpp>
#include <concur/seq_array.hpp>
#include <concur/seqmap.hpp>
#include <concur/version.hpp>
