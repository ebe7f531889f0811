# SPDX-License-Identifier: MIT
# Headers, CMake package and pkg-config file. All of it goes to share/, because nothing here depends
# on the architecture.
include(CMakePackageConfigHelpers)

set(_package "${CMAKE_INSTALL_DATADIR}/cmake/concur")

if(CMAKE_VERSION VERSION_GREATER_EQUAL 3.23)
  install(TARGETS concur concur_xxhash EXPORT concurTargets FILE_SET HEADERS)
else()
  install(TARGETS concur concur_xxhash EXPORT concurTargets)
  install(DIRECTORY include/concur DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
endif()
install(EXPORT concurTargets NAMESPACE concur:: DESTINATION "${_package}")

configure_package_config_file(cmake/concurConfig.cmake.in "${PROJECT_BINARY_DIR}/concurConfig.cmake"
  INSTALL_DESTINATION "${_package}" NO_SET_AND_CHECK_MACRO)
# While the version is 0.x, a new minor number may break callers.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/concurConfigVersion.cmake"
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES
  "${PROJECT_BINARY_DIR}/concurConfig.cmake"
  "${PROJECT_BINARY_DIR}/concurConfigVersion.cmake"
  cmake/FindxxHash.cmake
  DESTINATION "${_package}")

configure_file(cmake/concur.pc.in "${PROJECT_BINARY_DIR}/concur.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/concur.pc" DESTINATION "${CMAKE_INSTALL_DATADIR}/pkgconfig")
install(FILES include/concur/concur.cppm DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/concur")
install(FILES cmake/debuggers/concur_printers.py cmake/debuggers/concur.natvis
        DESTINATION "${CMAKE_INSTALL_DATADIR}/concur")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/concur")
