// SPDX-License-Identifier: MIT
/// \file
/// Under which sanitizer this is compiled, for g++ and clang: long loops are shorter there.
#pragma once

#if defined(__has_feature)
#define CONCUR_TEST_HAS_FEATURE(name) __has_feature(name)
#else
#define CONCUR_TEST_HAS_FEATURE(name) 0
#endif

namespace concur_test {

#if defined(__SANITIZE_THREAD__) || CONCUR_TEST_HAS_FEATURE(thread_sanitizer)
inline constexpr bool has_thread_sanitizer = true;
#else
inline constexpr bool has_thread_sanitizer = false;
#endif
#if defined(__SANITIZE_ADDRESS__) || CONCUR_TEST_HAS_FEATURE(address_sanitizer)
inline constexpr bool has_address_sanitizer = true;
#else
inline constexpr bool has_address_sanitizer = false;
#endif
inline constexpr bool has_sanitizer = has_thread_sanitizer || has_address_sanitizer;

}  // namespace concur_test

#undef CONCUR_TEST_HAS_FEATURE
