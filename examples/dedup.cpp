// SPDX-License-Identifier: MIT
// Finds files with the same content: hashes every file of a folder by SHA-256 with all cores, and
// counts the digests in one map that never grows.
//
//     dedup [--check] FOLDER        --check: compare with what sha256sum says
//
// needs: OpenSSL OpenSSL::Crypto
// ctest: --check @SOURCE@/tests
// prints: agrees with sha256sum
#include <concur/fixed_map.hpp>

#include <openssl/evp.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// What is known of one content. Sixteen bytes: it lies in one cache line with its digest.
struct content {
  std::uint32_t first_file;
  std::uint32_t copies;
  std::uint64_t bytes;
};

std::optional<concur::key32> sha256(const fs::path& path, std::uint64_t& bytes) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return std::nullopt;
  std::array<char, 1 << 16> buffer;
  bytes = 0;
  while (in) {
    in.read(buffer.data(), buffer.size());
    const auto n = static_cast<std::size_t>(in.gcount());
    EVP_DigestUpdate(context.get(), buffer.data(), n);
    bytes += n;
  }
  concur::key32 digest;
  EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

std::string hexadecimal(const concur::key32& digest) {
  std::string text;
  for (const std::byte b : digest) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", std::to_integer<unsigned>(b));
    text += two;
  }
  return text;
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(folder, options)) {
    if (!entry.is_symlink() && entry.is_regular_file()) files.push_back(entry.path());
  }
  return files;
}

/// Digests, and how many files have each.
using copies_of = std::map<std::string, std::uint32_t>;

/// What sha256sum prints for the same files.
copies_of digests_by_sha256sum(const fs::path& folder) {
  const std::string command = "find '" + folder.string() + "' -type f -print0 | xargs -0 sha256sum";
  copies_of digests;
  FILE* const out = ::popen(command.c_str(), "r");
  if (out == nullptr) return digests;
  std::array<char, 8192> line;
  while (std::fgets(line.data(), line.size(), out) != nullptr) {
    const char* const begin = line[0] == '\\' ? line.data() + 1 : line.data();
    ++digests[std::string(begin, 64)];
  }
  ::pclose(out);
  return digests;
}

}  // namespace

int main(int argc, char** argv) {
  const bool checks = argc == 3 && std::strcmp(argv[1], "--check") == 0;
  if (argc != 2 && !checks) {
    std::fprintf(stderr, "usage: %s [--check] FOLDER\n", argv[0]);
    return 2;
  }
  const fs::path folder = argv[argc - 1];
  const std::vector<fs::path> files = files_of(folder);

  concur::fixed_map<content> contents(std::bit_ceil(2 * files.size() + 1));
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> unreadable{0};
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < files.size();) {
      std::uint64_t bytes = 0;
      const auto digest = sha256(files[i], bytes);
      if (!digest) {
        unreadable.fetch_add(1);
        continue;
      }
      contents.upsert(
          *digest, [](content& c) { ++c.copies; },
          content{static_cast<std::uint32_t>(i), 1, bytes});
    }
  };
  std::vector<std::thread> threads;
  for (unsigned t = std::thread::hardware_concurrency(); t > 1; --t) threads.emplace_back(work);
  work();
  for (std::thread& t : threads) t.join();

  std::size_t duplicates = 0;
  std::uint64_t saved = 0;
  contents.cvisit_all([&](const auto& element) {
    const content& c = element.second;
    if (c.copies == 1) return;
    duplicates += c.copies - 1;
    saved += c.bytes * (c.copies - 1);
    if (!checks) {
      std::printf("%u copies of %s\n", c.copies, files[c.first_file].string().c_str());
    }
  });
  std::printf("%zu files, %zu contents, %zu duplicates: %llu bytes to be saved\n", files.size(),
              contents.size(), duplicates, static_cast<unsigned long long>(saved));
  if (!checks) return 0;

  copies_of found;
  std::uint64_t all = 0;
  std::uint64_t once = 0;
  contents.cvisit_all([&](const auto& element) {
    found[hexadecimal(element.first)] = element.second.copies;
    once += element.second.bytes;
  });
  for (const fs::path& file : files) all += fs::file_size(file);
  const bool agrees =
      unreadable == 0 && saved == all - once && found == digests_by_sha256sum(folder);
  std::printf("%s\n", agrees ? "agrees with sha256sum" : "sha256sum says something else");
  return agrees ? 0 : 1;
}
