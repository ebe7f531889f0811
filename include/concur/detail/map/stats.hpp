// SPDX-License-Identifier: MIT
/// \file
/// Prints the plain structs that `stats()` returns, on anything with `<<`, without <iosfwd>.
#pragma once

#include <concur/version.hpp>

namespace concur::inline CONCUR_ABI::detail {

template <class Value>
struct stat {
  const char* name;
  Value value;
};

template <class Value>
stat(const char*, Value) -> stat<Value>;

/// `print_stats(out, "seqmap", stat{"size", s.size}, ...)` prints `seqmap{size: 3, ...}`.
template <class Out, class... Values>
Out& print_stats(Out& out, const char* map, const stat<Values>&... stats) {
  out << map << '{';
  const char* separator = "";
  ((out << separator << stats.name << ": " << stats.value, separator = ", "), ...);
  out << '}';
  return out;
}

}  // namespace concur::inline CONCUR_ABI::detail
