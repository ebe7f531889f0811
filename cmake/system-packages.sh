# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# Sourced by tests/run.sh and examples/demo.sh. POSIX sh, because a fresh machine has nothing else.
#
#   need NAME...   names among: compiler cmake ninja xxhash catch2 benchmark
#
# Looks first and leaves the package manager alone when nothing is missing. Installs only when
# INSTALL=yes, or after a yes at a terminal; otherwise prints the command and ends with status 2.

say() { printf '%s\n' "$@"; }
have() { command -v "$1" >/dev/null 2>&1; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; } # MINIMUM VERSION

has_compiler() {
  for c in ${CXX:-c++ g++ clang++}; do
    have "$c" && printf '%s\n' '#include <atomic>' '#include <concepts>' \
      'std::atomic<int> a; int main() { a.notify_one(); }' |
      "$c" -std=c++20 -x c++ -fsyntax-only - 2>/dev/null && return 0
  done
  return 1
}

has_header() {
  has_compiler && printf '#include <%s>\n' "$1" | "$c" -std=c++20 -x c++ -E - >/dev/null 2>&1
}

is_missing() {
  case $1 in
    compiler) ! has_compiler ;;
    cmake) ! { have cmake && at_least 3.21 "$(cmake --version | sed -n 's/cmake version //p')"; } ;;
    ninja) ! { have ninja || have ninja-build; } ;;
    xxhash) ! has_header xxhash.h ;;
    catch2) ! { has_header catch2/catch.hpp || has_header catch2/catch_test_macros.hpp; } ;;
    benchmark) ! has_header benchmark/benchmark.h ;;
  esac
}

# name       apt-get            dnf                     pacman     zypper           apk            brew
packages() {
  cat <<'TABLE'
compiler     g++                gcc-c++                 gcc        gcc-c++          g++            llvm
cmake        cmake              cmake                   cmake      cmake            cmake          cmake
ninja        ninja-build        ninja-build             ninja      ninja            samurai        ninja
xxhash       libxxhash-dev      xxhash-devel            xxhash     xxhash-devel     xxhash-dev     xxhash
catch2       catch2             catch-devel             catch2     Catch2-devel     catch2-3       catch2
benchmark    libbenchmark-dev   google-benchmark-devel  benchmark  benchmark-devel  benchmark-dev  google-benchmark
TABLE
}

need() {
  missing=
  for name; do if is_missing "$name"; then missing="$missing $name"; fi; done
  [ -n "$missing" ] || return 0

  refresh=:
  if have apt-get; then
    column=2 refresh='apt-get update -qq' command='apt-get install -y --no-install-recommends'
  elif have dnf; then column=3 command='dnf install -y'
  elif have pacman; then column=4 command='pacman -S --needed --noconfirm'
  elif have zypper; then column=5 command='zypper --non-interactive install'
  elif have apk; then column=6 command='apk add'
  elif have brew; then column=7 command='brew install'
  else
    say "Missing:$missing. No package manager that is known here: please install them first."
    exit 2
  fi
  for name in $missing; do
    command="$command $(packages | awk -v n="$name" -v c="$column" '$1 == n { print $c }')"
  done

  become=
  if [ "$column" != 7 ] && [ "$(id -u)" != 0 ]; then
    if have sudo; then become=sudo
    elif have doas; then become=doas
    else
      say "Missing:$missing. An administrator has to run:" "  $command"
      exit 2
    fi
  fi

  say "Missing:$missing"
  say "Command: ${become:+$become }$command"
  if [ "${INSTALL:-no}" != yes ]; then
    if [ -t 0 ] && [ -t 1 ]; then
      printf 'Run it now? [y/N] '
      read -r answer
      case $answer in [yY]*) ;; *) exit 2 ;; esac
    else
      say "Run it, or give --install to have it run."
      exit 2
    fi
  fi
  $become $refresh || say "(The package list could not be refreshed; going on with the old one.)"
  if [ "$column" = 2 ]; then command="env DEBIAN_FRONTEND=noninteractive $command"; fi
  $become $command || { say "The package manager failed: $command"; exit 1; }
  for name in $missing; do
    if is_missing "$name"; then say "Still missing after the installation: $name"; exit 1; fi
  done
}
