// SPDX-License-Identifier: MIT
/// \file
/// A shared object with the library in it. Compiled twice; `CONCUR_OBJECT` is the name of its
/// function.
#include "object.hpp"

#include <concur/detail/sync/thread_slots.hpp>
#include <string>
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

std::string text_of(std::uint64_t i) {
  return "a text of some length, and its number: " + std::to_string(i);
}

template <class Map>
bool write_texts(Map& map, std::uint64_t first, std::uint64_t count) {
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (!map.insert({i, shared_text{text_of(i)}})) return false;
    }
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (map.insert_or_assign(i, shared_text{text_of(i)})) return false;
    }
    if (round == 1) break;
    for (std::uint64_t i = first; i < first + count; ++i) {
      if (map.erase(i) != 1) return false;
    }
  }
  return true;
}

template <class Map>
bool read_texts(const Map& map, std::uint64_t first, std::uint64_t count, std::uint64_t& hits) {
  bool is_whole = true;
  for (std::uint64_t i = first; i < first + count; ++i) {
    hits += map.cvisit(i, [&](const auto& e) { is_whole &= e.second.text == text_of(i); });
  }
  return is_whole;
}

template <class Map>
bool in_visit(const Map& map, void (*f)(void*), void* argument) {
  bool is_same = false;
  map.cvisit(0, [&](const auto& e) {
    f(argument);
    is_same = e.second.text == text_of(0);
  });
  return is_same;
}

template <class Map>
constexpr trie_functions<Map> functions_of() {
  return {[] { return new Map; }, [](Map* map) { delete map; }, write_texts<Map>, read_texts<Map>,
          in_visit<Map>};
}

shared_snapshot take_snapshot(const shared_hamt& map) {
  return map.snapshot();
}
bool read_snapshot(const shared_snapshot& snapshot, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    const shared_text* const found = snapshot.find(i);
    if (found == nullptr || found->text != text_of(i)) return false;
  }
  std::uint64_t shown = 0;
  for (const auto& element : snapshot) shown += element.second.text == text_of(element.first);
  return shown == count && snapshot.size() == count;
}
void drop_snapshot(shared_snapshot& snapshot) {
  snapshot = {};
}

}  // namespace

object_functions CONCUR_OBJECT() {
  return {create,
          destroy,
          write,
          read,
          in_callback,
          write_is_refused,
          thread_slot,
          functions_of<shared_cmap>(),
          functions_of<shared_hamt>(),
          take_snapshot,
          read_snapshot,
          drop_snapshot};
}
