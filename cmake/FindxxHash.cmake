# SPDX-License-Identifier: MIT
# FindxxHash, for the header alone: concur inlines xxHash and never links libxxhash.
#
# First a target xxHash::xxhash that the build already has, or that a package config gives (upstream,
# vcpkg, Conan); else the header by itself (Debian, Fedora and others install no config).
#
# xxHash_FOUND     whether xxhash.h was found
# xxHash_VERSION   its version
# xxHash_HEADERS   the folder of xxhash.h, perhaps as a generator expression

if(NOT TARGET xxHash::xxhash)
  find_package(xxHash CONFIG QUIET)
endif()
if(TARGET xxHash::xxhash)
  set(xxHash_HEADERS "$<TARGET_PROPERTY:xxHash::xxhash,INTERFACE_INCLUDE_DIRECTORIES>")
  if(NOT xxHash_VERSION)
    # A target carries no version: the static_assert behind our include decides.
    set(xxHash_VERSION "${xxHash_FIND_VERSION}")
  endif()
else()
  find_path(xxHash_INCLUDE_DIR NAMES xxhash.h)
  mark_as_advanced(xxHash_INCLUDE_DIR)
  if(xxHash_INCLUDE_DIR)
    file(STRINGS "${xxHash_INCLUDE_DIR}/xxhash.h" _xxhash_lines
         REGEX "#define XXH_VERSION_(MAJOR|MINOR|RELEASE) +[0-9]+")
    foreach(_part MAJOR MINOR RELEASE)
      string(REGEX MATCH "_${_part} +([0-9]+)" _ "${_xxhash_lines}")
      set(_xxhash_${_part} "${CMAKE_MATCH_1}")
    endforeach()
    set(xxHash_VERSION "${_xxhash_MAJOR}.${_xxhash_MINOR}.${_xxhash_RELEASE}")
    set(xxHash_HEADERS "${xxHash_INCLUDE_DIR}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(xxHash REQUIRED_VARS xxHash_HEADERS VERSION_VAR xxHash_VERSION)
