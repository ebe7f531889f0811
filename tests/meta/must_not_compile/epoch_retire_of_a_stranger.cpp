// expect: an object that is retired derives from concur::epoch_obj_base
// SPDX-License-Identifier: MIT
#include <concur/reclaim/epoch.hpp>

struct stranger {};

int main() {
  concur::epoch_domain domain;
  domain.retire(new stranger);
}
