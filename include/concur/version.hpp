// SPDX-License-Identifier: MIT
/// \file
/// The version, and the inline namespace that carries it: two versions of the library can be linked
/// into one program, and two in one translation unit are refused here.
#ifdef CONCUR_VERSION_MAJOR
#if CONCUR_VERSION_MAJOR != 0 || CONCUR_VERSION_MINOR != 1
#error "concur 0.1: another version of concur is already included in this translation unit"
#endif
#endif
#ifdef CONCUR_SINGLE_HEADER
#error "concur: a header of another copy of concur after a single header: include one kind"
#endif
#pragma once

#define CONCUR_VERSION_MAJOR 0
#define CONCUR_VERSION_MINOR 1
#define CONCUR_VERSION_PATCH 0
/// major * 10000 + minor * 100 + patch
#define CONCUR_VERSION 100
/// The inline namespace. A patch release keeps it: patches are ABI compatible.
#define CONCUR_ABI v0_1
