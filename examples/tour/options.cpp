// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <getopt.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tour {
namespace {

constexpr const char* usage =
    "usage: tour [options] [folder or file...]\n"
    "\n"
    "Counts every word of every text file under the folders with several maps, on one thread and\n"
    "on all, checks every count, and shows how fast they were. Without a folder it reads\n"
    "/usr/include, /usr/share/doc and /usr/share/common-licenses.\n"
    "\n"
    "  --seconds S   count again and again for about S seconds a row (2); once at least\n"
    "  --threads N   threads of the rows that use several (all cores)\n"
    "  --limit MB    read at most so much text (128); 0 for all of it\n"
    "  --plot FILE   where the plot goes (tour.svg); an empty name for none\n"
    "  --json FILE   write the results there, too\n"
    "  --help        this text\n"
    "\n"
    "The environment variable NO_COLOR turns colours off. Ctrl-C ends early, with what is there.\n"
    "Exit status: 0 all exact, 1 a count is wrong, 2 nothing to do, 130 stopped.\n";

/// A decimal number without anything after it.
std::optional<double> number(const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<unsigned> whole_number(const char* text) {
  unsigned value = 0;
  const char* const end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

bool set(options& chosen, int option, const char* value) {
  switch (option) {
    case 's': {
      const auto seconds = number(value);
      if (!seconds || *seconds < 0 || *seconds > 3600) return false;
      chosen.seconds = *seconds;
      return true;
    }
    case 't': {
      const auto threads = whole_number(value);
      if (!threads || *threads == 0 || *threads > 1024) return false;
      chosen.threads = *threads;
      return true;
    }
    case 'l': {
      const auto megabytes = whole_number(value);
      if (!megabytes) return false;
      chosen.megabytes = *megabytes;
      return true;
    }
    case 'p':
      chosen.plot = value;
      return true;
    default:
      chosen.json = value;
      return true;
  }
}

}  // namespace

const std::vector<std::string>& default_folders() {
  static const std::vector<std::string> folders{"/usr/include", "/usr/share/doc",
                                                "/usr/share/common-licenses"};
  return folders;
}

std::optional<int> parse(int argc, char** argv, options& chosen) {
  static const option known[] = {{"seconds", required_argument, nullptr, 's'},
                                 {"threads", required_argument, nullptr, 't'},
                                 {"limit", required_argument, nullptr, 'l'},
                                 {"plot", required_argument, nullptr, 'p'},
                                 {"json", required_argument, nullptr, 'j'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {nullptr, 0, nullptr, 0}};
  int index = 0;
  for (int option; (option = getopt_long(argc, argv, "h", known, &index)) != -1;) {
    if (option == 'h') {
      std::fputs(usage, stdout);
      return 0;
    }
    if (option == '?') {  // getopt_long has said what is wrong
      std::fputs("Try: tour --help\n", stderr);
      return 2;
    }
    if (!set(chosen, option, optarg)) {
      std::fprintf(stderr, "tour: --%s does not take '%s'\nTry: tour --help\n", known[index].name,
                   optarg);
      return 2;
    }
  }
  chosen.folders.assign(argv + optind, argv + argc);
  return std::nullopt;
}

}  // namespace tour
