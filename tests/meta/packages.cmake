# SPDX-License-Identifier: MIT
# cmake -DWAY=... -DWORK=<empty folder> -DSOURCE=<this project> -DBUILD=<its build> -DCXX=<compiler>
#       -DGENERATOR=... [-DXXHASH_INCLUDE=...] -P packages.cmake
# Makes a package in the way that WAY says, and builds and runs a program with what is in it.
cmake_minimum_required(VERSION 3.21)
include("${CMAKE_CURRENT_LIST_DIR}/consumer_tools.cmake")

set(here "${SOURCE}/tests/meta/consumers")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(STRINGS "${SOURCE}/include/concur/version.hpp" version REGEX "define CONCUR_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" version "${version}")
string(REPLACE ";" "." version "${version}")

# Ends the test as skipped, where a tool is not installed.
macro(want variable)
  find_program(${variable} NAMES ${ARGN})
  if(NOT ${variable})
    message(STATUS "skipped: no ${ARGN} here")
    return()
  endif()
endmacro()

function(build_by_cmake prefix)
  set(xxhash)
  if(XXHASH_INCLUDE)
    set(xxhash "-DxxHash_INCLUDE_DIR=${XXHASH_INCLUDE}")
  endif()
  run(0 "${CMAKE_COMMAND}" -S "${here}" -B "${WORK}/build" -G "${GENERATOR}" "-DCMAKE_CXX_COMPILER=${CXX}"
      -DWAY=find_package -DWANTED=${version} "-DCMAKE_PREFIX_PATH=${prefix}" ${xxhash})
  run(0 "${CMAKE_COMMAND}" --build "${WORK}/build")
  check_program("${WORK}/build/consumer")
endfunction()

if(WAY STREQUAL "manifests")
  # The number is said once for CMake and Conan, which read version.hpp, and once in each of these.
  foreach(line "meson.build|version: '${version}'" "MODULE.bazel|version = \"${version}\""
          "ports/concur/vcpkg.json|\"version-semver\": \"${version}\"")
    string(REPLACE "|" ";" line "${line}")
    list(POP_FRONT line manifest)
    file(READ "${SOURCE}/${manifest}" content)
    string(FIND "${content}" "${line}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "${manifest} does not say: ${line}")
    endif()
  endforeach()
  file(READ "${SOURCE}/ports/concur/vcpkg.json" content)
  string(JSON name GET "${content}" name)
  find_program(python3 python3)
  if(python3)
    foreach(recipe conanfile.py tests/meta/consumers/conan/conanfile.py)
      run(0 "${python3}" -c "import ast, sys; ast.parse(open(sys.argv[1]).read())" "${SOURCE}/${recipe}")
    endforeach()
  endif()

elseif(WAY STREQUAL "deb")
  want(dpkg_deb dpkg-deb)
  run(0 "${CMAKE_CPACK_COMMAND}" -G DEB --config "${BUILD}/CPackConfig.cmake" -B "${WORK}")
  set(package "${WORK}/libconcur-dev_${version}_all.deb")
  run(0 "${dpkg_deb}" -f "${package}" Package Architecture Depends Version)
  foreach(field "Package: libconcur-dev" "Architecture: all" "Depends: libxxhash-dev" "Version: ${version}")
    if(NOT output MATCHES "${field}")
      message(FATAL_ERROR "no '${field}' in\n${output}")
    endif()
  endforeach()
  run(0 "${dpkg_deb}" -x "${package}" "${WORK}/root")
  check_headers("${WORK}/root/usr")
  check_relocatable("${WORK}/root/usr")
  if(NOT EXISTS "${WORK}/root/usr/share/doc/libconcur-dev/copyright")
    message(FATAL_ERROR "Debian wants a copyright file")
  endif()
  build_by_cmake("${WORK}/root/usr")
  build_by_pkg_config("${WORK}/root/usr")

elseif(WAY STREQUAL "vcpkg")
  # The port, with the five functions of vcpkg that it calls played by the file beside this one.
  set(CURRENT_PACKAGES_DIR "${WORK}/packages")
  set(PORT concur)
  include("${CMAKE_CURRENT_LIST_DIR}/vcpkg_functions.cmake")
  include("${SOURCE}/ports/concur/portfile.cmake")
  check_headers("${CURRENT_PACKAGES_DIR}")
  check_relocatable("${CURRENT_PACKAGES_DIR}")
  file(GLOB_RECURSE left RELATIVE "${CURRENT_PACKAGES_DIR}" "${CURRENT_PACKAGES_DIR}/*")
  list(FILTER left EXCLUDE REGEX "^(include/concur|share/concur)/|^share/pkgconfig/concur.pc$")
  if(left)
    message(FATAL_ERROR "vcpkg wants everything in include, share/concur and share/pkgconfig: ${left}")
  endif()
  build_by_cmake("${CURRENT_PACKAGES_DIR}")

elseif(WAY STREQUAL "meson")
  want(meson meson)
  set(ENV{CXX} "${CXX}")
  if(XXHASH_INCLUDE)
    set(ENV{CPATH} "${XXHASH_INCLUDE}")
  endif()
  file(COPY "${here}/meson/meson.build" "${here}/main.cpp" DESTINATION "${WORK}/project")
  file(MAKE_DIRECTORY "${WORK}/project/subprojects/concur")
  file(CREATE_LINK "${SOURCE}/include" "${WORK}/project/subprojects/concur/include" SYMBOLIC)
  file(COPY "${SOURCE}/meson.build" DESTINATION "${WORK}/project/subprojects/concur")
  run(0 "${meson}" setup "${WORK}/build" "${WORK}/project")
  run(0 "${meson}" compile -C "${WORK}/build")
  check_program("${WORK}/build/consumer")
  run(0 "${meson}" setup "${WORK}/own" "${WORK}/project/subprojects/concur" --prefix=/usr)
  run(0 "${CMAKE_COMMAND}" -E env "DESTDIR=${WORK}/root" "${meson}" install -C "${WORK}/own")
  check_headers("${WORK}/root/usr")

elseif(WAY STREQUAL "conan")
  want(conan conan)
  set(ENV{CONAN_HOME} "${WORK}/home")
  set(ENV{CXX} "${CXX}")
  run(0 "${conan}" profile detect)
  # No remote: a package of the header that is installed here stands in for Conan's own xxhash.
  find_path(xxhash_folder xxhash.h PATHS "${XXHASH_INCLUDE}" /usr/include /usr/local/include REQUIRED)
  file(WRITE "${WORK}/xxhash/conanfile.py" "from conan import ConanFile
from conan.tools.files import copy
import os


class XxhashConan(ConanFile):
    name = 'xxhash'
    version = '0.8.1'

    def package(self):
        copy(self, 'xxhash.h', '${xxhash_folder}', os.path.join(self.package_folder, 'include'))
")
  run(0 "${conan}" create "${WORK}/xxhash" --no-remote)
  file(COPY "${SOURCE}/conanfile.py" "${SOURCE}/LICENSE" "${SOURCE}/include" DESTINATION "${WORK}/tree")
  file(COPY "${here}/conan" "${here}/main.cpp" DESTINATION "${WORK}/tree/tests/meta/consumers")
  run(0 "${conan}" create "${WORK}/tree" --no-remote -s compiler.cppstd=20)
  if(NOT output MATCHES "concur ${version}")
    message(FATAL_ERROR "the test package did not run:\n${output}")
  endif()
endif()
