#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clean_root.sh PACKAGE.deb: installs the package by apt in a bare Debian, made by debootstrap in a folder of
# its own, and builds and runs a consumer there by CMake and by pkg-config. Needs root, debootstrap and a mirror;
# skipped where a bare system cannot be made.
set -euo pipefail
package=$(readlink -f "$1")
cd "$(dirname "$0")/.."
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(apt-get indextargets --format '$(SITE)' | head -n 1)
root=$(mktemp -d)
chmod 755 "$root"
trap 'rm -rf --one-file-system "$root"' EXIT

if ! debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root/log" 2>&1; then
  tail -n 5 "$root/log"
  echo "skipped: no bare system could be made"
  exit 0
fi
mkdir "$root/consumer"
cp "$package" "$root/consumer/libconcur-dev.deb"
cp tests/meta/consumers/main.cpp "$root/consumer"
cat >"$root/consumer/CMakeLists.txt" <<'EOT'
cmake_minimum_required(VERSION 3.21)
project(consumer LANGUAGES CXX)
find_package(concur 0.1 REQUIRED)
add_executable(consumer main.cpp)
target_link_libraries(consumer PRIVATE concur::concur)
EOT
# It installs with what it says it depends on and no more, and goes again.
chroot "$root" sh -eu <<'EOT'
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin
apt-get update -qq
apt-get install -y -qq --no-install-recommends g++ cmake make pkg-config >/dev/null
apt-get install -y -qq --no-install-recommends /consumer/libconcur-dev.deb >/dev/null
dpkg -s libxxhash-dev >/dev/null
cd /consumer
cmake -S . -B build >/dev/null
cmake --build build >/dev/null
build/consumer
g++ -std=c++20 main.cpp $(pkg-config --cflags --libs concur) -o by_pkg_config
./by_pkg_config
apt-get purge -y -qq libconcur-dev >/dev/null
test ! -e /usr/include/concur
EOT
echo "installs, serves and goes"
