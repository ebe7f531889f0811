// SPDX-License-Identifier: MIT
// liburcu with readers that enter and leave a section; the writers pay for the fences (membarrier).
#define _LGPL_SOURCE  // sections inline
#include <urcu.h>
#define LFHT lfht_memb
#define LFHT_KIND "lfht_memb"
#include "liburcu.hpp"
