#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Are the tests good enough to notice small errors in the library?

    python3 tests/mutants/run.py [--jobs N] [--compiler g++] [--only TEXT] [list...]

Every list here, seqmap.txt for one, names mutants: a few lines of a header and what stands there
instead. Each is applied to a copy of the headers; the one test that the record names is built with the
copy and must fail (a native test may also hang). Every named test is built with the headers as they are, too, and
must pass. Prints a line per mutant; the exit status is 1 if one survived. Takes minutes: not part of CTest.
"""
import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
work = root / "build" / "mutants"


class Mutant:
    def __init__(self, name):
        self.name, self.file, self.test, self.filter = name, "", "", []
        self.before, self.after = [], []


def read(path):
    mutants = []
    for line in path.read_text().splitlines():
        word, _, rest = line.partition(" ")
        if word == "mutant":
            mutants.append(Mutant(rest))
        elif word == "file":
            mutants[-1].file = rest
        elif word == "test":
            mutants[-1].test, _, chosen = rest.partition(" ")
            mutants[-1].filter = [chosen] if chosen else []
        elif word == "-":
            mutants[-1].before.append(rest)
        elif word == "+":
            mutants[-1].after.append(rest)
    return mutants


def compiled(arguments, source, include, to):
    is_model = source.startswith("model/")
    flags = ["-g1", "-fsanitize=thread"] if is_model else []  # not optimised: compiling is the cost
    command = [arguments.compiler, "-std=c++20", *flags, "-w", f"-I{include}", f"-I{root}/tests",
               f"-I{root}/tests/model", "-c", f"{root}/tests/{source}", "-o", f"{to}.o"]
    subprocess.run(command, check=True, capture_output=True)
    link = [arguments.compiler, f"{to}.o", str(work / "main.o"), "-o", str(to), "-lpthread", "-ldl"]
    if is_model:
        link += ["-rdynamic", *map(str, sorted(work.glob("checker/*.o")))]
    subprocess.run(link, check=True, capture_output=True)


def passes(program, chosen, seconds, may_hang=True):
    """True, or why not."""
    try:
        # --abort: the first failure is enough.
        done = subprocess.run([str(program), "--abort", *chosen], capture_output=True,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        # The model checker finds for itself what does not end.
        return "does not end" if may_hang else "TOO SLOW"
    text = done.stdout.decode(errors="replace")
    if "No test cases matched" in text or "No tests ran" in text:
        sys.exit(f"no test {chosen} in {program}")
    if done.returncode == 0:
        return True
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if ": " in line and any(
        word in line for word in ("requirement", "race", "use after free", "leak", "deadlock",
                                  "livelock", "crash", "FAILED", "not linearizable"))]
    return told[0][:110] if told else f"status {done.returncode}"


def prepare(arguments):
    shutil.rmtree(work, ignore_errors=True)
    (work / "checker").mkdir(parents=True)
    jobs = [[arguments.compiler, "-std=c++20", "-O1", f"-I{root}/tests", "-c",
             f"{root}/tests/support/main.cpp", "-o", str(work / "main.o")]]
    for source in sorted((root / "tests/model/checker").glob("*.cpp")):
        jobs.append([arguments.compiler, "-std=c++20", "-O2", "-fno-builtin", "-ftree-vectorize",
                     f"-I{root}/tests/model", "-w", "-c", str(source), "-o",
                     str(work / "checker" / (source.stem + ".o"))])
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        list(pool.map(lambda job: subprocess.run(job, check=True), jobs))


def check_unchanged(arguments, test, filters):
    program = work / ("plain_" + test.replace("/", "_"))
    compiled(arguments, test, root / "include", program)
    whys = [(chosen, passes(program, chosen, 900)) for chosen in filters]
    return "\n".join(f"{test} {list(chosen)} fails without a mutant: {why}"
                     for chosen, why in whys if why is not True)


def verdict(arguments, number, mutant):
    folder = work / str(number)
    shutil.copytree(root / "include", folder / "include")
    path = folder / "include/concur/detail" / mutant.file
    text = path.read_text()
    before = "".join(line + "\n" for line in mutant.before)
    if text.count(before) != 1:
        return None, f"its lines stand there {text.count(before)} times"
    path.write_text(text.replace(before, "".join(line + "\n" for line in mutant.after)))
    try:
        compiled(arguments, mutant.test, folder / "include", folder / "test")
    except subprocess.CalledProcessError as error:
        return None, "does not compile: " + error.stderr.decode(errors="replace")[:400]
    # The model checker finds for itself what does not end.
    may_hang = not mutant.test.startswith("model/")
    why = passes(folder / "test", mutant.filter, arguments.seconds, may_hang)
    shutil.rmtree(folder)
    if why == "TOO SLOW":
        return None, f"undecided after {arguments.seconds} s"
    return (False, "survived") if why is True else (True, why)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--only", default="")
    parser.add_argument("lists", nargs="*", default=sorted(here.glob("*.txt")), type=pathlib.Path)
    arguments = parser.parse_args()
    mutants = [m for path in arguments.lists for m in read(path) if arguments.only in m.name]
    prepare(arguments)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        tests = {m.test: sorted({tuple(o.filter) for o in mutants if o.test == m.test})
                 for m in mutants}
        unchanged = [pool.submit(check_unchanged, arguments, *t) for t in tests.items()]
        results = pool.map(lambda p: (p[1], verdict(arguments, *p)), enumerate(mutants))
        killed = 0
        for mutant, (dead, why) in results:
            killed += dead is True
            said = "killed  " if dead else "survived" if dead is False else "INVALID "
            print(f"{said}  {mutant.name} ({mutant.file}, {mutant.test}): {why}", flush=True)
        bad = [one.result() for one in unchanged if one.result()]
    print("\n".join([f"{len(mutants)} mutants, {killed} killed", *bad]))
    sys.exit(killed != len(mutants) or bool(bad))


main()
