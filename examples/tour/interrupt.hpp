// SPDX-License-Identifier: MIT
/// \file
/// Ctrl-C ends the tour early: the first one is a request, the third one ends the process.
/// (Not the second: some wrappers, such as timeout(1), pass each one on twice.)
#pragma once

namespace tour {

void catch_interrupts();
bool interrupted() noexcept;

}  // namespace tour
