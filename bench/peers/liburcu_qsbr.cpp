// SPDX-License-Identifier: MIT
// liburcu with readers that do nothing, but for saying now and then that they hold nothing: here
// every 64 operations.
#define _LGPL_SOURCE  // sections inline
#include <urcu-qsbr.h>
#define LFHT lfht_qsbr
#define LFHT_KIND "lfht_qsbr"
#include "liburcu.hpp"
