# SPDX-License-Identifier: MIT
"""What the maps are to reach (bars.txt), and whether they do. Used by tables.py and report.py."""
import pathlib
import statistics
from dataclasses import dataclass, field

from results import ratios

DEFAULT = pathlib.Path(__file__).with_name("bars.txt")
HOLDS, MISSED, NOT_QUIET, NOT_MEASURED = VERDICTS = ("holds", "MISSED", "no quiet round", "not measured")


@dataclass
class Verdict:
    verdict: str
    other: str = ""  # what it was compared with
    values: list = field(default_factory=list)  # of the rounds that count
    held: int = 0

    def median(self):
        return statistics.median(self.values)


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
        return f"{self.name} {what}" if self.workload == "compile" else f"{self.name} {what} {self.keys} {self.n}, {self.threads} threads"

    def wanted(self, other):
        return f"{self.relation} {self.factor:g}" + (f" x {other}" if other else "")

    def judge(self, results):
        """It holds if it does in four of five rounds."""
        found = self.measure(results)
        if found is None:
            return Verdict(NOT_MEASURED)
        other, values = found[0], list(found[1].values())
        if not values:
            return Verdict(NOT_QUIET, other)
        held = sum(map(self.holds, values))
        return Verdict(HOLDS if held >= 0.8 * len(values) else MISSED, other, values, held)

    def measure(self, results):
        """(what it was compared with, {round: value}), or None if that was not measured."""
        if self.workload == "compile":
            found = [cost[self.counter] for cost in results.compile_cost or [] if cost["name"] == self.name]
            return ("", {0: found[0]}) if found else None
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
        """Rounds that had their share of the processors; a memory is the same in all."""
        return {key: value for key, value in values.items()
                if self.threads > 2 or self.workload == "m_memory" or cell.shares[key] >= 0.95}

    def holds(self, value):
        return value >= self.factor if self.relation == ">=" else value <= self.factor


def read(path=DEFAULT):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Bar(line) for line in lines if line.strip() and not line.startswith("#")]
