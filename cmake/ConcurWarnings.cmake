# SPDX-License-Identifier: MIT
# concur_strict: the warnings that every header, test, example and benchmark of ours is clean under.
# concur_add_executable(name source...): a program of ours, with those warnings.

add_library(concur_strict INTERFACE)
if(MSVC)
  target_compile_options(concur_strict INTERFACE /W4 /permissive- /Zc:__cplusplus /bigobj
                         $<$<BOOL:${CONCUR_WERROR}>:/WX>)
else()
  target_compile_options(concur_strict INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast
    $<$<BOOL:${CONCUR_WERROR}>:-Werror>)
endif()

function(concur_add_executable name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE concur::concur concur_strict)
endfunction()
