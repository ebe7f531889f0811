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

import bars
from results import OURS, Results


def print_bars(path, results):
    counts = dict.fromkeys(bars.VERDICTS, 0)
    print("| bar | wanted | median (min-max) | rounds that hold | |\n|---|---|---|---|---|")
    for bar in bars.read(path):
        found = bar.judge(results)
        counts[found.verdict] += 1
        if found.verdict == bars.NOT_MEASURED:
            continue
        values = found.values
        number = f"{statistics.median(values):.3g} ({min(values):.3g}-{max(values):.3g})" if values else ""
        held = f"{found.held} of {len(values)}" if values else ""
        print(f"| {bar.title()} | {bar.wanted(found.other)} | {number} | {held} | {found.verdict} |")
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
    wanted = None
    if arguments[:1] == ["--bars"]:
        named = len(arguments) > 1 and arguments[1].endswith(".txt")
        wanted = pathlib.Path(arguments[1]) if named else bars.DEFAULT
        arguments = arguments[2 if named else 1:]
    results = Results(arguments)
    print("\n".join(results.machine()) + "\n")
    if wanted:
        print_bars(wanted, results)
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
