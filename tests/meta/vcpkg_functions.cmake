# SPDX-License-Identifier: MIT
# What vcpkg's functions do for a port of headers, as far as packages.cmake needs it: release only, one
# prefix, and the CMake package moved from where it was installed to share/<port>.

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  set(xxhash)
  if(XXHASH_INCLUDE)
    set(xxhash "-DxxHash_INCLUDE_DIR=${XXHASH_INCLUDE}")
  endif()
  run(0 "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${WORK}/buildtree" -G "${GENERATOR}"
      "-DCMAKE_CXX_COMPILER=${CXX}" "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" ${xxhash} ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
  run(0 "${CMAKE_COMMAND}" --install "${WORK}/buildtree")
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PACKAGE_NAME;CONFIG_PATH" "")
  set(share "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}")
  file(GLOB files "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*")
  file(COPY ${files} DESTINATION "${share}")
  get_filename_component(parent "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}" DIRECTORY)
  file(REMOVE_RECURSE "${parent}")
  # The prefix is two folders above now, and not three.
  set(up "get_filename_component(_IMPORT_PREFIX \"\${_IMPORT_PREFIX}\" PATH)\n")
  file(GLOB files "${share}/*.cmake")
  foreach(file IN LISTS files)
    file(READ "${file}" content)
    string(REPLACE "${up}${up}${up}" "${up}${up}" content "${content}")
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/../../../" "\${CMAKE_CURRENT_LIST_DIR}/../../" content "${content}")
    file(WRITE "${file}" "${content}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  configure_file("${arg_FILE_LIST}" "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" COPYONLY)
endfunction()
