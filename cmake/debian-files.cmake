# SPDX-License-Identifier: MIT
# Run by CPack over the tree that it is about to pack: what Debian wants in /usr/share/doc.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(_doc "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/doc/${CPACK_PACKAGE_NAME}")
  configure_file("${CPACK_RESOURCE_FILE_LICENSE}" "${_doc}/copyright" COPYONLY)
  file(REMOVE_RECURSE "${CPACK_TEMPORARY_INSTALL_DIRECTORY}/usr/share/licenses")

  string(TIMESTAMP _date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  file(WRITE "${CPACK_TOPLEVEL_DIRECTORY}/changelog" "${CPACK_PACKAGE_NAME} (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * Version ${CPACK_PACKAGE_VERSION}: see CHANGELOG.md of the sources.

 -- ${CPACK_PACKAGE_CONTACT}  ${_date}
")
  find_program(_gzip gzip)
  if(_gzip)
    execute_process(COMMAND "${_gzip}" -9nc "${CPACK_TOPLEVEL_DIRECTORY}/changelog"
                    OUTPUT_FILE "${_doc}/changelog.gz" COMMAND_ERROR_IS_FATAL ANY)
  endif()
endif()
