// SPDX-License-Identifier: MIT
#include "tools.hpp"

#include <cstdio>

#include "state.hpp"

namespace mc {

const char* name_of_order(int order) {
  return detail::order_name(order);
}

stall_report stall_sweep(const options& how, int thread, const std::function<void()>& body) {
  stall_report report;
  for (std::uint32_t n = 0;; ++n) {
    options o = how;
    o.frozen_thread = thread;
    o.frozen_before = n;
    o.max_steps = how.max_steps < 4'000 ? how.max_steps : 4'000;
    o.trace = report.example.empty();
    const result r = run(o, body);
    if (r.kind == failure::blocked_by_frozen) {
      report.blocking.push_back(n);
      if (report.example.empty()) report.example = r.what + "\n" + r.trace;
    } else if (r.failed()) {
      report.other = r.kind;
      report.what = r.what + "\n" + r.trace;
      return report;
    }
    if (r.frozen == 0) return report;  // the thread has ended before
    report.points = n + 1;
  }
}

namespace {

std::string base_name(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

std::string line_of(const std::string& path, int line) {
  FILE* in = std::fopen(path.c_str(), "r");
  if (in == nullptr) return "";
  char text[512];
  std::string found;
  for (int i = 1; i <= line && std::fgets(text, sizeof text, in) != nullptr; ++i)
    if (i == line) found = text;
  std::fclose(in);
  const std::size_t first = found.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  found = found.substr(first);
  while (!found.empty() && (found.back() == '\n' || found.back() == ' ')) found.pop_back();
  return found;
}

/// The orders that are one step weaker; −1: without it.
std::vector<int> weaker(const site& s) {
  const bool load = s.operation == "load" || s.operation == "cas failure";
  const bool fence = s.operation.find("fence") != std::string::npos;
  switch (s.order) {
    case detail::seq_cst:
      if (s.operation == "light fence" || s.operation == "heavy fence") return {-1};
      return {load ? detail::acquire : s.operation == "store" ? detail::release : detail::acq_rel};
    case detail::acq_rel:
      return {detail::acquire, detail::release};
    case detail::acquire:
    case detail::consume:
    case detail::release:
      return {fence ? -1 : detail::relaxed};
    default:
      return {};
  }
}

void merge(std::vector<site>& into, const std::vector<site>& from) {
  for (const site& s : from) {
    site* same = nullptr;
    for (site& t : into)
      if (t.file == s.file && t.line == s.line && t.operation == s.operation && t.order == s.order)
        same = &t;
    if (same == nullptr) {
      into.push_back(s);
      continue;
    }
    for (std::uint32_t p : s.programs) {
      bool known = false;
      for (std::uint32_t q : same->programs) known = known || p == q;
      if (!known) same->programs.push_back(p);
    }
  }
}

}  // namespace

std::vector<mutant> kill_matrix(const std::vector<test_body>& given, const std::string& part) {
  std::vector<site> sites;
  std::vector<test_body> bodies;
  for (const test_body& b : given) {
    // A body that fails as it is would kill everything.
    options plain = b.how;
    plain.trace = false;
    if (const result r = run(plain, b.body); r.failed()) {
      std::printf("left out: %s fails without any mutation: %s\n", b.name.c_str(), r.what.c_str());
      continue;
    }
    bodies.push_back(b);
  }
  for (const test_body& b : bodies) {
    options o = b.how;
    o.collect_sites = true;
    o.trace = false;
    if (o.executions > 300) o.executions = 300;
    merge(sites, run(o, b.body).sites);
  }
  std::vector<mutant> all;
  for (const site& s : sites) {
    if (s.file.find(part) == std::string::npos) continue;
    for (int order : weaker(s)) {
      mutant m;
      m.change = {s, order};
      m.source = line_of(s.file, s.line);
      for (const test_body& b : bodies) {
        options o = b.how;
        o.mutate = &m.change;
        o.trace = false;
        const result r = run(o, b.body);
        if (!r.failed()) continue;
        m.killer = b.name;
        m.what = r.what;
        break;
      }
      all.push_back(m);
    }
  }
  return all;
}

std::string name_of(const mutant& m) {
  return base_name(m.change.where.file) + " | " + m.change.where.operation + " | " +
         name_of_order(m.change.where.order) + " -> " + name_of_order(m.change.order) + " | " +
         m.source;
}

}  // namespace mc
