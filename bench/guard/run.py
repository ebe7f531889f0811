#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The regression guard: instructions and cache lines of the hot operations, against counts.txt.

    python3 bench/guard/run.py              # fails if an operation costs more than it did
    python3 bench/guard/run.py --update     # writes counts.txt anew: commit it with what changed it

Counts, not times: they are the same on a busy machine. Instructions are callgrind's; lines are the misses
of its first-level data cache of 32 KiB, whatever cache this machine has. Both include the loop and the key.
Compared only where they mean something: x86-64, g++ 12, valgrind installed; elsewhere it says so and passes; with `--required`
it fails if what is missing could be installed.
"""
import argparse
import ctypes
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COUNTS = HERE / "counts.txt"
FLAGS = ["-std=c++20", "-O2", "-march=x86-64", "-mtune=generic", "-DNDEBUG"]
CACHES = ["--I1=32768,8,64", "--D1=32768,8,64", "--LL=8388608,16,64"]
TOLERANCE = 0.03  # of a count; beside it half an instruction and two hundredths of a line
SLACK = (0.5, 0.02)
PRIVATE_EXPEDITED = 1 << 3 | 1 << 4  # of what membarrier can do: the command, and its registration


def skip(why, can_be_installed=True):
    print(f"regression guard: skipped, {why}")
    sys.exit(1 if can_be_installed and "--required" in sys.argv else 0)


def find_compiler(wanted):
    for name in [wanted] if wanted else ["g++-12", "g++"]:
        path = shutil.which(name)
        if path:
            version = subprocess.run([path, "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
            macros = subprocess.run([path, "-dM", "-E", "-x", "c++", "/dev/null"], capture_output=True, text=True).stdout
            if version.startswith("12.") and "__clang__" not in macros:
                return path, version
    skip("the counts are those of g++ 12, which is not here")


def build(compiler, folder, include, jobs):
    """One object for each file of this folder, linked to one program."""
    launcher = os.environ.get("CMAKE_CXX_COMPILER_LAUNCHER", "").split()
    flags = FLAGS + [f"-I{ROOT / 'include'}"] + [f"-isystem{path}" for path in include]
    sources = sorted(HERE.glob("*.cpp"))

    def compile_one(source):
        target = folder / (source.stem + ".o")
        subprocess.run(launcher + [compiler, *flags, "-c", str(source), "-o", str(target)], check=True)
        return str(target)

    with ThreadPoolExecutor(jobs) as pool:
        objects = list(pool.map(compile_one, sources))
    program = folder / "guard"
    subprocess.run([compiler, *objects, "-pthread", "-o", str(program)], check=True)
    return program


def run(program, folder):
    """{operation: (instructions, lines)}, each for one operation."""
    for old in folder.glob("callgrind.out*"):
        old.unlink()
    # What the C library chooses by the processor's features, and what the environment's size would move.
    environment = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-SSE4_2,-ERMS,-FSRM,-BMI2"}
    done = subprocess.run(
        [shutil.which("valgrind"), "--tool=callgrind", "--cache-sim=yes", *CACHES,
         f"--callgrind-out-file={folder / 'callgrind.out'}", str(program)],
        capture_output=True, text=True, env=environment, cwd=folder)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    operations = {}
    for line in done.stdout.splitlines():
        name, _, n = line.rpartition(" ")
        operations[name] = int(n)
    counts = {}
    for path in folder.glob("callgrind.out.*"):
        text = path.read_text(encoding="utf-8")
        trigger = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.M)
        if not trigger or trigger[1] not in operations:
            continue
        events = re.search(r"^events: (.*)$", text, re.M)[1].split()
        total = dict(zip(events, map(int, re.search(r"^(?:totals|summary): (.*)$", text, re.M)[1].split())))
        n = operations[trigger[1]]
        counts[trigger[1]] = (total["Ir"] / n, (total["D1mr"] + total["D1mw"]) / n)
    if set(counts) != set(operations):
        sys.exit(f"callgrind left no counts of {sorted(set(operations) - set(counts))}")
    return {name: counts[name] for name in operations}


def read_counts():
    counts = {}
    for line in COUNTS.read_text(encoding="utf-8").splitlines() if COUNTS.exists() else []:
        if line and not line.startswith("#"):
            name, instructions, lines = line.rsplit(maxsplit=2)
            counts[name.strip()] = (float(instructions), float(lines))
    return counts


def write_counts(counts, version):
    width = max(map(len, counts))
    rows = [f"# What one operation costs, loop and key included. Written by run.py --update: g++ {version} {' '.join(FLAGS)}",
            f"# {'operation':{width}} {'instructions':>12} {'lines':>7}"]
    rows += [f"{name:{width + 2}} {instructions:12.1f} {lines:7.3f}" for name, (instructions, lines) in counts.items()]
    COUNTS.write_text("\n".join(rows) + "\n", encoding="utf-8")


def compare(counts, committed):
    """The number of operations that got dearer, or that nobody has committed a count of."""
    failed = better = 0
    print(f"{'operation':44} {'instructions':>12} {'was':>9} {'lines':>7} {'was':>7}")
    for name, now in counts.items():
        was = committed.get(name)
        verdict = ""
        if was is None:
            verdict, failed = "not in counts.txt", failed + 1
        elif any(n > w * (1 + TOLERANCE) + slack for n, w, slack in zip(now, was, SLACK)):
            verdict, failed = "DEARER", failed + 1
        elif any(n < w * (1 - TOLERANCE) - slack for n, w, slack in zip(now, was, SLACK)):
            verdict, better = "cheaper", better + 1
        old = was or (float("nan"),) * 2
        print(f"{name:44} {now[0]:12.1f} {old[0]:9.1f} {now[1]:7.3f} {old[1]:7.3f}  {verdict}".rstrip())
    for name in committed:
        if name not in counts:
            print(f"{name}: in counts.txt, but not measured")
            failed += 1
    if failed:
        print(f"{failed} failed. Is the price worth it? Then: python3 bench/guard/run.py --update, and say why in the commit.")
    elif better:
        print("Some got cheaper: --update keeps them so.")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--required", action="store_true", help="fails where a tool is missing")
    parser.add_argument("--update", action="store_true", help="write counts.txt")
    parser.add_argument("--compiler", help="g++-12 or g++ by default")
    parser.add_argument("--include", action="append", default=[], help="where xxhash.h or valgrind are, if elsewhere")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "guard")
    options = parser.parse_args()
    if platform.machine() != "x86_64":
        skip("the counts are those of x86-64", can_be_installed=False)
    if not shutil.which("valgrind"):
        skip("there is no valgrind")
    commands = ctypes.CDLL(None).syscall(324, 0, 0, 0)  # membarrier: which are there, or -1
    if commands < 0 or commands & PRIVATE_EXPEDITED != PRIVATE_EXPEDITED:
        skip("the kernel or the container refuses membarrier, so readers fence by themselves", can_be_installed=False)
    compiler, version = find_compiler(options.compiler)
    header = subprocess.run([compiler, *(f"-isystem{path}" for path in options.include), "-E", "-include",
                             "valgrind/callgrind.h", "-x", "c++", "/dev/null"], capture_output=True)
    if header.returncode != 0:
        skip("there is no valgrind/callgrind.h")
    options.folder.mkdir(parents=True, exist_ok=True)
    counts = run(build(compiler, options.folder, options.include, options.jobs), options.folder)
    if options.update:
        write_counts(counts, version)
        print(COUNTS.read_text(encoding="utf-8"), end="")
        return 0
    return 1 if compare(counts, read_counts()) else 0


if __name__ == "__main__":
    sys.exit(main())
