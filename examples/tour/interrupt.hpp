// SPDX-License-Identifier: MIT
/// \file
/// Ctrl-C ends the tour early: the first one is a request, the second one ends the process.
#pragma once

namespace tour {

void catch_interrupts();
bool interrupted() noexcept;

}  // namespace tour
