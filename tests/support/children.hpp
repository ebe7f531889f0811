// SPDX-License-Identifier: MIT
/// \file
/// What a child of fork does, and how that ended.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

namespace concur_test {

/// The exit code of a child that does `f()`, or less the status that it ended with.
template <class F>
int in_a_child(F f) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(120);  // a child that hangs is killed, and that is seen
    ::_exit(f());
  }
  int status = -1;
  if (child > 0) ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

}  // namespace concur_test
