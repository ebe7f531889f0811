// SPDX-License-Identifier: MIT
/// \file
/// Facts about the compiler and the machine, as constants where a constant will do. Nothing here is
/// a tuning knob of an algorithm.
#pragma once

#include <concur/version.hpp>
#include <cstddef>

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/// \cond internal
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define CONCUR_HAS_EXCEPTIONS 1
#define CONCUR_TRY try
#define CONCUR_CATCH_ALL catch (...)
#define CONCUR_RETHROW throw
#else
#define CONCUR_HAS_EXCEPTIONS 0
#define CONCUR_TRY if constexpr (true)
#define CONCUR_CATCH_ALL else
#define CONCUR_RETHROW static_cast<void>(0)
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define CONCUR_NOINLINE __declspec(noinline)
#define CONCUR_COLD CONCUR_NOINLINE
#define CONCUR_FORCEINLINE __forceinline
#define CONCUR_FORCEINLINE_LAMBDA
#define CONCUR_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define CONCUR_NOINLINE __attribute__((noinline))
#define CONCUR_COLD __attribute__((noinline, cold))
#define CONCUR_FORCEINLINE inline __attribute__((always_inline))
#define CONCUR_FORCEINLINE_LAMBDA __attribute__((always_inline))  // behind its parameters
#if defined(_MSC_VER)  // clang in the place of Microsoft's compiler
#define CONCUR_NO_UNIQUE_ADDRESS [[msvc::no_unique_address]]
#else
#define CONCUR_NO_UNIQUE_ADDRESS [[no_unique_address]]
#endif
#endif

// What exists once per process, also when shared objects are compiled with -fvisibility=hidden: two
// registries of threads would free memory under each other's readers.
#if defined(_WIN32) || defined(__CYGWIN__)
#define CONCUR_SHARED
#else
#define CONCUR_SHARED [[gnu::visibility("default")]]
#endif

// Sanitizers and the model checker see every shared access as a C++20 atomic operation: the vector
// loads of detail/sync/match_words.hpp, which rely on the hardware, are replaced by their portable
// twin.
// CONCUR_PORTABLE_LOADS may also be defined by hand, so that native tests run both.
#if !defined(CONCUR_PORTABLE_LOADS)
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CONCUR_PORTABLE_LOADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || \
    __has_feature(memory_sanitizer)
#define CONCUR_PORTABLE_LOADS 1
#endif
#endif
#endif
#if !defined(CONCUR_PORTABLE_LOADS)
#define CONCUR_PORTABLE_LOADS 0
#endif

// AddressSanitizer finds late accesses to nodes only if those go back to the allocator at once.
#if defined(__SANITIZE_ADDRESS__)
#define CONCUR_KEEPS_FREED_NODES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define CONCUR_KEEPS_FREED_NODES 0
#endif
#endif
#if !defined(CONCUR_KEEPS_FREED_NODES)
#define CONCUR_KEEPS_FREED_NODES 1
#endif

// Words that name a node carry 16 more bits where addresses leave them free. They do with 48-bit
// addresses of user space: x86-64 and AArch64, unless a program asks the kernel for more (5-level
// paging needs a hint to mmap) or tags pointers (HWASan, MTE): such a program defines this as 0.
#if !defined(CONCUR_POINTER_HAS_FREE_BITS)
#if defined(__SANITIZE_HWADDRESS__)
#define CONCUR_POINTER_HAS_FREE_BITS 0
#elif defined(__has_feature)
#if __has_feature(hwaddress_sanitizer)
#define CONCUR_POINTER_HAS_FREE_BITS 0
#endif
#endif
#endif
#if !defined(CONCUR_POINTER_HAS_FREE_BITS)
#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64) || \
    defined(__i386__) || defined(__arm__)
#define CONCUR_POINTER_HAS_FREE_BITS 1
#else
#define CONCUR_POINTER_HAS_FREE_BITS 0
#endif
#endif
/// \endcond

namespace concur::inline CONCUR_ABI::detail {

/// Two writers never share this many bytes unless they mean to. The constant of the standard
/// library is not there before clang 19, and changes with -mtune, which an ABI must not.
#if (defined(__APPLE__) && defined(__aarch64__)) || defined(__powerpc64__)
inline constexpr std::size_t cache_line_size = 128;
#else
inline constexpr std::size_t cache_line_size = 64;
#endif

/// x86 prefetches lines in pairs: what two cores write often is kept two lines apart.
inline constexpr std::size_t destructive_distance = 128;

/// Asks for a line that will soon be read. Any address will do: it is not touched.
CONCUR_FORCEINLINE void prefetch_to_read([[maybe_unused]] const void* at) noexcept {
#if !defined(_MSC_VER) || defined(__clang__)
  __builtin_prefetch(at);
#elif defined(_M_X64)
  _mm_prefetch(static_cast<const char*>(at), _MM_HINT_T0);
#elif defined(_M_ARM64)
  __prefetch(at);
#endif
}

/// Asks for a line that will soon be written.
CONCUR_FORCEINLINE void prefetch_to_write(const void* at) noexcept {
#if !defined(_MSC_VER) || defined(__clang__)
  __builtin_prefetch(at, 1);
#else
  prefetch_to_read(at);
#endif
}

}  // namespace concur::inline CONCUR_ABI::detail
