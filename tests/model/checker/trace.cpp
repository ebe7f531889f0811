// SPDX-License-Identifier: MIT
/// \file
/// The story of one execution, and what the debug information says about code offsets. A failing
/// execution is run a second time with the recorder on; addr2line is asked only then.
#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdlib>

#include "state.hpp"

namespace mc::detail {

namespace {

// Symbols --------------------------------------------------------------------------------------

struct frame {
  std::string function;
  std::string file;
  int line = 0;
};

struct resolved {
  u32 program = 0;
  std::vector<frame> frames;  // innermost first
};

std::vector<resolved>& cache() {
  static std::vector<resolved> all;
  return all;
}

const resolved* cached(u32 program) {
  for (const resolved& r : cache())
    if (r.program == program) return &r;
  return nullptr;
}

/// Template arguments and parameters say little in a trace.
std::string shorten(const char* name) {
  std::string out;
  int depth = 0;
  for (const char* p = name; *p != 0; ++p) {
    if (std::strncmp(p, "operator", 8) == 0) {
      for (p += 8; *p == '(' || *p == ')' || *p == '<' || *p == '>' || *p == '=' || *p == '-'; ++p)
        if (depth == 0 && *p == '(' && p[1] != ')') break;
      if (depth == 0) out += "operator";
      if (*p == 0) break;
    }
    if (*p == '<' || *p == '(' || *p == '[')
      ++depth;
    else if (*p == '>' || *p == ')' || *p == ']')
      depth -= depth > 0 ? 1 : 0;
    else if (depth == 0)
      out += *p;
  }
  for (std::size_t at; (at = out.rfind("::")) != std::string::npos && at > 0;) {
    const std::size_t before = out.rfind("::", at - 1);
    if (before == std::string::npos) break;
    return out.substr(before + 2);
  }
  return out;
}

std::string base_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// The C and C++ libraries, and the checker itself. Other libraries' headers are code under test.
bool is_system(const std::string& file) {
  for (const char* part : {"/include/c++/", "/usr/lib/", "-linux-gnu/bits/", "/model/checker/"})
    if (file.find(part) != std::string::npos) return true;
  return file.empty() || file[0] == '?';
}

void ask_addr2line(const std::vector<u32>& programs) {
  char self[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return;
  self[n] = 0;
  for (std::size_t begin = 0; begin < programs.size(); begin += 500) {
    std::string command = "addr2line -a -f -C -i -e '" + std::string(self) + "'";
    char number[32];
    for (std::size_t i = begin; i < programs.size() && i < begin + 500; ++i) {
      std::snprintf(number, sizeof number, " 0x%x", programs[i]);
      command += number;
    }
    command += " 2>/dev/null";
    FILE* in = popen(command.c_str(), "r");
    if (in == nullptr) return;
    static char line[1 << 16];
    resolved now;
    bool any = false;
    const auto finish = [&] {
      if (any) cache().push_back(now);
    };
    while (std::fgets(line, sizeof line, in) != nullptr) {
      line[std::strcspn(line, "\n")] = 0;
      if (line[0] == '0' && line[1] == 'x') {
        finish();
        any = true;
        now = resolved{static_cast<u32>(std::strtoul(line, nullptr, 16)), {}};
        continue;
      }
      frame f;
      f.function = shorten(line);
      if (std::fgets(line, sizeof line, in) == nullptr) break;
      if (char* colon = std::strrchr(line, ':')) {
        *colon = 0;
        f.line = std::atoi(colon + 1);
      }
      f.file = line;
      now.frames.push_back(f);
    }
    finish();
    pclose(in);
  }
}

void resolve(std::vector<u32> programs) {
  std::sort(programs.begin(), programs.end());
  programs.erase(std::unique(programs.begin(), programs.end()), programs.end());
  std::vector<u32> missing;
  for (u32 p : programs)
    if (p != 0 && cached(p) == nullptr) missing.push_back(p);
  if (!missing.empty()) ask_addr2line(missing);
}

/// The innermost frame outside the system's headers.
const frame* user_frame(u32 program, std::size_t skip = 0) {
  const resolved* r = cached(program);
  if (r == nullptr) return nullptr;
  for (const frame& f : r->frames)
    if (!is_system(f.file) && skip-- == 0) return &f;
  return nullptr;
}

std::string spot(u32 program) {
  char number[32];
  if (const frame* f = user_frame(program)) {
    std::snprintf(number, sizeof number, ":%d", f->line);
    return base_name(f->file) + number + " (" + f->function + ")";
  }
  std::snprintf(number, sizeof number, "+0x%x", program);
  return number;
}

// Events ---------------------------------------------------------------------------------------

std::string object_name(u64 a) {
  char text[160];
  if (const heap_block* b = in_arena(reinterpret_cast<void*>(a)) ? block_around(a) : nullptr) {
    std::snprintf(text, sizeof text, "block%ld+%lu", static_cast<long>(b - rt->blocks),
                  static_cast<unsigned long>(a - b->address));
    return text;
  }
  for (int t = 0; t < max_threads; ++t) {
    const fiber& f = rt->threads[t];
    if (a - reinterpret_cast<u64>(f.fixed.stack) < stack_bytes) {
      std::snprintf(
          text, sizeof text, "stack%d-%lu", t,
          static_cast<unsigned long>(reinterpret_cast<u64>(f.fixed.stack) + stack_bytes - a));
      return text;
    }
    if (a - reinterpret_cast<u64>(f.fixed.tls) < rt->tls_size) {
      std::snprintf(text, sizeof text, "tls%d+%lu", t,
                    static_cast<unsigned long>(a - reinterpret_cast<u64>(f.fixed.tls)));
      return text;
    }
  }
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(a), &info) != 0 && info.dli_sname != nullptr) {
    std::snprintf(text, sizeof text, "%.100s+%lu", info.dli_sname,
                  static_cast<unsigned long>(a - reinterpret_cast<u64>(info.dli_saddr)));
    return text;
  }
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(a));
  return text;
}

std::string value_name(u64 v) {
  char text[32];
  if (in_arena(reinterpret_cast<void*>(v & 0xFFFFFFFFFFFFULL))) {
    if (block_around(v & 0xFFFFFFFFFFFFULL) != nullptr) return object_name(v & 0xFFFFFFFFFFFFULL);
  }
  std::snprintf(text, sizeof text, v < 1'000'000 ? "%lu" : "0x%lx", static_cast<unsigned long>(v));
  return text;
}

std::string describe(const trace_event& e) {
  static const char* const verbs[] = {
      "load",        "store",      "rmw",        "cas",         "cas fails", "fence",
      "light fence", "membarrier", "plain read", "plain write", "allocate",  "free",
      "lock",        "unlock",     "wait",       "wake",        "spawn",     "starts",
      "ends",        "FROZEN",     "begin",      "end",         "note",      "yield"};
  std::string s = verbs[static_cast<int>(e.kind)];
  char text[96];
  const std::string at = e.address != 0 ? " " + object_name(e.address) : "";
  const auto order = std::string(" ") + order_name(e.memory_order);
  switch (e.kind) {
    case event::load:
    case event::cas_failed:
      s += order + at + " -> " + value_name(e.value);
      if (e.kind == event::cas_failed) s += " (wanted " + value_name(e.old_value) + ")";
      if (e.newer != 0) {
        std::snprintf(text, sizeof text, " STALE, %u newer", e.newer);
        s += text;
      }
      break;
    case event::store:
      s += order + at + " = " + value_name(e.value);
      if (e.newer != 0) {
        std::snprintf(text, sizeof text, " LATE, before %u earlier stores", e.newer);
        s += text;
      }
      break;
    case event::rmw:
    case event::cas:
      s += order + at + " " + value_name(e.old_value) + " => " + value_name(e.value);
      break;
    case event::fence:
      s += order;
      break;
    case event::allocate:
      s += at + ", " + value_name(e.value) + " bytes";
      break;
    case event::spawn:
      s += " T" + value_name(e.value);
      break;
    case event::wake:
      s += at + ", woke " + value_name(e.value);
      break;
    case event::note:
      s = rt->text + e.text;
      break;
    default:
      s += at;
  }
  return s;
}

std::string origin(const trace_event& e) {
  std::string s;
  if (e.program != 0) s = spot(e.program);
  std::string last = s;
  int shown = 0;
  for (u32 c : e.calls) {
    if (c == 0 || shown == 2) break;
    const frame* f = user_frame(c);
    if (f == nullptr) continue;
    const std::string next = spot(c);
    if (next == last) continue;
    s += (s.empty() ? "" : " < ") + next;
    last = next;
    ++shown;
  }
  return s;
}

}  // namespace

const char* order_name(int m) {
  static const char* const names[] = {"relaxed", "consume", "acquire",
                                      "release", "acq_rel", "seq_cst"};
  return m < 0 ? "removed" : m > 5 ? "?" : names[m];
}

/// Left in messages while the program runs; `resolve_places` replaces it afterwards.
std::string place(u32 program) {
  char text[16];
  std::snprintf(text, sizeof text, "<@%x>", program);
  return text;
}

std::string resolve_places(const char* text) {
  std::vector<u32> programs;
  for (const char* p = text; (p = std::strstr(p, "<@")) != nullptr; p += 2)
    programs.push_back(static_cast<u32>(std::strtoul(p + 2, nullptr, 16)));
  resolve(programs);
  std::string out;
  for (const char* p = text; *p != 0;) {
    if (p[0] == '<' && p[1] == '@') {
      char* end;
      out += spot(static_cast<u32>(std::strtoul(p + 2, &end, 16)));
      p = *end == '>' ? end + 1 : end;
    } else {
      out += *p++;
    }
  }
  return out;
}

trace_event* record(event kind, int m, u64 a, int size, u64 v, u32 program) {
  static trace_event unseen;
  if (!rt->tracing || rt->event_count == trace_capacity) return &unseen;
  trace_event& e = rt->events[rt->event_count++];
  std::memset(static_cast<void*>(&e), 0, sizeof e);
  e.kind = kind;
  e.thread = static_cast<u8>(rt->current);
  e.memory_order = static_cast<int8_t>(m);
  e.address = a;
  e.size = static_cast<u8>(size);
  e.value = v;
  e.program = program;
  e.step = rt->steps;
  const fiber& f = me();
  u32 n = 0;
  for (u32 d = f.call_depth; d > 0 && n < 6; --d)
    if (d <= 192) e.calls[n++] = f.calls[d - 1];
  return &e;
}

/// Spins say the same again and again: rounds of up to `longest` events are told once.
static u32 repetitions(u32 at, u32 period) {
  u32 times = 0;
  for (u32 next = at + period; next + period <= rt->event_count; next += period, ++times)
    for (u32 k = 0; k < period; ++k) {
      const trace_event& a = rt->events[at + k];
      const trace_event& b = rt->events[next + k];
      if (a.thread != b.thread || a.kind != b.kind || a.address != b.address ||
          a.value != b.value || a.program != b.program)
        return times;
    }
  return times;
}

static std::string line_of(const trace_event& e) {
  char head[96];
  const int right = rt->thread_count - 1 - e.thread;
  std::snprintf(head, sizeof head, "%6u %*sT%d%*s ", e.step, 3 * e.thread, "", e.thread,
                3 * (right > 0 ? right : 0), "");
  std::string line = head + describe(e);
  const std::string from = origin(e);
  if (!from.empty()) {
    if (line.size() < 70) line.resize(70, ' ');
    line += "  " + from;
  }
  return line + "\n";
}

std::string describe_trace() {
  constexpr u32 longest_round = 12;
  constexpr std::size_t most_lines = 1200;  // the end is what matters
  struct piece {
    u32 begin, length, times;
  };
  std::vector<piece> pieces;
  for (u32 i = 0; i < rt->event_count;) {
    piece p{i, 1, 0};
    for (u32 period = 1; period <= longest_round && p.times < 2; ++period)
      p = {i, period, repetitions(i, period)};
    if (p.times < 2) p = {i, 1, 0};
    pieces.push_back(p);
    i += p.length * (p.times + 1);
  }
  const std::size_t first = pieces.size() > most_lines ? pieces.size() - most_lines : 0;
  std::vector<u32> programs;
  for (std::size_t k = first; k < pieces.size(); ++k)
    for (u32 i = 0; i < pieces[k].length; ++i) {
      const trace_event& e = rt->events[pieces[k].begin + i];
      programs.push_back(e.program);
      programs.push_back(e.program_read);
      for (u32 c : e.calls) programs.push_back(c);
    }
  resolve(programs);
  std::string out;
  if (first != 0) out = "  (" + std::to_string(first) + " earlier events not shown)\n";
  for (std::size_t k = first; k < pieces.size(); ++k) {
    for (u32 i = 0; i < pieces[k].length; ++i) out += line_of(rt->events[pieces[k].begin + i]);
    if (pieces[k].times != 0)
      out += "        ... the last " + std::to_string(pieces[k].length) + " again, " +
             std::to_string(pieces[k].times) + " times\n";
  }
  return out;
}

// Sites ----------------------------------------------------------------------------------------

namespace {
const char* const operations[] = {"load",        "store", "rmw",         "cas",
                                  "cas failure", "fence", "light fence", "heavy fence"};
}

void reset_sites() {
  std::memset(static_cast<void*>(rt->sites), 0, sizeof(site_entry) * site_slots);
  rt->site_count = 0;
}

/// The order to use at this site: the one in the code, unless the site is mutated.
int site_order(u32 program, int operation, int m) {
  m &= 7;
  u64 i = (u64{program} * 8 + static_cast<u64>(operation)) * u64{0x9E3779B97F4A7C15U} >> 51;
  for (;; i = (i + 1) & (site_slots - 1)) {
    site_entry& s = rt->sites[i];
    if (s.effective == 0 && s.program == 0) {
      if (++rt->site_count > site_slots * 3 / 4) stop(failure::misuse, "too many sites");
      s = {program, static_cast<u8>(operation), static_cast<u8>(m), m};
      if (const mutation* x = rt->how.mutate) {
        if (x->where.order == m && x->where.operation == operations[operation])
          for (u32 p : x->where.programs)
            if (p == program) s.effective = x->order;
      }
      if (program == 0) s.program = ~0u;
      return s.effective;
    }
    if ((s.program == program || (program == 0 && s.program == ~0u)) && s.operation == operation &&
        s.order == m)
      return s.effective;
  }
}

void resolve_sites(std::vector<site>& into) {
  std::vector<u32> programs;
  for (u32 i = 0; i < site_slots; ++i) programs.push_back(rt->sites[i].program);
  resolve(programs);
  for (u32 i = 0; i < site_slots; ++i) {
    const site_entry& e = rt->sites[i];
    if (e.program == 0) continue;
    const frame* f = user_frame(e.program);
    if (f == nullptr) continue;
    site* found = nullptr;
    for (site& s : into)
      if (s.file == f->file && s.line == f->line && s.order == e.order &&
          s.operation == operations[e.operation])
        found = &s;
    if (found == nullptr) {
      into.push_back(site{f->file, f->line, f->function, operations[e.operation], e.order, {}});
      found = &into.back();
    }
    found->programs.push_back(e.program);
  }
}

}  // namespace mc::detail

namespace mc {

const char* name(failure kind) {
  static const char* const names[] = {"none",
                                      "requirement",
                                      "race",
                                      "use after free",
                                      "bad free",
                                      "out of bounds",
                                      "leak",
                                      "deadlock",
                                      "livelock",
                                      "blocked by a frozen thread",
                                      "mixed-size atomics",
                                      "misuse",
                                      "crash",
                                      "nondeterministic"};
  return names[static_cast<int>(kind)];
}

const char* name(strategy how) {
  static const char* const names[] = {"random", "pct", "bounded", "exhaustive"};
  return names[static_cast<int>(how)];
}

}  // namespace mc
