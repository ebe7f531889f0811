// SPDX-License-Identifier: MIT
/// \file
/// Two translation units with maps of static storage. The destructors of each use its own maps, and
/// run in the opposite order of the constructors, whichever that is.
#pragma once

#include <concur/cmap.hpp>
#include <concur/hamt.hpp>
#include <concur/seq_array.hpp>
#include <concur/seqmap.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

using static_map = concur::seqmap<std::uint64_t, std::uint64_t>;
using static_array = concur::seq_array<std::uint64_t>;
using static_cmap = concur::cmap<std::uint64_t, std::string>;
using static_hamt = concur::hamt<std::uint64_t, std::string>;

/// Ends the program at once, and not with 0: destructors cannot report otherwise.
inline void require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::_Exit(1);
}

/// Fills what it is given, and empties it when it dies.
class last_user {
 public:
  last_user(static_map& map, static_array& array, static_cmap& texts, static_hamt& versions)
      : map_(map), array_(array), texts_(texts), versions_(versions) {
    for (std::uint64_t i = 0; i < count; ++i) {
      map_.insert_or_assign(i, i);
      array_.push_back(i);
      texts_.insert_or_assign(i, std::to_string(i));
      versions_.insert_or_assign(i, std::to_string(i));
    }
    before_ = versions_.snapshot();
  }
  ~last_user() {
    for (std::uint64_t i = 0; i < count; ++i) {
      require(map_.find(i) == i, "the map is there in a static destructor");
      require(array_.load(i) == i, "the array is there in a static destructor");
      require(map_.erase(i) == 1, "the map shrinks in a static destructor");
      require(texts_.find(i) == std::to_string(i), "the cmap is there in a static destructor");
      require(texts_.erase(i) == 1, "the cmap shrinks in a static destructor");
      require(versions_.find(i) == std::to_string(i), "the hamt is there in a static destructor");
      require(versions_.erase(i) == 1, "the hamt shrinks in a static destructor");
    }
    array_.clear();
    array_.shrink_to_fit();
    for (std::uint64_t i = 0; i < count; ++i) {
      map_.insert({i, i});
      texts_.insert({i, std::to_string(i)});
    }
    require(map_.size() == count, "the map grows in a static destructor");
    require(texts_.size() == count, "the cmap grows in a static destructor");
    texts_.quiesce();
    require(versions_.empty(), "a hamt is empty in a static destructor");
    require(before_.size() == count, "and its snapshot is not");
    static_hamt fork(before_);
    require(fork.erase(0) == 1 && before_.contains(0), "a snapshot is forked there");
    versions_.insert({1, "left"});
  }
  last_user(const last_user&) = delete;
  last_user& operator=(const last_user&) = delete;

 private:
  static constexpr std::uint64_t count = 2'000;
  static_map& map_;
  static_array& array_;
  static_cmap& texts_;
  static_hamt& versions_;
  static_hamt::snapshot_type before_;
};

static_map& first_map();
static_map& second_map();
static_cmap& first_cmap();
static_cmap& second_cmap();
static_hamt& first_hamt();
static_hamt& second_hamt();
