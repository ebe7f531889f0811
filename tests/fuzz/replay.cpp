// SPDX-License-Identifier: MIT
/// \file
/// Where there is no libFuzzer: gives the target the files that are named, or all of the folders
/// that are named, one after the other.
#include "fuzz/fuzz.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

namespace {

int replay(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  const std::vector<std::uint8_t> data(chars.begin(), chars.end());
  LLVMFuzzerTestOneInput(data.data(), data.size());
  return 1;
}

int replay_all(int count, char** names) {
  int done = 0;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(names[i])) {
      done += replay(names[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(names[i])) {
      done += replay(entry.path());
    }
  }
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int done = replay_all(argc, argv);
    std::printf("%d inputs replayed\n", done);
    return done > 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "exception: %s\n", error.what());
    return 1;
  }
}
