# SPDX-License-Identifier: MIT
"""SVG by hand, each picture twice: for light pages and for dark ones. Used by report.py.

Rows are maps, columns are workloads, so that every picture reads like a table. Only maps of this library are coloured.
"""
import math
from xml.sax.saxutils import escape

WIDTH = 880
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
THEMES = {
    "light": {"text": "#1f2328", "faint": "#656d76", "line": "#d8dee4", "ours": "#1b62b5", "peer": "#7d8590", "ceiling": "#eaeef2", "edge": "#b6bec7", "range": "#1f2328"},
    "dark": {"text": "#e6edf3", "faint": "#8b949e", "line": "#30363d", "ours": "#58a6ff", "peer": "#848d97", "ceiling": "#1c2128", "edge": "#545d68", "range": "#e6edf3"},
}


class Canvas:
    def __init__(self, height, theme, title):
        self.colours, self.parts = THEMES[theme], []
        self.parts.append(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
                          f'viewBox="0 0 {WIDTH} {height:.0f}" role="img" font-family="{FONT}" font-size="12">'
                          f"<title>{escape(title)}</title>")

    def text(self, x, y, content, colour="text", anchor="start", size=None, weight=None):
        extra = (f' font-size="{size}"' if size else "") + (f' font-weight="{weight}"' if weight else "")
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" fill="{self.colours[colour]}" text-anchor="{anchor}"{extra}>'
                          f"{escape(content)}</text>")

    def box(self, x, y, width, height, fill, edge=None, opacity=1.0):
        stroke = f' stroke="{self.colours[edge]}"' if edge else ""
        stroke += f' fill-opacity="{opacity:g}"' if opacity != 1 else ""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" rx="1.5" '
                          f'fill="{self.colours[fill]}"{stroke}/>')

    def line(self, points, colour, width=1.0, dashes=None):
        extra = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline fill="none" stroke="{self.colours[colour]}" stroke-width="{width}" '
                          f'stroke-linejoin="round" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"{extra}/>')

    def dot(self, x, y, colour, radius=3.0, hollow=False):
        paint = f'fill="none" stroke="{self.colours[colour]}" stroke-width="1.5"' if hollow else f'fill="{self.colours[colour]}"'
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {paint}/>')

    def done(self):
        return "\n".join(self.parts + ["</svg>"]) + "\n"


def width_of(text, size=12):
    return len(text) * size * 0.56


def key_of_colours(canvas, y, entries):
    """A legend in one line, from the right."""
    x = WIDTH - 4
    for label, opacity in reversed(entries):
        x -= width_of(label, 11)
        canvas.text(x, y, label, "faint", size=11)
        x -= 14
        canvas.box(x, y - 9, 9, 9, "peer", opacity=opacity)
        x -= 14


def bars(theme, title, rows, columns, value, groups, note=""):
    """A bar for each group (numbers of threads) of each row (label, kind) and column.

    value(row, column, group) -> (number, low, high, label) or None; kind: ours, peer or ceiling.
    """
    left, gap, top, thick = 8 + max(width_of(label) for label, _ in rows), 14, 66, 11
    step = thick * len(groups) + 9
    height = top + step * len(rows) + 6
    c = Canvas(height, theme, title)
    c.text(4, 18, title, size=14, weight=600)
    c.text(4, 33, note, "faint", size=11)
    opacities = [1 - 0.6 * (len(groups) - 1 - i) / max(1, len(groups) - 1) for i in range(len(groups))]
    if len(groups) > 1:
        key_of_colours(c, 33, list(zip(groups, opacities)))
    room = (WIDTH - left - 4) / len(columns)
    for number, (column, heading) in enumerate(columns):
        x = left + number * room + gap
        c.text(x, 54, heading, "faint", size=11.5, weight=600)
        c.line([(x, top - 6), (x, height - 4)], "line")
        cells = {(row, group): value(row, column, group) for row in rows for group in range(len(groups))}
        present = [cell for cell in cells.values() if cell]
        if not present:
            continue
        # The longest bar together with its label takes all of the room.
        scale = min((room - gap - 6 - width_of(cell[3], 10.5)) / max(cell[0], cell[2]) for cell in present)
        for at, row in enumerate(rows):
            for group in range(len(groups)):
                cell = cells[row, group]
                y = top + at * step + group * thick
                if cell is None:
                    continue
                number_, low, high, label = cell
                kind = row[1]
                c.box(x, y, number_ * scale, thick - 2, kind, "edge" if kind == "ceiling" else None, opacities[group])
                if high > low and (high - low) * scale > 1.5:
                    c.line([(x + low * scale, y + thick / 2 - 1), (x + high * scale, y + thick / 2 - 1)], "range", 0.8)
                end = x + max(number_, high) * scale + 4
                c.text(end, y + thick - 3, label, "ours" if kind == "ours" else "faint", size=10.5)
    for at, (label, kind) in enumerate(rows):
        y = top + at * step + (step - 9) / 2 + 3
        c.text(left, y, label, "ours" if kind == "ours" else "text" if kind == "peer" else "faint", "end",
               weight=600 if kind == "ours" else None)
    return c.done()


def nanoseconds(value):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f} ns"


def ranges(theme, title, rows, points, columns):
    """Latencies on a logarithmic scale. points(row, column) -> [ns of each quantile] or None; columns: (key, heading).

    The last quantile is the worst case, drawn hollow and labelled.
    """
    quantiles = ["p50", "p99", "p99.9", "p99.99", "max"]
    left, top, step = 8 + max(width_of(label) for label, _ in rows), 72, 22
    height = top + step * len(rows) + 8
    c = Canvas(height, theme, title)
    c.text(4, 18, title, size=14, weight=600)
    c.text(WIDTH - 4, 18, "dots: " + ", ".join(quantiles), "faint", "end", 11)
    values = [v for key, _ in columns for row in rows for v in points(row, key) or [] if v > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    room = (WIDTH - left) / len(columns)
    for number, (key, heading) in enumerate(columns):
        begin, end = left + number * room + 14, left + (number + 1) * room - 58
        x_of = lambda v: begin + (end - begin) * (math.log10(max(v, 10 ** low)) - low) / max(1, high - low)
        c.text(begin, 42, heading, "faint", size=11.5, weight=600)
        for power in range(low, high + 1):
            x = x_of(10 ** power)
            c.line([(x, top - 8), (x, height - 6)], "line")
            if (high - power) % (1 if (end - begin) / (high - low) > 44 else 2) == 0:
                c.text(x, top - 13, nanoseconds(10 ** power), "faint", "middle", 10)
        for at, row in enumerate(rows):
            found = points(row, key)
            if not found:
                continue
            y = top + at * step + 6
            colour = "ours" if row[1] == "ours" else "peer"
            c.line([(x_of(v), y) for v in found], colour, 2 if row[1] == "ours" else 1.2)
            for i, v in enumerate(found):
                c.dot(x_of(v), y, colour, 3.2 if i == len(found) - 1 else 2.6, hollow=i == len(found) - 1)
            c.text(x_of(found[-1]) + 8, y + 4, nanoseconds(found[-1]), "ours" if row[1] == "ours" else "faint", size=10.5)
    for at, (label, kind) in enumerate(rows):
        c.text(left, top + at * step + 10, label, "ours" if kind == "ours" else "text", "end",
               weight=600 if kind == "ours" else None)
    return c.done()
