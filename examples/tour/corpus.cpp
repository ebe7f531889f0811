// SPDX-License-Identifier: MIT
#include "corpus.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "interrupt.hpp"
#include "words.hpp"

namespace tour {
namespace {

namespace fs = std::filesystem;

/// As git and grep: a zero byte this near the beginning says that a file is no text.
constexpr std::size_t probed_bytes = 8192;
/// Small enough that no thread is busy alone at the end.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;

struct close_file {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

class reader {
 public:
  reader(std::size_t byte_limit, const std::function<void(const corpus&)>& report)
      : byte_limit_(byte_limit), report_(report) {}

  void read(const fs::path& root) {
    std::error_code error;
    const fs::file_status status = fs::status(root, error);
    if (status.type() == fs::file_type::directory) {
      read_folder(root);
    } else if (status.type() == fs::file_type::regular) {
      read_file(root);
    } else if (status.type() != fs::file_type::not_found) {
      ++result_.unreadable;
    }
  }

  corpus finish() {
    for (const std::string& text : result_.texts) cut(text);
    return std::move(result_);
  }

 private:
  /// With a list in place of recursion: a folder that cannot be read is counted and left.
  void read_folder(const fs::path& root) {
    std::vector<fs::path> waiting{root};
    while (!waiting.empty() && go_on()) {
      const fs::path folder = std::move(waiting.back());
      waiting.pop_back();
      std::error_code error;
      fs::directory_iterator entry(folder, error);
      for (; !error && entry != fs::directory_iterator() && go_on(); entry.increment(error)) {
        std::error_code ignored;
        const fs::file_type type = entry->symlink_status(ignored).type();
        if (type == fs::file_type::directory) waiting.push_back(entry->path());
        if (type == fs::file_type::regular) read_file(entry->path());
      }
      if (error) ++result_.unreadable;
    }
  }

  void read_file(const fs::path& path) {
    if (path.extension() == ".gz") {
      ++result_.compressed;
      return;
    }
    const std::unique_ptr<std::FILE, close_file> file(std::fopen(path.string().c_str(), "rb"));
    if (!file) {
      ++result_.unreadable;
      return;
    }
    std::string text;
    const bool was_read = append(*file, text, probed_bytes);
    if (std::memchr(text.data(), 0, text.size()) != nullptr) {
      ++result_.binary;
    } else if (was_read && read_rest(*file, text)) {
      keep(std::move(text));
    } else {
      ++result_.unreadable;
    }
  }

  /// Up to `count` bytes more. Returns false on an error.
  static bool append(std::FILE& file, std::string& text, std::size_t count) {
    const std::size_t before = text.size();
    text.resize(before + count);
    text.resize(before + std::fread(text.data() + before, 1, count, &file));
    return std::ferror(&file) == 0;
  }

  /// As far as the limit goes.
  bool read_rest(std::FILE& file, std::string& text) const {
    const std::size_t room = byte_limit_ == 0 ? ~std::size_t{0} : byte_limit_ - result_.bytes;
    while (std::feof(&file) == 0 && text.size() < room) {
      if (!append(file, text, std::min(std::max(text.size(), probed_bytes), room))) return false;
    }
    return true;
  }

  void keep(std::string&& text) {
    if (byte_limit_ != 0 && text.size() >= byte_limit_ - result_.bytes) {
      text.resize(byte_limit_ - result_.bytes);
      result_.is_complete = false;
    }
    result_.bytes += text.size();
    text.shrink_to_fit();
    result_.texts.push_back(std::move(text));
    if (result_.texts.size() % 64 == 0) report_(result_);
  }

  bool go_on() {
    if (interrupted()) result_.is_complete = false;
    return result_.is_complete;
  }

  void cut(std::string_view text) {
    while (!text.empty()) {
      std::size_t length = std::min(piece_bytes, text.size());
      while (length < text.size() && kind_of(text[length]) != byte_kind::other) ++length;
      result_.pieces.push_back(text.substr(0, length));
      text.remove_prefix(length);
    }
  }

  corpus result_;
  std::size_t byte_limit_;
  const std::function<void(const corpus&)>& report_;
};

}  // namespace

corpus read_corpus(const std::vector<std::string>& roots, std::size_t byte_limit,
                   const std::function<void(const corpus&)>& report) {
  reader all(byte_limit, report);
  for (const std::string& root : roots) all.read(root);
  return all.finish();
}

}  // namespace tour
