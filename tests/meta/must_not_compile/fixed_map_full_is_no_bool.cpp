// expect: insert_result
// SPDX-License-Identifier: MIT
#include <concur/fixed_map.hpp>

int main() {
  concur::fixed_map<int> map(8);
  const bool is_inserted = map.insert(concur::key32{}, 1);  // exists() or full()?
  return is_inserted ? 0 : 1;
}
