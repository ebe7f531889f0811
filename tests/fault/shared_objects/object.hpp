// SPDX-License-Identifier: MIT
/// \file
/// What two shared objects and a program say to each other about one map. Each of them has the
/// library's templates compiled into it, and is compiled with whatever visibility.
#pragma once

#include <concur/cmap.hpp>
#include <concur/hamt.hpp>
#include <concur/seqmap.hpp>
#include <cstdint>
#include <string>

/// Of the user: under -fvisibility=hidden it is hidden, and so are templates with it as argument.
struct shared_value {
  std::uint64_t a;
  std::uint64_t b;
  std::uint64_t c;
};
using shared_map = concur::seqmap<std::uint64_t, shared_value>;

/// More than a leaf keeps inside, and with a destructor.
struct shared_text {
  std::string text;
};
using shared_cmap = concur::cmap<std::uint64_t, shared_text>;
using shared_hamt = concur::hamt<std::uint64_t, shared_text>;
using shared_snapshot = shared_hamt::snapshot_type;

/// Of a cmap or a hamt.
template <class Map>
struct trie_functions {
  Map* (*create)();
  void (*destroy)(Map*);
  /// Inserts, overwrites, erases, and inserts again.
  bool (*write)(Map&, std::uint64_t first, std::uint64_t count);
  bool (*read)(const Map&, std::uint64_t first, std::uint64_t count, std::uint64_t& hits);
  /// Runs `f(argument)` while the element 0, which is there, is being read; whether it is the same
  /// afterwards.
  bool (*in_visit)(const Map&, void (*f)(void*), void* argument);
};

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

  trie_functions<shared_cmap> cmap;
  trie_functions<shared_hamt> hamt;
  shared_snapshot (*take_snapshot)(const shared_hamt&);
  /// As `read`, and its size and what an iteration shows.
  bool (*read_snapshot)(const shared_snapshot&, std::uint64_t first, std::uint64_t count);
  void (*drop_snapshot)(shared_snapshot&);
};

extern "C" __attribute__((visibility("default"))) object_functions concur_object_one();
extern "C" __attribute__((visibility("default"))) object_functions concur_object_two();
