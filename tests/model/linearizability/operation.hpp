// SPDX-License-Identifier: MIT
/// \file
/// One operation of a history, and what each kind of operation does to the state of its key.
#pragma once

#include <cstdint>
#include <string>

namespace linearizability {

inline constexpr std::uint64_t absent = ~std::uint64_t{0};
inline constexpr std::uint64_t never = ~std::uint64_t{0};

enum class kind : std::uint8_t {
  find,         ///< result: the value, or absent
  insert,       ///< result: 1 inserted, 0 there was one
  assign,       ///< result: the value before, or absent (exchange)
  put,          ///< result: 1 if it was absent (insert_or_assign)
  erase,        ///< result: 1 erased, 0 absent
  take,         ///< result: the value, or absent; erases
  replace,      ///< `argument` by `argument2`; result: 1 replaced
  erase_equal,  ///< erases `argument`; result: 1 erased
  add,          ///< adds if present; result: the value before, or absent (update)
  fetch_add,    ///< absent counts as 0; result: the value before
  remove,       ///< one key's part of a clear: erases whatever there is; result: 0
  set,          ///< changes the value if there is one; result: the value before, or absent
  ensure,       ///< one key's part of a growth: inserts if absent; result: 0
};

struct operation {
  std::uint64_t key = 0;
  std::uint64_t invoked = 0;
  std::uint64_t returned = never;  ///< never: it may take effect at any time after, or not at all
  std::uint64_t argument = 0;
  std::uint64_t argument2 = 0;
  std::uint64_t result = 0;
  kind what = kind::find;
  std::uint8_t thread = 0;
};

/// What the operation returns when it meets this state; changes the state.
inline std::uint64_t apply(const operation& o, std::uint64_t& state) {
  const std::uint64_t before = state;
  const bool present = before != absent;
  switch (o.what) {
    case kind::find:
      return before;
    case kind::insert:
      if (!present) state = o.argument;
      return present ? 0 : 1;
    case kind::assign:
      state = o.argument;
      return before;
    case kind::put:
      state = o.argument;
      return present ? 0 : 1;
    case kind::erase:
      state = absent;
      return present ? 1 : 0;
    case kind::take:
      state = absent;
      return before;
    case kind::replace:
      if (before != o.argument) return 0;
      state = o.argument2;
      return 1;
    case kind::erase_equal:
      if (before != o.argument) return 0;
      state = absent;
      return 1;
    case kind::add:
      if (present) state = before + o.argument;
      return before;
    case kind::fetch_add:
      state = (present ? before : 0) + o.argument;
      return present ? before : 0;
    case kind::set:
      if (present) state = o.argument;
      return before;
    case kind::ensure:
      if (!present) state = o.argument;
      return 0;
    case kind::remove:
      state = absent;
      return 0;
  }
  return absent;
}

/// Could the operation happen in this state? If so, the state after it.
inline bool step(const operation& o, std::uint64_t& state) {
  std::uint64_t next = state;
  const std::uint64_t result = apply(o, next);
  if (o.returned != never && result != o.result) return false;
  state = next;
  return true;
}

inline std::string to_string(const operation& o) {
  static const char* const names[] = {"find",   "insert",  "assign",      "put", "erase",
                                      "take",   "replace", "erase_equal", "add", "fetch_add",
                                      "remove", "set",     "ensure"};
  const auto value = [](std::uint64_t v) { return v == absent ? "absent" : std::to_string(v); };
  std::string s = "T" + std::to_string(o.thread) + " " + names[static_cast<int>(o.what)] + "(" +
                  std::to_string(o.key);
  if (o.what != kind::find && o.what != kind::erase && o.what != kind::take)
    s += ", " + value(o.argument);
  if (o.what == kind::replace) s += ", " + value(o.argument2);
  s += ")";
  s += o.returned == never ? " pending" : " = " + value(o.result);
  return s;
}

}  // namespace linearizability
