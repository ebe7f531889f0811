# SPDX-License-Identifier: MIT
# Where dependencies come from: a target of the build, an installed package, a header, a download.
include(FetchContent)

# concur_fetch(name url sha256 [FetchContent options...])
# Declares a download and makes one attempt at it, 15 seconds at most; FetchContent by itself tries
# for minutes before it gives up. Sets concur_fetch_error when there is no network.
function(concur_fetch name url sha256)
  unset(concur_fetch_error PARENT_SCOPE)
  string(TOUPPER "${name}" upper)
  if(NOT FETCHCONTENT_SOURCE_DIR_${upper} AND NOT FETCHCONTENT_FULLY_DISCONNECTED)
    get_filename_component(base "${url}" NAME)
    set(archive "${CMAKE_BINARY_DIR}/_downloads/${name}-${base}")
    if(NOT EXISTS "${archive}")
      message(STATUS "concur: downloading ${url}")
      file(DOWNLOAD "${url}" "${archive}.part"
           TIMEOUT 60 INACTIVITY_TIMEOUT 15 TLS_VERIFY ON STATUS status)
      list(GET status 0 code)
      if(NOT code EQUAL 0)
        list(GET status 1 reason)
        file(REMOVE "${archive}.part")
        set(concur_fetch_error "${reason}" PARENT_SCOPE)
        return()
      endif()
      file(RENAME "${archive}.part" "${archive}")
    endif()
    set(url "${archive}")
  endif()
  FetchContent_Declare(${name} ${ARGN} URL "${url}" URL_HASH SHA256=${sha256})
endfunction()

# Makes concur_xxhash: the include path of xxhash.h, as a system path, and nothing to link.
macro(concur_find_xxhash)
  if(NOT TARGET concur_xxhash)
    add_library(concur_xxhash INTERFACE)
    add_library(concur::xxhash ALIAS concur_xxhash)
    set_target_properties(concur_xxhash PROPERTIES EXPORT_NAME xxhash)
    find_package(xxHash 0.8.0 QUIET MODULE)
    if(NOT xxHash_FOUND AND CONCUR_FETCH)
      concur_fetch(xxhash https://github.com/Cyan4973/xxHash/archive/v0.8.3.tar.gz
        aae608dfe8213dfd05d909a57718ef82f30722c392344583d3f39050c7f29a80
        SOURCE_SUBDIR no-cmake-project-wanted)
      if(NOT concur_fetch_error)
        FetchContent_MakeAvailable(xxhash)
        set(xxHash_FOUND TRUE)
        set(xxHash_VERSION 0.8.3)
        set(xxHash_HEADERS "${xxhash_SOURCE_DIR}")
      endif()
    endif()
    if(NOT xxHash_FOUND)
      message(FATAL_ERROR "concur needs the header xxhash.h, version 0.8.0 or later. Install it "
        "(apt: libxxhash-dev, dnf: xxhash-devel, pacman and brew and vcpkg and conan: xxhash), or "
        "give -DxxHash_INCLUDE_DIR=<its folder>, or -DFETCHCONTENT_SOURCE_DIR_XXHASH=<a copy of "
        "xxHash>, or allow the download by -DCONCUR_FETCH=ON. ${concur_fetch_error}")
    endif()
    message(STATUS "concur: xxhash.h ${xxHash_VERSION} from ${xxHash_HEADERS}")
    # An installed concur looks for xxHash again where it is used: no path of this machine goes in.
    target_include_directories(concur_xxhash SYSTEM INTERFACE "$<BUILD_INTERFACE:${xxHash_HEADERS}>")
  endif()
endmacro()

# Catch2 3 or 2, installed or downloaded. Asked for twice, because both versions answer only to
# their own major number. Sets Catch2_FOUND and Catch2_VERSION.
macro(concur_find_catch2)
  find_package(Catch2 3 QUIET)
  if(NOT Catch2_FOUND)
    find_package(Catch2 2.13 QUIET)
  endif()
  if(NOT Catch2_FOUND AND CONCUR_FETCH)
    concur_fetch(catch2 https://github.com/catchorg/Catch2/archive/refs/tags/v3.15.3.tar.gz
      b0299ae552918220a7a6e21e7de5b714777f4e8c883fb70c4bb23fe01df8c6e3)
    if(NOT concur_fetch_error)
      FetchContent_MakeAvailable(catch2)
      list(APPEND CMAKE_MODULE_PATH "${catch2_SOURCE_DIR}/extras")
      set(Catch2_FOUND TRUE)
      set(Catch2_VERSION 3.15.3)
    endif()
  endif()
  if(Catch2_FOUND)
    message(STATUS "concur: Catch2 ${Catch2_VERSION}")
  endif()
endmacro()

# Google Benchmark, installed or downloaded. Sets benchmark_FOUND.
macro(concur_find_benchmark)
  find_package(benchmark 1.6 QUIET)
  if(NOT benchmark_FOUND AND CONCUR_FETCH)
    concur_fetch(benchmark https://github.com/google/benchmark/archive/v1.9.5.tar.gz
      9631341c82bac4a288bef951f8b26b41f69021794184ece969f8473977eaa340)
    if(NOT concur_fetch_error)
      set(BENCHMARK_ENABLE_TESTING OFF)
      set(BENCHMARK_ENABLE_INSTALL OFF)
      FetchContent_MakeAvailable(benchmark)
      set(benchmark_FOUND TRUE)
      set(benchmark_VERSION 1.9.5)
    endif()
  endif()
  if(benchmark_FOUND)
    message(STATUS "concur: Google Benchmark ${benchmark_VERSION}")
  endif()
endmacro()
