// SPDX-License-Identifier: MIT
/// \file
/// What two shared objects and a program say to each other about one map. Each of them has the
/// library's templates compiled into it, and is compiled with whatever visibility.
#pragma once

#include <concur/seqmap.hpp>
#include <cstdint>

/// Of the user: under -fvisibility=hidden it is hidden, and so are templates with it as argument.
struct shared_value {
  std::uint64_t a;
  std::uint64_t b;
  std::uint64_t c;
};
using shared_map = concur::seqmap<std::uint64_t, shared_value>;

struct object_functions {
  shared_map* (*create)();
  void (*destroy)(shared_map*);
  /// Inserts, erases and inserts again: the table grows and shrinks.
  bool (*write)(shared_map&, std::uint64_t first, std::uint64_t count);
  /// Whether all that is found is whole; adds to `hits`.
  bool (*read)(const shared_map&, std::uint64_t first, std::uint64_t count, std::uint64_t& hits);
  /// Runs `f(argument)` in an exclusive callback of the element 0, which is there.
  void (*in_callback)(shared_map&, void (*f)(void*), void* argument);
  /// Whether a write to the map throws that it would wait for its own thread.
  bool (*write_is_refused)(shared_map&);
  const void* (*thread_slot)();
};

extern "C" __attribute__((visibility("default"))) object_functions concur_object_one();
extern "C" __attribute__((visibility("default"))) object_functions concur_object_two();
