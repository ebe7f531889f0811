// SPDX-License-Identifier: MIT
/// \file
/// Real access traces, if there are any on this machine: CONCUR_TRACES names the folder that holds
/// `<name>.u64` or `<name>.u64.gz` (64-bit little-endian keys) and GOLDEN.tsv (hits of reference
/// simulators). They are not part of the repository: their terms are not its.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/made_traces.hpp"

namespace concur_test {

/// Empty where there is none.
inline std::string trace_folder() {
  const char* const named = std::getenv("CONCUR_TRACES");
  return named == nullptr ? std::string() : std::string(named);
}

/// `gzip` has to be there for files that end with .gz.
inline trace read_trace(const std::string& name) {
  static_assert(std::endian::native == std::endian::little);
  const std::string path = trace_folder() + "/" + name + ".u64";
  const bool plain = std::ifstream(path).good();
  std::FILE* const file =
      plain ? std::fopen(path.c_str(), "rb") : popen(("gzip -dc '" + path + ".gz'").c_str(), "r");
  if (file == nullptr) throw std::runtime_error("cannot read " + path);
  trace keys;
  std::array<std::uint64_t, 4096> block{};
  for (std::size_t n = 1; n != 0;) {
    n = std::fread(block.data(), sizeof block[0], block.size(), file);
    keys.insert(keys.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(n));
  }
  const int failure = plain ? std::fclose(file) : pclose(file);
  if (failure != 0 || keys.empty()) throw std::runtime_error("cannot read " + path);
  return keys;
}

/// One trace of GOLDEN.tsv: for each policy the hits by capacity.
struct golden_trace {
  trace keys;
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> hits;
};

/// By name. Read once.
inline const std::map<std::string, golden_trace>& golden_traces() {
  static const std::map<std::string, golden_trace> all = [] {
    std::map<std::string, golden_trace> traces;
    std::ifstream table(trace_folder() + "/GOLDEN.tsv");
    for (std::string line; std::getline(table, line);) {
      if (line.empty() || line.front() == '#') continue;
      std::istringstream cells(line);
      std::string name, requests, policy;
      cells >> name >> requests >> policy;
      golden_trace& to = traces[name];
      for (std::string cell; cells >> cell;) {
        const std::size_t equals = cell.find('=');
        to.hits[policy][std::stoull(cell)] = std::stoull(cell.substr(equals + 1));
      }
      if (to.keys.empty()) to.keys = read_trace(name);
      if (to.keys.size() != std::stoull(requests))
        throw std::runtime_error(name + ": wrong length");
    }
    if (traces.empty()) throw std::runtime_error("no GOLDEN.tsv in " + trace_folder());
    return traces;
  }();
  return all;
}

}  // namespace concur_test
