// SPDX-License-Identifier: MIT
#include "json.hpp"

#include "text.hpp"

namespace tour {
namespace {

/// The names of maps and states: without anything that JSON would have escaped.
std::string quoted(const std::string& plain) {
  return "\"" + plain + "\"";
}

const char* name_of(verdict check) {
  return check == verdict::exact ? "exact" : check == verdict::wrong ? "wrong" : "not checked";
}

}  // namespace

std::string json_of(const std::vector<row>& rows, const job& work) {
  std::string json = "{\n  \"input\": {";
  json += format("\"files\": %zu, \"bytes\": %zu, ", work.text.texts.size(), work.text.bytes);
  json += format("\"complete\": %s, ", work.text.is_complete ? "true" : "false");
  json += format("\"words\": %llu, \"different_words\": %zu},\n",
                 static_cast<unsigned long long>(work.words), work.known.size());
  json += "  \"rows\": [";
  const char* separator = "\n";
  for (const row& r : rows) {
    const measurement& m = r.result;
    json += separator;
    json += "    {\"map\": " + quoted(r.map) + format(", \"threads\": %u, ", r.threads);
    json += format("\"passes\": %zu, \"words_per_second\": %.0f, ", m.passes, m.words_per_second);
    for (const int percent : {50, 90, 99}) {
      const auto latency = m.latency.percentile(percent / 100.0);
      json += format("\"p%d_ns\": %llu, ", percent, static_cast<unsigned long long>(latency));
    }
    json +=
        format("\"latency_samples\": %llu, ", static_cast<unsigned long long>(m.latency.samples()));
    json += format("\"bytes_per_word\": %.2f, ", m.bytes_per_element());
    json += "\"check\": " + quoted(name_of(m.check)) + "}";
    separator = ",\n";
  }
  return json + "\n  ]\n}\n";
}

}  // namespace tour
