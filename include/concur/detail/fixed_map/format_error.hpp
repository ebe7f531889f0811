// SPDX-License-Identifier: MIT
/// \file
/// `concur::format_error`: what `attach` throws at memory that is not a map of the type asked for.
#pragma once

#include <concur/detail/assert.hpp>
#include <system_error>

namespace concur::inline CONCUR_ABI {

/// Why a region was rejected. Its code is `std::errc::invalid_argument`.
class format_error : public std::system_error {
 public:
  enum class reason : unsigned char {
    too_short,      ///< shorter than its header says, or than a header is
    misaligned,     ///< does not begin at a multiple of 64 bytes
    not_a_map,      ///< no magic number: never formatted, or not yet
    other_version,  ///< formatted by a version of the library with another layout
    other_layout,   ///< values of another size, another hasher, another byte order
    corrupt,        ///< contradicts itself
    too_many        ///< no place left in the table of processes
  };

  format_error(reason why, const char* what)
      : std::system_error(std::make_error_code(std::errc::invalid_argument), what), why_(why) {}
  reason why() const noexcept { return why_; }

 private:
  reason why_;
};

namespace detail::fixed_map {

[[noreturn]] CONCUR_NOINLINE inline void fail_format(format_error::reason why, const char* what) {
  fail<format_error>(what, why, what);
}

}  // namespace detail::fixed_map
}  // namespace concur::inline CONCUR_ABI
