#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts the tables and plots of a run into the documents that show them.

    python3 bench/report.py build/bench/results/20260101T000000Z                 # the parts, to read them
    python3 bench/report.py RESULTS... --docs docs/performance.md README.md      # into those documents
    python3 bench/report.py RESULTS... --docs docs/performance.md --parts 'growth|memory.*'      # those parts alone

RESULTS are JSON files, or folders of them, of one machine: all of what the documents show. A document has markers,

    <!-- report: u64 100000 -->
    <!-- end of report -->

and what stands between them is replaced: parts are `machine`, `limit`, `scaling`, `growth`, `memory`, `locks`, `snapshots`, `cache`,
`compile`, `bars`, `summary`, `beside_best`, and `KEYS SIZE` for a table of throughput; `memory KEYS` is that of other keys. A part that was not measured says so. `machine WORD` is
for a document of which some parts are of another run. Plots go to docs/plots/, light and dark.
"""
import argparse
import os
import pathlib
import re
import sys

import bars
import plots
from results import CEILING, FIXED, LIMIT, OURS, PEER, WORKLOADS, Results, short

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKERS = re.compile(r"(<!-- report: (.*?) -->\n).*?(<!-- end of report -->)", re.S)

NAMES = {
    "concur_seqmap": "concur::seqmap", "concur_cmap": "concur::cmap", "concur_hamt": "concur::hamt",
    "concur_lockmap": "concur::lockmap", "concur_fixed_map": "concur::fixed_map",
    "concur_shared_fixed_map": "concur::shared_fixed_map",
    "concur_shared_fixed_map_processes": "concur::shared_fixed_map, processes", "concur_lru": "concur::lru_lockmap",
    "concur_exact_lru": "concur::lru_lockmap, exact_lru", "concur_s3fifo": "concur::lru_lockmap, s3fifo",
    "concur_w_tinylfu": "concur::lru_lockmap, w_tinylfu", "lru_flat_spinlock": "flat LRUs, spinlocks",
    "lru_flat_mutex": "flat LRUs, mutexes", "lru_list_mutex": "list and map, mutexes", "tbb_lru_cache": "oneTBB concurrent_lru_cache",
    "boost_concurrent_flat": "boost::concurrent_flat_map", "boost_concurrent_node": "boost::concurrent_node_map", "parlayhash": "parlayhash", "growt_uaGrow": "growt uaGrow",
    "phmap_mutex": "phmap, 64 mutexes", "seq_concurrent": "seq::concurrent_map", "folly_concurrent": "folly::ConcurrentHashMap",
    "folly_concurrent_simd": "folly::ConcurrentHashMapSIMD",
    "tbb_hash_map": "oneTBB concurrent_hash_map", "libcuckoo": "libcuckoo", "xenium_vyukov": "xenium vyukov_hash_map",
    "libcds_feldman_hp": "libcds FeldmanHashMap", "liburcu_lfht_memb": "liburcu cds_lfht (memb)",
    "liburcu_lfht_qsbr": "liburcu cds_lfht (qsbr)", "growt_folklore": "growt folklore, fixed size",
    "shard64_boost_spin": "64 shards, spinlock, boost flat",
    "shard64_boost_mutex": "64 shards, mutex, boost flat", "shard64_absl_spin": "64 shards, spinlock, absl flat",
    "shard64_absl_mutex": "64 shards, mutex, absl flat", "std_unordered_mutex": "std::unordered_map, mutex",
    "std_unordered_shared_mutex": "std::unordered_map, shared_mutex", "1T_boost_flat": "boost flat, no threads",
    "crate_cmap": "crate cmap", "crate_fixed_map": "crate fixed_map",
    "crate_lockmap": "crate lockmap", "crate_lru_lockmap": "crate lockmap's LruLockMap", "1T_absl_flat": "absl flat, no threads", "1T_std_unordered": "std::unordered_map, no threads",
}
# In the tables, but not in the plots: variants of what is there.
NOT_PLOTTED = {"std_unordered_mutex", "shard64_boost_mutex", "shard64_absl_spin", "shard64_absl_mutex", "1T_absl_flat",
               "1T_std_unordered", "concur_shared_fixed_map"}
# On the first page: what most readers know or would write themselves.
SUMMARY = {"concur_seqmap", "concur_cmap", "concur_hamt", "concur_lockmap", "boost_concurrent_flat", "parlayhash",
           "growt_uaGrow", "folly_concurrent", "folly_concurrent_simd", "tbb_hash_map", "libcuckoo", "shard64_boost_spin", "1T_boost_flat"}
BESIDE_BEST = ["a_hit", "b_miss", "d_90_9_1", "e_50_25_25", "u_zipfinc", "f_grow"]  # its table of numbers
KEY_NAMES = {"u64": "8-byte keys and values", "string": "strings of 16 to 31 letters (std::string)", "k32": "32-byte keys",
             "text": "text of 16 to 31 letters in 32 bytes"}
THROUGHPUT = ["a_hit", "b_miss", "c_zipf", "u_zipfinc", "d_90_9_1", "e_50_25_25", "f_grow", "h_erase", "g_hot", "g_hotread",
              "i_iter"]
HELD = ["lru_lock", "lru_pin", "lru_hot", "lru_hot_lock"]  # of caches: keys that are held or contended
LATENCIES = {"p50_ns": 1, "p99_ns": 1, "p99.9_ns": 1, "p99.99_us": 1e3, "max_ms": 1e6}  # name: in nanoseconds


def size_name(n):
    for unit, name in ((1_000_000, " million"), (1000, ",000")):
        if n >= unit and n % unit == 0:
            return f"{n // unit}{name}"
    return str(n)


def threads_name(t):
    return "one thread" if t == 1 else "two threads" if t == 2 else f"{t} threads"


def order(table):
    """Ours first, then the peers by what they do best, then what is no peer."""
    first = list(NAMES)
    place = lambda name: first.index(name) if name in first else len(first)
    return sorted(table.maps(OURS, PEER, FIXED, CEILING), key=lambda name: (table.roles[name], place(name), name))


def label(name, role):
    text = NAMES.get(name, name)
    return f"**{text}**" if role == OURS else f"*{text}*" if role in (FIXED, CEILING) else text


def rows_of_plot(table, workloads):
    kinds = {OURS: "ours", PEER: "peer", FIXED: "ceiling", CEILING: "ceiling"}
    return [(name, (NAMES.get(name, name), kinds[table.roles[name]])) for name in order(table)
            if name not in NOT_PLOTTED and any(table.get(name, w) for w in workloads)]


def markdown(headings, rows):
    return "\n".join(["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)] +
                     ["| " + " | ".join(row) + " |" for row in rows])


class Report:
    def __init__(self, results, folder):
        self.results, self.folder, self.drawn = results, folder, []

    def picture(self, name, title, draw):
        """Draws for both kinds of pages; the markdown that shows the right one (the path is filled in by put)."""
        for theme in plots.THEMES:
            if self.folder:
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / f"{name}-{theme}.svg").write_text(draw(theme), encoding="utf-8")
        self.drawn.append(name)
        return (f'<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="@PLOTS@/{name}-dark.svg">\n'
                f'  <img alt="{title}" src="@PLOTS@/{name}-light.svg" width="{plots.WIDTH}">\n</picture>')

    # ---- throughput ------------------------------------------------------------------------------

    def rates_plot(self, name, title, keys, n, workloads, threads, relative, note, only=None):
        """Bars of the rates; relative(tables, row, map, workload, group) is the factor that stands beside one."""
        tables = [self.results.table(keys, n, t) for t in threads]
        rows = {row: map_ for table in tables for map_, row in rows_of_plot(table, workloads) if not only or map_ in only}
        rows = {row: rows[row] for row in sorted(rows, key=lambda r: ("ours", "peer", "ceiling").index(r[1]))}
        columns = [(w, WORKLOADS[w]) for w in workloads if any(w in table.workloads() for table in tables)]

        def value(row, workload, group):
            cell = tables[group].get(rows[row], workload)
            if cell is None:
                return None
            ratio = relative(tables, row, rows[row], workload, group)
            return (cell.median(), *cell.range(), short(cell.median()) + (f"  {ratio:.2f}×" if ratio else ""))

        return self.picture(name, title, lambda theme: plots.bars(
            theme, title, list(rows), columns, value, [threads_name(t) for t in threads], note))

    def throughput_plot(self, keys, n, workloads, name, only=None):
        threads = [t for t in self.results.threads(keys, n, workloads) if t <= 2] or self.results.threads(keys, n, workloads)[:1]
        title = f"{size_name(n)} elements, {KEY_NAMES.get(keys, keys)}: million operations per second"
        to_best = lambda tables, row, map_, w, group: tables[group].ratio(map_, w) if row[1] == "ours" else None
        return self.rates_plot(name, title, keys, n, workloads, threads, to_best,
                               "×: to the best concurrent map that is not ours; thin lines: from the slowest round to the fastest", only)

    def throughput_table(self, table):
        workloads = [w for w in THROUGHPUT if w in table.workloads()]
        rows = []
        for name in order(table):
            cells = []
            for w in workloads:
                cell = table.get(name, w)
                text = short(cell.median()) if cell else "–"
                ratio = table.ratio(name, w) if table.roles[name] == OURS else None
                cells.append(f"**{text}**" if name == table.best(w) else text + (f" ({ratio:.2f}×)" if ratio else ""))
            if any(text != "–" for text in cells):
                rows.append([label(name, table.roles[name]), *cells])
        return markdown([""] + [WORKLOADS[w] for w in workloads], rows)

    def throughput(self, keys, n):
        threads = self.results.threads(keys, n, THROUGHPUT)
        if not threads:
            return None
        parts = [self.throughput_plot(keys, n, ["a_hit", "b_miss", "d_90_9_1", "u_zipfinc", "f_grow"], f"{keys}-{n}")]
        for t in threads:
            table = self.throughput_table(self.results.table(keys, n, t))
            parts.append(f"<details><summary>All workloads, {threads_name(t)}</summary>\n\n{table}\n\n</details>")
        return "\n\n".join(parts)

    def summary(self, keys="u64", n=100_000):
        threads = [t for t in self.results.threads(keys, n, ["a_hit"]) if t <= 2]
        if not threads:
            return None
        where = self.results.contexts[0]
        return (self.throughput_plot(keys, n, ["a_hit", "b_miss", "d_90_9_1", "f_grow"], "summary", SUMMARY) +
                f"\n\n{where['cpu']}, {where['num_cpus']} processors, {where['compiler']}; commit {where['commit']}, {where['date'][:10]}. "
                "“90/9/1” is 90 % finds, 9 % insertions and 1 % erasures at a steady size.")

    def beside_best(self, keys="u64", n=100_000, threads=2):
        """Our maps, and of those of the first page that are not ours the best one for each workload."""
        table = self.results.table(keys, n, threads)
        workloads = [w for w in BESIDE_BEST if w in table.workloads()]
        peers = [name for name in table.maps(PEER) if name in SUMMARY]
        if not workloads or not peers:
            return None
        cells = lambda name: [short(cell.median()) if (cell := table.get(name, w)) else "–" for w in workloads]
        rate = lambda name, w: cell.median() if (cell := table.get(name, w)) else 0
        best = [max(peers, key=lambda name: rate(name, w)) for w in workloads]
        body = [[f"`{NAMES[name]}`", *cells(name)] for name in order(table) if name in SUMMARY and table.roles[name] == OURS]
        body.append(["the best of the others above"] + [f"{short(rate(name, w))} ({NAMES[name].removeprefix('boost::')})"
                                                        for name, w in zip(best, workloads)])
        body += [[f"`{NAMES[name]}`", *cells(name)] for name in peers if name == "boost_concurrent_flat"]
        return (f"{threads_name(threads).capitalize()}, million operations per second:\n\n" +
                markdown([""] + [WORKLOADS[w] for w in workloads], body))

    def scaling(self, keys="u64", n=100_000):
        workloads = [w for w in ("a_hit", "d_90_9_1", "f_grow") if len(self.results.threads(keys, n, [w])) > 1]
        if not workloads:
            return None
        threads = self.results.threads(keys, n, workloads)
        title = f"{size_name(n)} elements, {KEY_NAMES[keys]}: million operations per second by threads"

        def to_one(tables, row, map_, w, group):
            cells = [table.get(map_, w) for table in (tables[0], tables[group])]
            return cells[1].median() / cells[0].median() if group and all(cells) else None

        plot = self.rates_plot("scaling", title, keys, n, workloads, threads, to_one,
                               f"×: to {threads_name(threads[0])}; {self.results.contexts[0]['num_cpus']} processors")
        tables = [self.results.table(keys, n, t) for t in threads]
        names = list(dict.fromkeys(name for table in tables for name in order(table)))
        body = []
        for name in names:
            role = next(table.roles[name] for table in tables if name in table.roles)
            cells = [" / ".join(short(cell.median()) if (cell := table.get(name, w)) else "–" for table in tables) +
                     (f" (×{last:.2f})" if (last := to_one(tables, None, name, w, len(tables) - 1)) else "") for w in workloads]
            if role != CEILING and any(text.strip(" –/") for text in cells):
                body.append([label(name, role), *cells])
        heading = f"On {' / '.join(map(str, threads))} threads; in brackets the last to the first:"
        return f"{plot}\n\n{heading}\n\n" + markdown([""] + [WORKLOADS[w] for w in workloads], body)

    # ---- what is not throughput --------------------------------------------------------------------

    def growth(self, keys="u64"):
        sizes = self.results.sizes(keys, "l_insert")
        if not sizes:
            return None
        n = sizes[-1]
        threads = self.results.threads(keys, n, ["l_insert"])
        tables = {t: self.results.table(keys, n, t) for t in threads}
        beside = max((t for t in threads if t <= self.results.contexts[0]["num_cpus"]), default=max(threads))
        columns = [((threads[0], ""), "each insertion")] + ([((beside, "find_"), "each find beside it")] if beside > 1 else [])
        rows = {row: name for t in threads for name, row in rows_of_plot(tables[t], ["l_insert"]) if row[1] != "ceiling"}

        def points(row, column):
            cell = tables[column[0]].get(rows[row], "l_insert")
            if cell is None or column[1] + "max_ms" not in cell.counters or cell.median(column[1] + "max_ms") == 0:
                return None  # not measured, or over before a find was made
            return [cell.median(column[1] + what) * scale for what, scale in LATENCIES.items()]

        title = f"Latency while growing to {size_name(n)} elements"
        parts = [self.picture("growth", title, lambda theme: plots.ranges(theme, title, list(rows), points, columns))]
        headings = ["", "p50", "p99", "p99.9", "p99.99", "worst", "the best round's worst", "over 1 ms"]
        for (t, prefix), heading in columns:
            body = []
            for row, name in rows.items():
                found, cell = points(row, (t, prefix)), tables[t].get(name, "l_insert")
                if found:
                    body.append([label(name, tables[t].roles[name]), *map(plots.nanoseconds, found),
                                 plots.nanoseconds(cell.range(prefix + "max_ms")[0] * 1e6),
                                 short(cell.median(prefix + "over_1ms"))])
            parts.append(f"{heading.capitalize()} ({threads_name(t)}):\n\n" + markdown(headings, body))
        return "\n\n".join(parts)

    def memory(self, keys="u64"):
        sizes = self.results.sizes(keys, "m_memory")
        if not sizes:
            return None
        n = sizes[-1]
        table = self.results.table(keys, n, 1)
        columns = [("resident_B", f"at {size_name(n)}"), ("resident_mean_B", "mean, from half of it on"),
                   ("resident_peak_B", "peak while growing")]
        rows = dict((row, name) for name, row in rows_of_plot(table, ["m_memory"]))

        def value(row, counter, _):
            cell = table.get(rows[row], "m_memory")
            number = cell.median(counter) if cell and counter in cell.counters else 0
            return (number, number, number, short(number)) if number > 0 else None

        title = f"Bytes per element, {size_name(n)} elements, {KEY_NAMES[keys]}"
        parts = [self.picture("memory" + ("" if keys == "u64" else f"-{keys}"), title, lambda theme: plots.bars(theme, title, list(rows), columns, value, [""]))]
        body = []
        for name in order(table):
            cell = table.get(name, "m_memory")
            if cell is None:
                continue
            # Making an empty map takes the same time at any size; where it was measured does not matter.
            empties = [t.get(name, "n_empty") for (k, _, _), t in self.results.tables.items() if k == keys and t.get(name, "n_empty")]
            body.append([label(name, table.roles[name])] +
                        [short(cell.median(c)) for c in ("resident_B", "resident_mean_B", "resident_peak_B", "heap_B",
                                                         "empty_object_B", "empty_heap_B")] +
                        [plots.nanoseconds(1e3 / empties[0].median()) if empties else "–"])
        headings = ["", "resident", "mean", "peak", "heap", "empty: object", "empty: heap", "empty: make and destroy"]
        return "\n\n".join(parts + [markdown(headings, body)])

    def by_threads(self, prefix, name="", plotted=(), apart=(), keys="u64"):
        """A plot and a table for each size: workloads with this prefix on every number of threads; those of `apart` in a second table."""
        parts = []
        found = {(n, w) for (k, n, _), table in self.results.tables.items() if k == keys
                 for w in table.workloads() if w.startswith(prefix)}
        for n in sorted({n for n, _ in found}):
            workloads = sorted((w for size, w in found if size == n), key=lambda w: (list(WORKLOADS).index(w) if w in WORKLOADS else 99, w))
            threads = self.results.threads(keys, n, workloads)
            parts.append(f"{size_name(n)} keys, on {' / '.join(map(str, threads))} threads:")
            drawn = [w for w in plotted if w in workloads]
            if drawn:
                parts.append(self.throughput_plot(keys, n, drawn, f"{name}-{n}"))
            for group in ([w for w in workloads if w not in apart], [w for w in workloads if w in apart]):
                if group:
                    parts.append(self.table_by_threads(keys, n, threads, group))
            parts += self.counters_of(keys, n, threads[0], workloads)
        return "\n\n".join(parts) or None

    def table_by_threads(self, keys, n, threads, workloads):
        names = list(dict.fromkeys(name for t in threads for name in order(self.results.table(keys, n, t))))
        body = []
        for name in names:
            cells, role = [], PEER
            for w in workloads:
                texts = []
                for t in threads:
                    table = self.results.table(keys, n, t)
                    cell = table.get(name, w)
                    role = table.roles.get(name, role)
                    ratio = table.ratio(name, w) if cell and role == OURS else None
                    texts.append((short(cell.median()) if cell else "–") + (f" ({ratio:.2f}×)" if ratio else ""))
                cells.append(" / ".join(texts))
            if any(text.strip(" –/") for text in cells):
                body.append([label(name, role), *cells])
        return markdown([""] + [WORKLOADS.get(w, w) for w in workloads], body)

    def counters_of(self, keys, n, t, workloads):
        """What such workloads count beside the rate: hit ratios."""
        table = self.results.table(keys, n, t)
        body, columns = [], []
        for w in workloads:
            for counter in dict.fromkeys(c for name in table.maps() for c in (table.get(name, w).counters if table.get(name, w) else [])):
                columns.append((w, counter))
        for name in order(table):
            cells = [table.get(name, w) for w, _ in columns]
            if any(cells):
                body.append([label(name, table.roles[name])] + [f"{cell.median(c):.4g}" if cell and c in cell.counters else "–"
                                                                for cell, (_, c) in zip(cells, columns)])
        return [markdown([""] + [f"{WORKLOADS.get(w, w)}: {c}" for w, c in columns], body)] if columns else []

    def limit(self):
        """What the machine can do: no map at all."""
        what = {("hashed_loads", "a_hit"): "independent loads, hashed", ("dependent_loads", "a_hit"): "dependent loads",
                ("fetch_add", "g_hot"): "fetch_add of one word", ("compare_exchange", "g_hot"): "compare_exchange of one word"}
        body = []
        for (keys, n, t), table in sorted(self.results.tables.items()):
            cells = [table.get(*key) for key in what]
            if any(cells):
                body.append([size_name(n), str(t)] + [short(cell.median()) if cell else "–" for cell in cells])
        return markdown(["elements", "threads", *what.values()], body) if body else None

    def compile(self):
        if not self.results.compile_cost:
            return None
        body = [[f"**`{c['name']}`**" if c["ours"] else f"`{c['name']}`", f"{c['lines']:,}", f"{c['parse_ms']:.0f}",
                 f"{c['use_ms']:.0f}", f"{c['object_bytes'] / 1024:.0f}"] for c in self.results.compile_cost]
        context = self.results.compile_context
        where = f"{context['compiler']}; commit {context['commit']}, {context['date']}.\n\n" if context else ""
        return where + markdown(["", "lines, preprocessed", "include: ms", "one use, -O2: ms", "its object: KiB"], body)

    def bars(self):
        """What was wanted, and what came out."""
        body, counts = [], dict.fromkeys(bars.VERDICTS, 0)
        for bar in bars.read():
            found = bar.judge(self.results)
            counts[found.verdict] += 1
            if found.verdict == bars.NOT_MEASURED:
                continue
            what = WORKLOADS.get(bar.workload, bar.workload) + (f": {bar.counter}" if bar.counter else "")
            where = "" if bar.workload == "compile" else f"{KEY_NAMES[bar.keys].split(' (')[0]}, {size_name(bar.n)}, {threads_name(bar.threads)}"
            other, _, rest = found.other.partition(" ")
            wanted = f"{'≥' if bar.relation == '>=' else '≤'} {bar.factor:g}" + (f" × {NAMES.get(other, other)} {rest}".rstrip() if other else "")
            verdict = f"**{found.verdict.lower()}**" if found.verdict == bars.MISSED else found.verdict
            number = short(found.median()) + (f" ({short(min(found.values))}–{short(max(found.values))})" if len(found.values) > 1 else "") if found.values else ""
            body.append([NAMES.get(bar.name, f"`{bar.name}`"), what, where, wanted, number, verdict])
        if not body:
            return None
        summary = ", ".join(f"{number} {what.lower()}" for what, number in counts.items())
        return f"{summary}.\n\n" + markdown(["", "", "", "wanted", "measured", ""], body)

    def machine(self):
        return "\n".join(f"- {line}" for line in self.results.machine()) or None

    def part(self, name):
        words = name.split()
        if len(words) == 2 and words[1].isdigit():
            return self.throughput(words[0], int(words[1]))
        if len(words) == 2 and words[0] == "memory":
            return self.memory(words[1])
        if words[0] == "machine":
            return self.machine()
        simple = {"locks": lambda: self.by_threads("k_", "locks", ["k_lock_uniform", "k_lock_zipf", "k_lock_absent"]),
                  "cache": lambda: self.by_threads("lru_", "caches", ["lru_zipf", "lru_get_hit", "lru_miss", "lru_evict", "lru_evict_held"], HELD),
                  "snapshots": lambda: self.by_threads("s_")}
        for known in ("machine", "limit", "scaling", "growth", "memory", "compile", "bars", "summary", "beside_best"):
            simple[known] = getattr(self, known)
        if name not in simple:
            sys.exit(f"no part of a report is called {name!r}")
        return simple[name]()

    def parts(self):
        """Every part that was measured."""
        names = ["machine", "summary", "beside_best"]
        names += [f"{k} {n}" for k in KEY_NAMES for n in sorted({n for key, n, _ in self.results.tables if key == k})]
        return names + ["scaling", "growth", "memory", "memory string", "memory k32", "locks", "snapshots", "cache", "limit", "compile", "bars"]

    def put(self, path, wanted):
        """Replaces what is between the markers of a document, where the part's name is wanted."""
        text = path.read_text(encoding="utf-8")
        plots_there = pathlib.Path(os.path.relpath(self.folder, path.parent)).as_posix()

        def fill(found):
            if not wanted.fullmatch(found[2]):
                return found[0]
            content = self.part(found[2]) or "*Not measured in this run.*"
            return f"{found[1]}\n{content.replace('@PLOTS@', plots_there)}\n\n{found[3]}"

        new, number = MARKERS.subn(fill, text)
        path.write_text(new, encoding="utf-8")
        print(f"{path}: {number} parts")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+")
    parser.add_argument("--docs", nargs="+", type=pathlib.Path, default=[], help="documents with markers")
    parser.add_argument("--parts", type=re.compile, default=re.compile(".*"), help="which parts of the documents, a regular expression")
    parser.add_argument("--plots", type=pathlib.Path, help="where plots go; docs/plots with --docs")
    options = parser.parse_args()
    folder = options.plots or (ROOT / "docs" / "plots" if options.docs else None)
    report = Report(Results(options.results), folder.resolve() if folder else None)
    for path in options.docs:
        report.put(path.resolve(), options.parts)
    if not options.docs:
        for name in report.parts():
            content = report.part(name)
            if content:
                print(f"## {name}\n\n{content.replace('@PLOTS@', str(folder or 'docs/plots'))}\n")


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # a reader like head that has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
