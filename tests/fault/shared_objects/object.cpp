// SPDX-License-Identifier: MIT
/// \file
/// A shared object with the library in it. Compiled twice; `CONCUR_OBJECT` is the name of its
/// function.
#include "object.hpp"

#include <concur/detail/sync/thread_slots.hpp>
#include <system_error>

namespace {

shared_map* create() {
  return new shared_map;
}
void destroy(shared_map* map) {
  delete map;
}

bool write(shared_map& map, std::uint64_t first, std::uint64_t count) {
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (!map.insert({i, {i, ~i, i + 1}})) return false;
    }
    if (round == 1) break;
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (map.erase(i) != 1) return false;
    }
  }
  return true;
}

bool read(const shared_map& map, std::uint64_t first, std::uint64_t count, std::uint64_t& hits) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    const auto found = map.find(i);
    if (!found) continue;
    ++hits;
    if (found->a != i || found->b != ~i || found->c != i + 1) return false;
  }
  return true;
}

void in_callback(shared_map& map, void (*f)(void*), void* argument) {
  map.update(0, [&](shared_value&) { f(argument); });
}

bool write_is_refused(shared_map& map) {
  try {
    map.erase(0);
  } catch (const std::system_error&) {
    return true;
  }
  return false;
}

const void* thread_slot() {
  return &concur::detail::thread_slots::mine();
}

}  // namespace

object_functions CONCUR_OBJECT() {
  return {create, destroy, write, read, in_callback, write_is_refused, thread_slot};
}
