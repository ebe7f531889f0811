// SPDX-License-Identifier: MIT
#include "plot.hpp"

#include <algorithm>
#include <string_view>

#include "text.hpp"

namespace tour {
namespace {

constexpr int line_height = 30;
constexpr int top = 84;
constexpr int label_width = 280;
constexpr int panel_width = 230;
constexpr int bar_room = 150;  // the rest of a panel is for the number beside the bar

constexpr const char* style =
    "<style>\n"
    "  svg { font: 13px system-ui, sans-serif; }\n"
    "  .page { fill: #ffffff; } .ink { fill: #1f2328; } .faint { fill: #59636e; }\n"
    "  .title { font-size: 17px; font-weight: 600; } .head { font-weight: 600; }\n"
    "  .peer { fill: #8c959f; } .ours { fill: #2f6fd0; } .axis { stroke: #d1d9e0; }\n"
    "  .wrong { fill: #cf222e; font-weight: 600; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    .page { fill: #0d1117; } .ink { fill: #e6edf3; } .faint { fill: #9198a1; }\n"
    "    .peer { fill: #6e7681; } .ours { fill: #4f8ff0; } .axis { stroke: #3d444d; }\n"
    "    .wrong { fill: #ff7b72; }\n"
    "  }\n"
    "</style>\n";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '&') {
      result += "&amp;";
    } else if (c == '<') {
      result += "&lt;";
    } else {
      result += c;
    }
  }
  return result;
}

std::string text_at(int x, int y, const char* kind, const std::string& text) {
  return format("<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, kind) + escaped(text) + "</text>\n";
}

struct panel {
  const char* title;
  const char* hint;
  double (*value)(const measurement&);
  std::string (*label)(double);
};

constexpr panel panels[] = {
    {"Words a second", "longer is better", [](const measurement& m) { return m.words_per_second; },
     [](double v) { return millions(v); }},
    {"99 % of increments within", "shorter is better",
     [](const measurement& m) { return static_cast<double>(m.latency.percentile(0.99)); },
     [](double v) { return duration(static_cast<std::uint64_t>(v)); }},
    {"Bytes per different word", "shorter is better",
     [](const measurement& m) { return m.bytes_per_element(); },
     [](double v) { return format("%.1f", v); }},
};

bool is_ours(const row& r) {
  return std::string_view(r.map).starts_with("concur::");
}

std::string draw(const panel& p, int x, const std::vector<const row*>& rows) {
  std::string svg =
      text_at(x, top - 26, "ink head", p.title) + text_at(x, top - 9, "faint", p.hint);
  svg += format("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"axis\"/>\n", x, top, x,
                top + line_height * static_cast<int>(rows.size()));
  double most = 0;
  for (const row* r : rows) most = std::max(most, p.value(r->result));
  int y = top;
  for (const row* r : rows) {
    const double value = p.value(r->result);
    if (value > 0) {
      const double width = std::max(1.0, value / most * bar_room);
      svg +=
          format("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"20\" rx=\"2\" class=\"%s\"/>\n",
                 x, y + 5, width, is_ours(*r) ? "ours" : "peer");
      svg += text_at(x + static_cast<int>(width) + 7, y + 20, "ink", p.label(value));
    }
    y += line_height;
  }
  return svg;
}

}  // namespace

std::string plot_of(const std::vector<row>& rows, const std::string& caption) {
  std::vector<const row*> shown;
  for (const row& r : rows) {
    if (r.result.words_per_second > 0) shown.push_back(&r);
  }
  if (shown.empty()) return "";

  const int width = label_width + 3 * panel_width;
  const int height = top + line_height * static_cast<int>(shown.size()) + 20;
  std::string svg = format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
      "viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Results of the tour\">\n",
      width, height, width, height);
  svg += style;
  svg += "<rect width=\"100%\" height=\"100%\" class=\"page\"/>\n";
  svg += text_at(16, 28, "ink title", caption);
  int y = top;
  for (const row* r : shown) {
    svg += text_at(16, y + 20, "ink", r->map);
    const bool is_wrong = r->result.check == verdict::wrong;
    svg += text_at(label_width - 58, y + 20, is_wrong ? "wrong" : "faint",
                   is_wrong ? "WRONG" : format("x %u", r->threads));
    y += line_height;
  }
  int x = label_width;
  for (const panel& p : panels) {
    svg += draw(p, x, shown);
    x += panel_width;
  }
  return svg + "</svg>\n";
}

}  // namespace tour
