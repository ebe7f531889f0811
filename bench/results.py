# SPDX-License-Identifier: MIT
"""The JSON of one or more runs, as medians and as ratios formed round by round. Used by tables.py and report.py."""
import json
import pathlib
import statistics

OURS, PEER, FIXED, CEILING, LIMIT = range(5)

# In the order of the tables; what they are called there.
WORKLOADS = {
    "a_hit": "find, hit", "b_miss": "find, miss", "c_zipf": "find, Zipf", "u_zipfinc": "increment, Zipf",
    "d_90_9_1": "90/9/1", "e_50_25_25": "50/25/25", "f_grow": "insert from empty", "h_erase": "erase all",
    "g_hot": "increment one key", "g_hot_backoff": "increment one key, with backoff and without", "g_hotread": "find one key", "i_iter": "visit all",
    "k_lock_uniform": "lock, uniform", "k_lock_zipf": "lock, Zipf", "k_lock_zipf_1us": "lock for 1 us, Zipf",
    "k_lock_absent": "lock, absent",
    "lru_zipf": "find or insert, Zipf", "lru_get_hit": "find, hit, Zipf", "lru_get_hit_uniform": "find, hit",
    "lru_miss": "find, miss", "lru_evict": "insert and evict", "lru_evict_held": "insert and evict, 100,000 held",
    "lru_lock": "lock, uniform", "lru_pin": "pin and read", "lru_hot": "find one key", "lru_hot_lock": "lock one key",
    "s_take": "take a snapshot", "s_iterate": "visit all of one", "s_diff": "diff of two, changes",
    "s_update": "update", "s_update_1ms": "update, a snapshot every ms", "l_insert": "insert, each timed", "m_memory": "insert, memory sampled", "n_empty": "make and destroy an empty map",
}
# Of the runs' own entries, in addition to rates.
NOT_COUNTERS = {"name", "run_name", "run_type", "repetition_index", "threads", "iterations", "real_time", "cpu_time",
                "time_unit", "items_per_second", "workload", "keys", "n", "map", "role", "cpu_share"}


class Cell:
    """What was measured of one map in one workload: {round: value}, and the share of the processors it had."""

    def __init__(self):
        self.rates, self.shares, self.counters = {}, {}, {}

    def add(self, key, run):
        self.rates[key] = run["items_per_second"] / 1e6
        self.shares[key] = run["cpu_share"]
        for name in (name for name in run if name not in NOT_COUNTERS):
            self.counters.setdefault(name, {})[key] = run[name]

    def values(self, counter=None):
        return self.counters.get(counter, {}) if counter else self.rates

    def median(self, counter=None):
        return statistics.median(self.values(counter).values())

    def range(self, counter=None):
        return min(self.values(counter).values()), max(self.values(counter).values())

    def spread(self):
        low, high = self.range()
        return (high - low) / self.median()


class Table:
    """Of one kind of keys, one size and one number of threads: cells by (map, workload)."""

    def __init__(self):
        self.roles, self.cells = {}, {}

    def maps(self, *roles):
        return [name for name, role in self.roles.items() if not roles or role in roles]

    def workloads(self):
        there = {workload for _, workload in self.cells}
        return [w for w in WORKLOADS if w in there] + sorted(there - WORKLOADS.keys())

    def get(self, name, workload):
        return self.cells.get((name, workload))

    def best(self, workload, among=None):
        """The concurrent peer (or the one among these names) with the best median."""
        names = [name for name in (among or self.maps(PEER)) if (name, workload) in self.cells]
        return max(names, key=lambda name: self.get(name, workload).median(), default=None)

    def ratio(self, name, workload):
        """To the best peer: the median of the rounds' ratios, or None."""
        best = self.best(workload)
        if best is None or (name, workload) not in self.cells:
            return None
        pairs = ratios(self.get(name, workload).rates, self.get(best, workload).rates)
        return statistics.median(pairs.values()) if pairs else None


def ratios(mine, others):
    return {key: mine[key] / others[key] for key in mine if others.get(key)}


class Results:
    def __init__(self, paths):
        """Files, or folders of them."""
        self.contexts, self.tables, self.compile_cost, self.compile_context = [], {}, None, {}
        files = [f for path in map(pathlib.Path, paths) for f in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
        for number, path in enumerate(files):
            content = json.loads(path.read_text(encoding="utf-8"))
            if "compile_cost" in content:
                self.compile_cost = content["compile_cost"]
                self.compile_context = content.get("compile_context", {})
                continue
            self.contexts.append(content["context"])
            for run in content["benchmarks"]:
                table = self.tables.setdefault((run["keys"], run["n"], run["threads"]), Table())
                table.roles[run["map"]] = run["role"]
                cell = table.cells.setdefault((run["map"], run["workload"]), Cell())
                cell.add((number, run["repetition_index"]), run)

    def table(self, keys, n, threads):
        return self.tables.get((keys, n, threads), Table())

    def threads(self, keys, n, workloads=None):
        """The numbers of threads that these keys and this size were measured with."""
        return sorted(t for (k, size, t), table in self.tables.items() if (k, size) == (keys, n) and
                      (workloads is None or set(workloads) & set(table.workloads())))

    def sizes(self, keys, workload):
        return sorted({n for (k, n, _), table in self.tables.items() if k == keys and workload in table.workloads()})

    def cells(self):
        return [cell for table in self.tables.values() for cell in table.cells.values()]

    def machine(self):
        """Lines that say where and how; what differs between the runs is listed."""
        def each(field):
            return ", ".join(dict.fromkeys(str(c.get(field, "unknown")) for c in self.contexts))

        if not self.contexts:
            return []

        def span(field):
            values = sorted({c.get(field, 0) for c in self.contexts})
            return " to ".join(f"{value:g}" for value in dict.fromkeys([values[0], values[-1]]))
        shares = [share for cell in self.cells() for share in cell.shares.values()]
        spreads = sorted(cell.spread() for cell in self.cells() if len(cell.rates) > 1)
        dates = sorted(c["date"][:10] for c in self.contexts)
        lines = [
            f"{each('cpu')}, {each('num_cpus')} processors, {each('caches')}; large pages: {each('large_pages')}",
            f"{each('system')}; {each('compiler')}, `{each('flags')}`",
            f"commit {each('commit')}, {' to '.join(dict.fromkeys([dates[0], dates[-1]]))}; medians of {span('rounds')} rounds of "
            f"{span('seconds')} s, share of the processors {statistics.median(shares):.2f} (median)",
        ]
        if spreads:
            lines[-1] += (f"; from round to round half of the cells vary by less than {spreads[len(spreads) // 2]:.0%}, "
                          f"nine in ten by less than {spreads[len(spreads) * 9 // 10]:.0%}")
        return lines


def short(number):
    """Three significant digits, at most."""
    if number == 0:
        return "0"
    if number >= 99.5:
        return f"{number:.0f}"
    text = f"{number:.3g}"
    return text if "e" not in text else f"{number:.4f}"
