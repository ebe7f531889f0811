// SPDX-License-Identifier: MIT
#include "screen.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#if __has_include(<sys/ioctl.h>)
#include <sys/ioctl.h>
#endif

#include "text.hpp"

namespace tour {
namespace {

constexpr int bar_width = 20;

bool can_redraw() {
  const char* const terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) != 0 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

/// See no-color.org: set and not empty.
bool wants_colour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  return no_colour == nullptr || *no_colour == '\0';
}

std::size_t terminal_height() {
#if defined(TIOCGWINSZ)
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row != 0) return size.ws_row;
#endif
  return 24;
}

void write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

screen::screen() : is_terminal_(can_redraw()), has_colour_(is_terminal_ && wants_colour()) {}

std::string screen::painted(const char* colour, const std::string& text) const {
  return has_colour_ ? format("\x1b[%sm", colour) + text + "\x1b[0m" : text;
}

void screen::status(const std::string& line) {
  // Without wrapping while it is written: a longer line than the terminal is wide stays one.
  if (is_terminal_) write(std::string("\r\x1b[?7l").append(line).append("\x1b[K\x1b[?7h"));
}

std::string screen::head() const {
  return bold(format("%-26s %7s %9s %7s %9s %8s  %s", "map", "threads", "words/s", "ratio", "p99",
                     "B/word", "check"));
}

std::string screen::bar(double part) const {
  const int full = static_cast<int>(std::lround(std::clamp(part, 0.0, 1.0) * bar_width));
  const auto run = [](int n, char c) { return std::string(static_cast<std::size_t>(n), c); };
  return green(run(full, '#')) + dim(run(bar_width - full, '.'));
}

std::string screen::numbers_of(const row& r, double plain_speed) const {
  const measurement& m = r.result;
  std::string line = format("%9s ", millions(m.words_per_second).c_str());
  line += plain_speed > 0 ? format("%6.2fx ", m.words_per_second / plain_speed) : "      - ";
  line += format("%9s ", duration(m.latency.percentile(0.99)).c_str());
  line += m.elements != 0 ? format("%8.1f  ", m.bytes_per_element()) : "       -  ";
  switch (m.check) {
    case verdict::exact:
      return line + green("exact");
    case verdict::wrong:
      return line + red("WRONG");
    default:
      return line + "stopped";
  }
}

std::string screen::line_of(const row& r, double plain_speed, const live_progress* live,
                            const job& work) const {
  const std::string line = format("%-26s %7u ", r.map, r.threads);
  if (r.result.words_per_second > 0) return line + numbers_of(r, plain_speed);
  if (live == nullptr) return dim(line);
  const double words = static_cast<double>(live->words.load(std::memory_order_relaxed));
  const double elapsed = seconds_since(live->started);
  return line + format("%9s  ", elapsed > 0 ? millions(words / elapsed).c_str() : "") +
         bar(words / static_cast<double>(work.words_per_pass()));
}

void screen::begin_table(const std::vector<row>& rows) {
  constexpr std::size_t other_lines = 3;  // the head, the line below the table, the cursor's
  is_live_ = is_terminal_ && terminal_height() >= rows.size() + other_lines;
  lines_drawn_ = 0;
}

void screen::update_table(const std::vector<row>& rows, const row* running,
                          const live_progress& live, const job& work) {
  if (!is_live_) return;
  double part = 0;
  for (const row& r : rows) {
    if (r.is_complete(work.seconds)) {
      part += 1;
    } else if (r.result.passes != 0) {
      part += r.result.seconds / work.seconds;
    }
  }
  part /= static_cast<double>(rows.size());
  std::string frame = table_of(rows, running, &live, work);
  frame += "measuring, the rows in turn  " + bar(part) + format(" %3.0f %%\x1b[K", part * 100);
  draw(frame, rows.size() + 1);
}

void screen::end_table(const std::vector<row>& rows, const job& work) {
  std::string table = table_of(rows, nullptr, nullptr, work);
  if (!is_live_) return write(table);
  draw(table + "\x1b[J", rows.size() + 1);
}

std::string screen::table_of(const std::vector<row>& rows, const row* running,
                             const live_progress* live, const job& work) const {
  const char* const line_end = is_live_ ? "\x1b[K\n" : "\n";
  const double plain_speed = rows[0].result.passes != 0 ? rows[0].result.words_per_second : 0;
  std::string table = head() + line_end;
  for (const row& r : rows) {
    table += line_of(r, plain_speed, &r == running ? live : nullptr, work) + line_end;
  }
  return table;
}

/// In place of the frame before. Without wrapping: a line stays one on a narrow terminal.
void screen::draw(const std::string& frame, std::size_t lines) {
  const std::string up = lines_drawn_ != 0 ? format("\x1b[%zuA", lines_drawn_) : "";
  write(std::string("\r").append(up).append("\x1b[?7l").append(frame).append("\x1b[?7h"));
  lines_drawn_ = lines;
}

}  // namespace tour
