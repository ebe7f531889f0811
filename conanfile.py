# SPDX-License-Identifier: MIT
"""conan create . makes the package from this tree, and builds tests/meta/consumers/conan with it."""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class ConcurConan(ConanFile):
    name = "concur"
    description = "Header-only C++20 concurrent maps"
    license = "MIT"
    topics = ("concurrent", "hash map", "lock-free", "seqlock", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports = "include/concur/version.hpp"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True
    test_package_folder = "tests/meta/consumers/conan"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include/concur/version.hpp"))
        part = r"#define CONCUR_VERSION_{} (\d+)"
        self.version = ".".join(
            re.search(part.format(name), text).group(1) for name in ("MAJOR", "MINOR", "PATCH")
        )

    def requirements(self):
        # Its header is included by ours; libxxhash is not linked.
        self.requires("xxhash/[>=0.8.0 <1]", headers=True, libs=False, transitive_headers=True)

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 20)

    def package_id(self):
        self.info.clear()

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(
            self,
            "concur/*",
            os.path.join(self.source_folder, "include"),
            os.path.join(self.package_folder, "include"),
        )

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "concur")
        self.cpp_info.set_property("cmake_target_name", "concur::concur")
        self.cpp_info.set_property("pkg_config_name", "concur")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        if self.settings.get_safe("os") in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
