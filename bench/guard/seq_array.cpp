// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <concur/seq_array.hpp>

namespace {

struct row {
  std::uint64_t words[4];
};

template <class T, class Make>
void count_array(const std::string& name, const Make& make) {
  using namespace concur_guard;
  concur::seq_array<T, arena_allocator<T>> a;
  count(name + "/push_back", elements, [&](std::uint64_t i) { a.push_back(make(i)); });
  count(name + "/load", elements, [&](std::uint64_t i) { keep(a.load(scattered(i))); });
  count(name + "/store", elements, [&](std::uint64_t i) { a.store(scattered(i), make(i)); });
  expect(a.size() == elements, name);
}

}  // namespace

void concur_guard::count_seq_array() {
  count_array<std::uint64_t>("seq_array/u64", [](std::uint64_t i) { return i; });
  count_array<row>("seq_array/32 bytes", [](std::uint64_t i) { return row{{i, i, i, i}}; });
}
