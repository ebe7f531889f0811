// SPDX-License-Identifier: MIT
/// \file
/// What the user sees: on a terminal a table that is redrawn in place, elsewhere plain lines at the
/// end. Nothing is changed in the terminal that outlives a frame, so that there is
/// nothing to restore, however the program ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "race.hpp"

namespace tour {

class screen {
 public:
  screen();

  /// A line that replaces the one before it; on a terminal only.
  void status(const std::string& line);
  void clear_status() { status(""); }

  /// A table that does not fit on the terminal is written at the end only, as elsewhere.
  void begin_table(const std::vector<row>& rows);
  void update_table(const std::vector<row>& rows, const row* running, const live_progress& live,
                    const job& work);
  void end_table(const std::vector<row>& rows, const job& work);

  std::string bold(const std::string& text) const { return painted("1", text); }
  std::string dim(const std::string& text) const { return painted("2", text); }
  std::string green(const std::string& text) const { return painted("32", text); }
  std::string red(const std::string& text) const { return painted("1;31", text); }

 private:
  std::string painted(const char* colour, const std::string& text) const;
  std::string head() const;
  std::string table_of(const std::vector<row>& rows, const row* running, const live_progress* live,
                       const job& work) const;
  std::string line_of(const row& r, double plain_speed, const live_progress* live,
                      const job& work) const;
  std::string numbers_of(const row& r, double plain_speed) const;
  std::string bar(double part) const;
  void draw(const std::string& frame, std::size_t lines);

  bool is_terminal_;
  bool has_colour_;
  bool is_live_ = false;
  std::size_t lines_drawn_ = 0;
};

}  // namespace tour
