# SPDX-License-Identifier: MIT
# cmake -DWAY=... -DWORK=<empty folder> -DPREFIX=<installed tree> -DSOURCE=<this project>
#       -DCXX=<compiler> -DGENERATOR=... [-DXXHASH_INCLUDE=...] -P consumer.cmake
# Builds and runs tests/meta/consumers in one of the ways in which the library can be used.
cmake_minimum_required(VERSION 3.21)

include("${CMAKE_CURRENT_LIST_DIR}/consumer_tools.cmake")

set(here "${SOURCE}/tests/meta/consumers")
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
set(configure "${CMAKE_COMMAND}" -S "${here}" -B "${WORK}/build" -G "${GENERATOR}"
    "-DCMAKE_CXX_COMPILER=${CXX}" "-DCONCUR_SOURCE=${SOURCE}" "-DXXHASH_INCLUDE=${XXHASH_INCLUDE}"
    -DCONCUR_FETCH=OFF)
if(XXHASH_INCLUDE AND NOT WAY STREQUAL "parent_has_xxhash")
  list(APPEND configure "-DxxHash_INCLUDE_DIR=${XXHASH_INCLUDE}")
endif()

if(WAY STREQUAL "install")
  run(0 "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/before")
  # An installed tree may be moved.
  file(RENAME "${WORK}/before" "${PREFIX}")
  check_headers("${PREFIX}")
  check_relocatable("${PREFIX}")

elseif(WAY STREQUAL "bare")
  set(xxhash)
  if(XXHASH_INCLUDE)
    set(xxhash -isystem "${XXHASH_INCLUDE}")
  endif()
  run(0 "${CXX}" -std=c++20 -pthread "-I${SOURCE}/include" ${xxhash} "${here}/main.cpp"
      -o "${WORK}/consumer")
  check_program("${WORK}/consumer")

elseif(WAY STREQUAL "pkg_config")
  build_by_pkg_config("${PREFIX}")

elseif(WAY STREQUAL "other_version")
  # 0.x: another minor number is another interface.
  run(1 ${configure} -DWAY=find_package -DWANTED=0.99 "-DCMAKE_PREFIX_PATH=${PREFIX}")
  if(NOT output MATCHES "version: 0\\.1")
    message(FATAL_ERROR "no line says which version is there:\n${output}")
  endif()

elseif(WAY STREQUAL "no_xxhash")
  # Without xxHash and without a network: one message, at once, that names the package.
  run(1 ${configure} -DWAY=subdirectory -DCMAKE_DISABLE_FIND_PACKAGE_xxHash=ON)
  if(NOT output MATCHES "libxxhash-dev")
    message(FATAL_ERROR "the message does not say what to install:\n${output}")
  endif()

else()
  run(0 ${configure} "-DWAY=${WAY}" -DWANTED=0.1 "-DCMAKE_PREFIX_PATH=${PREFIX}")
  run(0 "${CMAKE_COMMAND}" --build "${WORK}/build")
  check_program("${WORK}/build/consumer")
  run(0 "${CMAKE_COMMAND}" --install "${WORK}/build" --prefix "${WORK}/installed")
  file(GLOB_RECURSE installed RELATIVE "${WORK}/installed" "${WORK}/installed/*")
  if(NOT installed STREQUAL "bin/consumer")
    message(FATAL_ERROR "the consumer installs more than itself: ${installed}")
  endif()
endif()
