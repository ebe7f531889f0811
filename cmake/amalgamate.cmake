# SPDX-License-Identifier: MIT
# cmake -DOUT=<folder> [-DHEADERS=<header>[;<header>...]] -P cmake/amalgamate.cmake
#
# Writes every public header, or those of HEADERS ("concur/cmap.hpp"), with all of ours that it includes in
# place, as one file: <folder>/concur/cmap.hpp and so on, under the same spelling as always. What is left of
# includes is the standard library, the system and xxhash.h, which has to be on the include path as ever.
#
# Each part keeps a guard of its own, so that several such files go into one translation unit. Beside the
# headers that they are made of they do not: both say so. In one program they mix as they like.
cmake_minimum_required(VERSION 3.21)

get_filename_component(source "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(include "${source}/include")
if(NOT OUT)
  message(FATAL_ERROR "-DOUT=<folder> says where to write")
endif()
if(NOT HEADERS)
  file(GLOB HEADERS RELATIVE "${include}" "${include}/concur/*.hpp" "${include}/concur/policy/*.hpp"
       "${include}/concur/reclaim/*.hpp")
endif()

# The text of a header is one string here, never a list: brackets and semicolons mean nothing.
function(emit text)
  set_property(GLOBAL APPEND_STRING PROPERTY body "${text}")
endfunction()

function(expand path)
  file(READ "${include}/${path}" rest)
  if(path MATCHES "\\.inc$")
    emit("${rest}")
    return()
  endif()
  get_property(seen GLOBAL PROPERTY seen)
  if(path IN_LIST seen)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY seen "${path}")

  # What stands before the guard is read every time: a check for another version.
  string(FIND "${rest}" "\n#pragma once\n" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "${path} has no #pragma once")
  endif()
  string(SUBSTRING "${rest}" 0 ${at} before)
  math(EXPR at "${at} + 13")
  string(SUBSTRING "${rest}" ${at} -1 rest)
  string(REPLACE "// SPDX-License-Identifier: MIT\n" "" before "${before}")
  string(MAKE_C_IDENTIFIER "CONCUR_SINGLE_${path}" guard)
  emit("\n// ==== ${path}\n${before}\n#ifndef ${guard}\n#define ${guard}")

  set(depth 0)
  while(TRUE)
    string(FIND "${rest}" "\n#include <concur/" at)
    if(at EQUAL -1)
      break()
    endif()
    string(SUBSTRING "${rest}" 0 ${at} before)
    math(EXPR at "${at} + 11")
    string(SUBSTRING "${rest}" ${at} -1 rest)
    string(FIND "${rest}" ">" at)
    string(SUBSTRING "${rest}" 0 ${at} target)
    math(EXPR at "${at} + 1")
    string(SUBSTRING "${rest}" ${at} -1 rest)
    # An include under a condition would put the text of a header there once, and for nobody else.
    string(REGEX MATCHALL "\n#if" opened "${before}")
    string(REGEX MATCHALL "\n#endif" closed "${before}")
    list(LENGTH opened opened)
    list(LENGTH closed closed)
    math(EXPR depth "${depth} + ${opened} - ${closed}")
    if(NOT depth EQUAL 0)
      message(FATAL_ERROR "${path} includes ${target} inside #if: that cannot be one file")
    endif()
    emit("${before}\n")
    expand("${target}")
  endwhile()
  emit("${rest}#endif  // ${guard}\n")
endfunction()

file(STRINGS "${include}/concur/version.hpp" version REGEX "define CONCUR_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^0-9;]" "" version "${version}")
string(REPLACE ";" "." version "${version}")
file(READ "${source}/LICENSE" licence)
string(REGEX REPLACE "\n$" "" licence "${licence}")
string(REPLACE "\n" "\n// " licence "${licence}")
string(REPLACE "// \n" "//\n" licence "${licence}")

foreach(header IN LISTS HEADERS)
  set_property(GLOBAL PROPERTY body "")
  set_property(GLOBAL PROPERTY seen "")
  expand("${header}")
  get_property(body GLOBAL PROPERTY body)
  file(WRITE "${OUT}/${header}" "// SPDX-License-Identifier: MIT
// <${header}> of concur ${version} in one file, made by cmake/amalgamate.cmake: change the originals.
//
// ${licence}
#pragma once

#if defined(CONCUR_VERSION) && !defined(CONCUR_SINGLE_HEADER)
#error \"concur: a single header after headers of another copy of concur: include one kind\"
#endif
#undef CONCUR_SINGLE_HEADER
${body}
#define CONCUR_SINGLE_HEADER 1
")
endforeach()
