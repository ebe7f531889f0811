// SPDX-License-Identifier: MIT
#include "guard.hpp"

int main() {
  using namespace concur_guard;
  count_cmap();
  count_cmap_strings();
  count_seqmap();
  count_hamt();
  count_fixed_map();
  count_lockmap();
  count_lru_lockmap();
  count_seq_array();
}
