// SPDX-License-Identifier: MIT
/// \file
/// Numbers for people.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>

namespace tour {

/// printf to a string, for a number at a time.
template <class... Args>
std::string format(const char* pattern, Args... args) {
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, pattern, args...);
  return buffer;
}

/// 1234567 is 1,234,567.
inline std::string grouped(std::uint64_t n) {
  const std::string digits = std::to_string(n);
  std::string result;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) result += ',';
    result += digits[i];
  }
  return result;
}

/// "1 file", "2 files".
inline std::string plural(std::uint64_t n, const char* what) {
  return grouped(n) + " " + what + (n == 1 ? "" : "s");
}

inline std::string millions(double n) {
  return format("%.1f M", n / 1e6);
}

inline std::string bytes(std::size_t n) {
  if (n < 1000) return plural(n, "byte");
  const double kilobytes = static_cast<double>(n) / 1e3;
  return kilobytes < 1e3 ? format("%.1f kB", kilobytes) : format("%.1f MB", kilobytes / 1e3);
}

inline std::string duration(std::uint64_t nanoseconds) {
  const double ns = static_cast<double>(nanoseconds);
  if (ns < 1e3) return format("%.0f ns", ns);
  if (ns < 1e6) return format("%.1f us", ns / 1e3);
  return format("%.1f ms", ns / 1e6);
}

}  // namespace tour
