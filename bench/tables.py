#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables from the JSON of one or more runs (files, or folders of them): python3 bench/tables.py build/bench/results/...

One table per keys, size and thread count: a row per map, a column per workload, median (min-max) of all
rounds in million operations per second, the best concurrent peer in bold, maps of this library with the
ratio to it, formed round by round.

    python3 bench/tables.py --bars [bench/bars.txt] results...     which bars hold

A bar holds when it does in four of five rounds; rounds with a CPU share under 0.95 do not count.
"""
import os
import pathlib
import statistics
import sys

from results import OURS, Results, ratios


class Bar:
    """map measured keys n threads relation factor [reference]: see bars.txt."""

    def __init__(self, line):
        words = line.split()
        self.name, measured, self.keys, n, threads, self.relation, factor = words[:7]
        self.workload, _, self.counter = measured.partition(".")
        self.n, self.threads, self.factor = int(n), int(threads), float(factor)
        self.reference = words[7] if len(words) > 7 else ""

    def title(self):
        what = self.workload + (f".{self.counter}" if self.counter else "")
        return f"{self.name} {what} {self.keys} {self.n}, {self.threads} threads"

    def wanted(self, other):
        return f"{self.relation} {self.factor:g}" + (f" x {other}" if other else "")

    def measure(self, results):
        """(what it was compared with, {round: value}), or None if that was not measured."""
        cell = results.table(self.keys, self.n, self.threads).get(self.name, self.workload)
        values = cell.values(self.counter) if cell else {}
        if not values:
            return None
        if not self.reference:
            return "", self.quiet(cell, values)
        if self.reference == "processors":
            count = results.contexts[0]["num_cpus"]
            return self.reference, {key: value / count for key, value in self.quiet(cell, values).items()}
        wanted, _, threads = self.reference.partition("@")
        wanted, _, workload = wanted.partition(":")
        table = results.table(self.keys, self.n, int(threads or self.threads))
        other = table.best(workload or self.workload, None if wanted == "best" else wanted.split("|"))
        if other is None:
            return None
        partner = table.get(other, workload or self.workload)
        return (other + (f" {workload}" if workload else "") + (f" on {threads}" if threads else ""),
                ratios(self.quiet(cell, values), self.quiet(partner, partner.values(self.counter))))

    def quiet(self, cell, values):
        return {key: value for key, value in values.items() if self.threads > 2 or cell.shares[key] >= 0.95}

    def holds(self, value):
        return value >= self.factor if self.relation == ">=" else value <= self.factor


def print_bars(path, results):
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    counts = {"holds": 0, "MISSED": 0, "no quiet round": 0, "not measured": 0}
    print("| bar | wanted | median (min-max) | rounds that hold | |\n|---|---|---|---|---|")
    for bar in map(Bar, lines):
        found = bar.measure(results)
        if found is None:
            counts["not measured"] += 1
            continue
        other, values = found
        if not values:
            verdict = "no quiet round"
            print(f"| {bar.title()} | {bar.wanted(other)} | | | {verdict} |")
        else:
            held = sum(map(bar.holds, values.values()))
            verdict = "holds" if held >= 0.8 * len(values) else "MISSED"
            print(f"| {bar.title()} | {bar.wanted(other)} | {statistics.median(values.values()):.3g} "
                  f"({min(values.values()):.3g}-{max(values.values()):.3g}) | {held} of {len(values)} | {verdict} |")
        counts[verdict] += 1
    print("\n" + ", ".join(f"{number} {what}" for what, number in counts.items()))


def print_table(title, table):
    columns = table.workloads()
    best = {column: table.best(column) for column in columns}
    shares = [share for cell in table.cells.values() for share in cell.shares.values()]
    print(f"\n#### {title} (median CPU share {statistics.median(shares):.2f})\n")
    print("| map | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for name, role in sorted(table.roles.items(), key=lambda item: (item[1], item[0])):
        texts = []
        for column in columns:
            cell = table.get(name, column)
            if cell is None:
                texts.append("-")
                continue
            low, high = cell.range()
            text = f"{cell.median():.4g} ({low:.4g}-{high:.4g})"
            if name == best[column]:
                text = f"**{text}**"
            ratio = table.ratio(name, column) if role == OURS else None
            texts.append(text + (f" = {ratio:.2f}x" if ratio else ""))
        print(f"| {name} | " + " | ".join(texts) + " |")


def print_counters(title, table, workload):
    rows = {name: cell for (name, w), cell in table.cells.items() if w == workload and cell.counters}
    columns = list(dict.fromkeys(counter for cell in rows.values() for counter in cell.counters))
    if not columns:
        return
    print(f"\n#### {title}: {workload}\n")
    print("| map | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for name, cell in sorted(rows.items()):
        print(f"| {name} | " + " | ".join(f"{cell.median(c):.4g}" if c in cell.counters else "-" for c in columns) + " |")


def main(arguments):
    bars = None
    if arguments[:1] == ["--bars"]:
        named = len(arguments) > 1 and arguments[1].endswith(".txt")
        bars = pathlib.Path(arguments[1]) if named else pathlib.Path(__file__).with_name("bars.txt")
        arguments = arguments[2 if named else 1:]
    results = Results(arguments)
    print("\n".join(results.machine()) + "\n")
    if bars:
        print_bars(bars, results)
        return
    for (keys, n, threads), table in sorted(results.tables.items()):
        title = f"{keys}, n={n}, threads={threads}"
        print_table(title, table)
        for workload in table.workloads():
            print_counters(title, table, workload)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # a reader like head that has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
