// SPDX-License-Identifier: MIT
#include "child.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

namespace concur_bench {
namespace {

constexpr const char* flag = "--measure-one";

std::string own_path() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length <= 0 ? "" : std::string(path, static_cast<std::size_t>(length));
}

}  // namespace

measurement measure_in_child(const entry& e, const parameters& p) {
  std::ostringstream command;
  command << "'" << own_path() << "' " << flag << " '" << e.workload << "' '" << e.keys << "' '"
          << e.map << "' " << p.n << ' ' << p.threads << ' ' << p.seconds;
  std::string answer;
  if (std::FILE* pipe = popen(command.str().c_str(), "r"); pipe != nullptr) {
    char buffer[4096];
    while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) answer += buffer;
    if (pclose(pipe) != 0) answer.clear();
  }
  std::istringstream in(answer);
  measurement m;
  if (!(in >> m.operations >> m.seconds >> m.cpu_share)) {
    std::fprintf(stderr, "%s %s: no answer from a process of its own, measured in this one\n",
                 e.workload.c_str(), e.map.c_str());
    return e.run(p);
  }
  std::string name;
  double amount = 0;
  while (in >> name >> amount) m.counters.emplace_back(name, amount);
  return m;
}

bool answer_as_child(int argc, char** argv) {
  if (argc != 8 || std::strcmp(argv[1], flag) != 0) return false;
  parameters p;
  p.n = std::strtoull(argv[5], nullptr, 10);
  p.threads = static_cast<unsigned>(std::strtoul(argv[6], nullptr, 10));
  p.seconds = std::strtod(argv[7], nullptr);
  for (const entry& e : registry()) {
    if (e.workload != argv[2] || e.keys != argv[3] || e.map != argv[4]) continue;
    const measurement m = e.run(p);
    std::printf("%.17g %.17g %.17g\n", m.operations, m.seconds, m.cpu_share);
    for (const auto& [name, amount] : m.counters) std::printf("%s %.17g\n", name.c_str(), amount);
  }
  return true;
}

}  // namespace concur_bench
