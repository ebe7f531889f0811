#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tables from the JSON of one or more runs: python3 bench/tables.py a.json [b.json ...]

One table per keys, size and thread count: a row per map, a column per workload, median (min-max) of
all rounds of all files in million operations per second, the best concurrent peer in bold, maps of
this library with the ratio to it, formed round by round.

python3 bench/tables.py --bars bench/bars.txt a.json [b.json ...]: which bars hold. A bar holds when it
does in four of five rounds; rounds with a CPU share under 0.95 do not count.
"""
import json
import statistics
import sys

OURS, PEER = 0, 1
WORKLOADS = ["a_hit", "b_miss", "c_zipf", "u_zipfinc", "d_90_9_1", "e_50_25_25", "f_grow", "g_hot", "g_hotread",
             "h_erase", "i_iter", "l_insert", "m_memory"]


def read(paths):
    tables = {}
    for number, path in enumerate(paths):
        with open(path, encoding="utf-8") as file:
            for run in json.load(file)["benchmarks"]:
                table = tables.setdefault((run["keys"], run["n"], run["threads"]), {})
                cell = table.setdefault((run["map"], run["role"]), {}).setdefault(run["workload"], {})
                cell[number, run["repetition_index"]] = (run["items_per_second"] / 1e6, run["cpu_share"])
    return tables


def median(cell):
    return statistics.median(rate for rate, _ in cell.values())


def best_peer(table, column):
    peers = [(median(row[column]), name) for (name, role), row in table.items() if role == PEER and column in row]
    return max(peers, default=(0, ""))[1]


def print_bars(path, tables, ours="concur_seqmap"):
    print("| bar | at least | ratio, median (min-max) | rounds that hold | |\n|---|---|---|---|---|")
    for line in open(path, encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        workload, keys, n, threads, peer, factor = line.split()
        table = tables.get((keys, int(n), int(threads)), {})
        rows = {name: row[workload] for (name, _), row in table.items() if workload in row}
        other = best_peer(table, workload) if peer == "best" else peer
        if ours not in rows or other not in rows:
            continue
        pairs = [(rows[ours][k], rows[other][k]) for k in rows[ours] if k in rows[other]]
        valid = [(a, b) for a, b in pairs if int(threads) > 2 or min(a[1], b[1]) >= 0.95]
        ratios = sorted(a[0] / b[0] for a, b in valid)
        if not ratios:
            print(f"| {workload} {keys} {n}, {threads} threads | {factor} x {other} | no quiet round | | |")
            continue
        held = sum(ratio >= float(factor) for ratio in ratios)
        verdict = "holds" if held >= 0.8 * len(ratios) else "MISSED"
        print(f"| {workload} {keys} {n}, {threads} threads | {factor} x {other} | {statistics.median(ratios):.2f} "
              f"({ratios[0]:.2f}-{ratios[-1]:.2f}) | {held} of {len(ratios)} | {verdict} |")


def print_table(title, table):
    columns = [w for w in WORKLOADS if any(w in row for row in table.values())]
    best = {column: best_peer(table, column) for column in columns}
    shares = [share for row in table.values() for cell in row.values() for _, share in cell.values()]
    print(f"\n#### {title} (median CPU share {statistics.median(shares):.2f})\n")
    print("| map | " + " | ".join(columns) + " |\n|" + "---|" * (len(columns) + 1))
    for (name, role), row in sorted(table.items(), key=lambda item: (item[0][1], item[0][0])):
        cells = []
        for column in columns:
            if column not in row:
                cells.append("-")
                continue
            rates = sorted(rate for rate, _ in row[column].values())
            text = f"{median(row[column]):.4g} ({rates[0]:.4g}-{rates[-1]:.4g})"
            if name == best[column]:
                text = f"**{text}**"
            if role == OURS and best[column]:
                other = table[best[column], PEER][column]
                ratio = [row[column][k][0] / other[k][0] for k in row[column] if k in other]
                if ratio:
                    text += f" = {statistics.median(ratio):.2f}x"
            cells.append(text)
        print(f"| {name} | " + " | ".join(cells) + " |")


def main(arguments):
    bars = arguments[1] if arguments[:1] == ["--bars"] else None
    tables = read(arguments[2:] if bars else arguments)
    if bars:
        print_bars(bars, tables)
        return
    for (keys, n, threads), table in sorted(tables.items()):
        print_table(f"{keys}, n={n}, threads={threads}", table)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
