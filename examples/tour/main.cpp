// SPDX-License-Identifier: MIT
/// \file
/// The tour: the maps of this library at work on the text files of this machine. Counts every word
/// with each of them, on one thread and on all, checks every count, and shows how fast they were.
// ctest: --seconds 1 --plot @BINARY@/tour.svg --json @BINARY@/tour.json @SOURCE@/include

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "corpus.hpp"
#include "counters.hpp"
#include "interrupt.hpp"
#include "json.hpp"
#include "options.hpp"
#include "plot.hpp"
#include "race.hpp"
#include "screen.hpp"
#include "text.hpp"
#include "words.hpp"

namespace tour {
namespace {

namespace fs = std::filesystem;

/// Who takes part. The first row is the measure of the others.
std::vector<row> rows_for(unsigned threads) {
  std::vector<row> rows{row_of<plain_counter>(1), row_of<locked_counter>(threads)};
  const auto add = [&]<class Counter>() {
    rows.push_back(row_of<Counter>(1));
    if (threads > 1) rows.push_back(row_of<Counter>(threads));
  };
  add.operator()<cmap_counter>();
  add.operator()<atomic_cmap_counter>();
  add.operator()<seqmap_counter<word_key>>();
  add.operator()<seqmap_counter<digest_key>>();
  return rows;
}

corpus read(const std::vector<std::string>& folders, const options& chosen, screen& out) {
  const auto report = [&](const corpus& so_far) {
    out.status("reading: " + plural(so_far.texts.size(), "file") + ", " + bytes(so_far.bytes));
  };
  corpus text = read_corpus(folders, chosen.megabytes * 1000000, report);
  out.clear_status();
  return text;
}

/// The folders that were asked for, or the default ones, or, where those hold no text, the source
/// of this very program.
std::pair<corpus, std::string> read_input(const options& chosen, screen& out) {
  const bool is_default = chosen.folders.empty();
  std::vector<std::string> folders = is_default ? default_folders() : chosen.folders;
  corpus text = read(folders, chosen, out);
  if (is_default && text.texts.empty() && !interrupted()) {
    folders = {fs::path(__FILE__).parent_path().parent_path().parent_path().string()};
    text = read(folders, chosen, out);
  }
  std::string names;
  for (const std::string& folder : folders) names += (names.empty() ? "" : ", ") + folder;
  return {std::move(text), std::move(names)};
}

void describe_input(const corpus& text, const std::string& folders) {
  std::printf("%s, %s of text, in %s\n", plural(text.texts.size(), "file").c_str(),
              bytes(text.bytes).c_str(), folders.c_str());
  std::string rest;
  const auto mention = [&rest](std::size_t n, const char* what) {
    if (n != 0) rest += (rest.empty() ? "" : ", ") + grouped(n) + what;
  };
  mention(text.compressed, " compressed");
  mention(text.binary, " binary");
  mention(text.unreadable, " unreadable");
  if (!rest.empty()) std::printf("not counted: %s\n", rest.c_str());
  if (!text.is_complete) std::puts("and what is beyond the limit; --limit 0 reads all");
}

/// The plain count that decides what is right; also says how many words there are.
known_counts count_plainly(const corpus& text, std::uint64_t& words, screen& out) {
  known_counts known;
  std::size_t done = 0;
  for (const std::string_view piece : text.pieces) {
    if (interrupted()) break;
    for_each_word(piece, [&](std::string_view word) {
      ++known[word];
      ++words;
    });
    if (++done % 64 == 0) {
      out.status(format("counting once to know the right answer: %zu %%",
                        100 * done / text.pieces.size()));
    }
  }
  out.clear_status();
  return known;
}

/// A measure for the others: how fast the words come, when nothing is done with them.
double speed_of_splitting(const corpus& text, std::uint64_t words) {
  std::size_t letters = 0;
  const clock::time_point start = clock::now();
  for (const std::string_view piece : text.pieces) {
    if (interrupted()) break;
    for_each_word(piece, [&](std::string_view word) { letters += word.size(); });
  }
  const double seconds = seconds_since(start);
  return letters != 0 && seconds > 0 ? static_cast<double>(words) / seconds : 0;
}

void run_pass(std::vector<row>& rows, row& r, const job& work, screen& out) {
  live_progress live;
  std::future<pass_result> pass =
      std::async(std::launch::async, r.run, std::cref(work), r.threads, std::ref(live));
  do {
    out.update_table(rows, &r, live, work);
  } while (pass.wait_for(std::chrono::milliseconds(100)) != std::future_status::ready);
  r.result.add(pass.get());
}

/// The rows take turns, a pass each: what else the machine has to do hits all of them alike.
void run(std::vector<row>& rows, const job& work, screen& out) {
  out.begin_table(rows);
  bool is_complete = false;
  while (!is_complete && !interrupted()) {
    is_complete = true;
    for (row& r : rows) {
      if (interrupted() || r.is_complete(work.seconds)) continue;
      run_pass(rows, r, work, out);
      is_complete = false;
    }
  }
  out.end_table(rows, work);
}

/// How many words `word_key` cannot hold, and what became of them.
void describe_long_words(const known_counts& known) {
  std::size_t different = 0;
  std::uint64_t all = 0;
  for (const auto& [word, n] : known) {
    if (word.size() <= word_key::longest) continue;
    ++different;
    all += n;
  }
  std::printf(
      "%s of more than %zu bytes (%s different) are in the word-keyed map as their\n"
      "128-bit XXH3, marked so that none can equal a shorter word.\n",
      plural(all, "word").c_str(), word_key::longest, grouped(different).c_str());
}

void print_most_frequent(const known_counts& known, const screen& out) {
  std::vector<std::pair<std::string_view, std::uint64_t>> words(known.begin(), known.end());
  const auto shown = std::min<std::size_t>(10, words.size());
  const auto middle = words.begin() + static_cast<std::ptrdiff_t>(shown);
  std::partial_sort(words.begin(), middle, words.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::printf("\n%s\n", out.bold("The most frequent words").c_str());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& [word, n] = words[i];
    const auto length =
        static_cast<std::size_t>(40 * n / std::max<std::uint64_t>(words[0].second, 1));
    std::printf("%12s  %-12.*s %s\n", grouped(n).c_str(), static_cast<int>(word.size()),
                word.data(), out.green(std::string(std::max<std::size_t>(length, 1), '#')).c_str());
  }
}

/// What each map held when all was counted, whatever the number of threads.
void print_memory(const std::vector<row>& rows, const screen& out) {
  std::vector<const row*> shown;
  std::size_t most = 1;
  for (const row& r : rows) {
    const bool is_known = std::any_of(
        shown.begin(), shown.end(), [&](const row* s) { return std::strcmp(s->map, r.map) == 0; });
    if (r.result.bytes == 0 || is_known) continue;
    shown.push_back(&r);
    most = std::max(most, r.result.bytes);
  }
  if (shown.empty()) return;
  std::printf("\n%s\n", out.bold("Memory, when all is counted").c_str());
  for (const row* r : shown) {
    const std::size_t length = std::max<std::size_t>(30 * r->result.bytes / most, 1);
    std::printf("%12s  %-26s %s\n", bytes(r->result.bytes).c_str(), r->map,
                out.green(std::string(length, '#')).c_str());
  }
}

bool write_file(const std::string& name, const std::string& content) {
  std::FILE* const file = std::fopen(name.c_str(), "wb");
  const bool opened = file != nullptr;
  const bool written =
      opened && std::fwrite(content.data(), 1, content.size(), file) == content.size();
  if (!opened || std::fclose(file) != 0 || !written) {
    std::fprintf(stderr, "tour: cannot write %s\n", name.c_str());
    return false;
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(name, error);
  std::printf("written: %s\n", error ? name.c_str() : absolute.lexically_normal().string().c_str());
  return true;
}

/// False if a file could not be written.
bool write_files(const std::vector<row>& rows, const job& work, const options& chosen) {
  bool good = true;
  const std::string caption =
      "Counting " + plural(work.words, "word") + ", " + grouped(work.known.size()) + " different";
  const std::string plot = chosen.plot.empty() ? "" : plot_of(rows, caption);
  if (!plot.empty()) good &= write_file(chosen.plot, plot);
  if (!chosen.json.empty()) good &= write_file(chosen.json, json_of(rows, work));
  return good;
}

int conclude(const std::vector<row>& rows, bool files_written, const screen& out) {
  const auto with = [&](verdict check) {
    return std::count_if(rows.begin(), rows.end(),
                         [&](const row& r) { return r.result.check == check; });
  };
  const auto wrong = with(verdict::wrong);
  const auto exact = with(verdict::exact);
  if (wrong != 0) {
    std::printf("%s\n", out.red(format("%td of the maps counted WRONG.", wrong)).c_str());
    return 1;
  }
  if (interrupted()) {
    std::printf("Stopped; %td of %zu rows are complete.\n", exact, rows.size());
    return 130;
  }
  std::printf("%s\n", out.green("All counts are exact.").c_str());
  return files_written ? 0 : 2;
}

bool all_exist(const std::vector<std::string>& folders) {
  bool good = true;
  for (const std::string& folder : folders) {
    std::error_code error;
    if (fs::exists(folder, error) || error == std::errc::permission_denied) continue;
    std::fprintf(stderr, "tour: there is no %s\n", folder.c_str());
    good = false;
  }
  return good;
}

int tour(const options& chosen) {
  if (!all_exist(chosen.folders)) return 2;
  screen out;
  const auto [text, folders] = read_input(chosen, out);
  std::uint64_t words = 0;
  if (!interrupted()) describe_input(text, folders);
  const known_counts known = count_plainly(text, words, out);
  if (interrupted()) {
    std::puts("Stopped before anything was measured.");
    return 130;
  }
  if (words == 0) {
    std::fputs("tour: no words there to count\n", stderr);
    return 2;
  }
  std::printf("%s, %s different; splitting alone runs at %s words/s a thread\n\n",
              plural(words, "word").c_str(), grouped(known.size()).c_str(),
              millions(speed_of_splitting(text, words)).c_str());

  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::vector<row> rows = rows_for(chosen.threads != 0 ? chosen.threads : cores);
  // So many that the start of the threads does not show.
  const std::size_t rounds = 1 + 2'000'000 / static_cast<std::size_t>(words);
  const job work{text, known, words, rounds, chosen.seconds};
  run(rows, work, out);
  std::puts(
      "\nwords/s: the fastest pass, each into a new map; ratio: to the first row; p99: of an\n"
      "increment, the clock included, 1 in 128 sampled; B/word: bytes asked of the allocator,\n"
      "per different word.");
  describe_long_words(known);
  print_memory(rows, out);
  print_most_frequent(known, out);
  std::puts("");
  const bool files_written = write_files(rows, work, chosen);
  return conclude(rows, files_written, out);
}

}  // namespace
}  // namespace tour

int main(int argc, char** argv) {
  tour::options chosen;
  if (const auto status = tour::parse(argc, argv, chosen)) return *status;
  tour::catch_interrupts();
  try {
    return tour::tour(chosen);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tour: %s\n", error.what());
    return 2;
  }
}
