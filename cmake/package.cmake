# SPDX-License-Identifier: MIT
# cpack -G DEB in the build folder makes libconcur-dev; -G TGZ and others an archive of the installed tree.

set(CPACK_PACKAGE_NAME libconcur-dev)
set(CPACK_PACKAGE_VENDOR "The concur authors")
set(CPACK_PACKAGE_CONTACT "The concur authors <maintainers@concur.invalid>" CACHE STRING "Maintainer of packages")
mark_as_advanced(CPACK_PACKAGE_CONTACT)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "concurrent maps for C++20, header-only")
set(CPACK_PACKAGE_DESCRIPTION "Maps that threads share: lock-free hash tries, snapshots, seqlock
tables, locks on keys, tables of fixed capacity that processes
share, and the memory reclamation behind them.")
set(CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)

# Headers only: one package for every architecture.
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libxxhash-dev (>= 0.8.0)")
set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/debian-files.cmake")

include(CPack)
