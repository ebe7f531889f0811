// SPDX-License-Identifier: MIT
// expect: another version of concur is already included
#define CONCUR_VERSION_MAJOR 0
#define CONCUR_VERSION_MINOR 99
#include <concur/version.hpp>
