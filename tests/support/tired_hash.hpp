// SPDX-License-Identifier: MIT
/// \file
/// The number itself, until so many calls have been made: the next one throws.
#pragma once

#include "support/scattered.hpp"

#include <stdexcept>
#include <type_traits>

namespace concur_test {

struct tired_hash {
  using is_avalanching = std::true_type;
  int* calls_left = nullptr;  ///< counted down by every call; negative: for ever

  number operator()(number key) const {
    if (calls_left != nullptr && (*calls_left)-- == 0) throw std::runtime_error("hash");
    return key;
  }
};

}  // namespace concur_test
