#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a header costs those who include it: preprocessed lines, time to parse it, time to compile one use of its map
at -O2, size of that object. The maps of this library beside every other one that is found.

    python3 bench/compile_cost.py [--compiler g++] [--peers DIR...] [--json FILE]

Processor time, the best of five (parse) and of three (use) runs, because other jobs can only add. Includes the start of
the compiler, which the first line shows.
"""
import argparse
import datetime
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
USE = "K use(K k, V v) {{\n  {declare}\n  {insert}\n  V out = 0;\n  {find}\n  {erase}\n  return out;\n}}\n"
OPTIONAL_FIND = "if (auto found = m.find(k)) out = *found;"
ITERATOR_FIND = "if (auto found = m.find(k); found != m.end()) out = found->second;"


def entry(name, header, declare="", insert="m.try_emplace(k, v);", find=ITERATOR_FIND, erase="m.erase(k);", ours=False):
    code = USE.format(declare=declare, insert=insert, find=find, erase=erase) if declare else "K use(K k, V v) { return k + v; }\n"
    return {"name": name, "header": header, "code": code, "ours": ours}


def own(name, arguments="<K, V>", construction="", key="k"):
    declare = f"concur::{name}{arguments} m{construction};"
    return entry(f"concur/{name}.hpp", f"concur/{name}.hpp", declare, f"m.try_emplace({key}, v);",
                 OPTIONAL_FIND.replace("(k)", f"({key})"), f"m.erase({key});", ours=True)


ENTRIES = [
    entry("(nothing)", None),
    own("seqmap"), own("cmap"), own("hamt"), own("lockmap"), own("lru_lockmap"),
    own("fixed_map", "<V>", "(64)", "concur::key32{}"),
    entry("concur/concur.hpp", "concur/concur.hpp", "concur::cmap<K, V> m;", find=OPTIONAL_FIND, ours=True),
    entry("unordered_map", "unordered_map", "std::unordered_map<K, V> m;"),
    entry("boost/unordered/unordered_flat_map.hpp", "boost/unordered/unordered_flat_map.hpp",
          "boost::unordered_flat_map<K, V> m;"),
    entry("boost/unordered/concurrent_flat_map.hpp", "boost/unordered/concurrent_flat_map.hpp",
          "boost::concurrent_flat_map<K, V> m;", find="m.cvisit(k, [&](const auto& e) { out = e.second; });"),
    entry("oneapi/tbb/concurrent_hash_map.h", "oneapi/tbb/concurrent_hash_map.h", "tbb::concurrent_hash_map<K, V> m;",
          "m.insert({k, v});", "decltype(m)::const_accessor a; if (m.find(a, k)) out = a->second; a.release();"),
    entry("libcuckoo/cuckoohash_map.hh", "libcuckoo/cuckoohash_map.hh", "libcuckoo::cuckoohash_map<K, V> m;",
          "m.insert(k, v);", "m.find_fn(k, [&](const V& e) { out = e; });"),
    entry("absl/container/flat_hash_map.h", "absl/container/flat_hash_map.h", "absl::flat_hash_map<K, V> m;"),
    entry("xenium/vyukov_hash_map.hpp", "xenium/vyukov_hash_map.hpp",
          "xenium::vyukov_hash_map<K, V, xenium::policy::reclaimer<xenium::reclamation::epoch_based<>>> m;",
          "m.emplace(k, v);", "decltype(m)::accessor a; if (m.try_get_value(k, a)) out = *a;"),
    entry("parallel_hashmap/phmap.h", "parallel_hashmap/phmap.h", "phmap::parallel_flat_hash_map<K, V> m;",
          find="m.if_contains(k, [&](const auto& e) { out = e.second; });"),
    entry("parlay_hash/unordered_map.h", "parlay_hash/unordered_map.h", "parlay::parlay_unordered_map<K, V> m;",
          "m.Insert(k, v);", "if (auto found = m.Find(k)) out = *found;", "m.Remove(k);"),
    entry("folly/concurrency/ConcurrentHashMap.h", "folly/concurrency/ConcurrentHashMap.h",
          "folly::ConcurrentHashMap<K, V> m;", "m.emplace(k, v);", ITERATOR_FIND.replace("end", "cend")),
]
BEFORE = {"xenium/vyukov_hash_map.hpp": ["xenium/reclamation/generic_epoch_based.hpp"]}


def processor_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def best(times, command):
    took = []
    for _ in range(times):
        begin = processor_time()
        subprocess.run(command, check=True, capture_output=True)
        took.append((processor_time() - begin) * 1e3)
    return min(took)


def measure(compiler, flags, one, folder):
    source, target = folder / "use.cpp", folder / "use.o"
    includes = "".join(f"#include <{h}>\n" for h in BEFORE.get(one["header"], []) + [one["header"]] if h)
    source.write_text(includes, encoding="utf-8")
    lines = subprocess.run([compiler, *flags, "-E", "-P", str(source)], capture_output=True, text=True)
    if lines.returncode != 0:
        return None  # not found
    parse = best(5, [compiler, *flags, "-fsyntax-only", str(source)])
    source.write_text(includes + "using K = unsigned long;\nusing V = unsigned long;\n" + one["code"], encoding="utf-8")
    try:
        use = best(3, [compiler, *flags, "-O2", "-c", str(source), "-o", str(target)])
    except subprocess.CalledProcessError as error:
        print(f"{one['name']}: {error.stderr.decode().splitlines()[0]}", file=sys.stderr)
        return None
    return {"name": one["name"], "ours": one["ours"], "lines": len(lines.stdout.splitlines()), "parse_ms": round(parse, 1),
            "use_ms": round(use, 1), "object_bytes": target.stat().st_size}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default=os.environ.get("CXX") or "g++")
    parser.add_argument("--peers", nargs="*", type=pathlib.Path, default=[], help="folders as of -DCONCUR_PEERS")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    flags = ["-std=c++20", "-DNDEBUG", f"-I{ROOT / 'include'}"]
    for folder in options.peers:
        for path in [folder, folder / "include", *sorted(folder.glob("*")), *sorted(folder.glob("*/include"))]:
            if path.is_dir():
                flags += ["-isystem", str(path)]
    results = []
    print(f"{'header':42} {'lines':>8} {'parse ms':>9} {'use ms':>8} {'object':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for one in ENTRIES:
            found = measure(options.compiler, flags, one, pathlib.Path(folder))
            if found:
                results.append(found)
                print(f"{found['name']:42} {found['lines']:8} {found['parse_ms']:9.0f} {found['use_ms']:8.0f} {found['object_bytes']:8}",
                      flush=True)
    if options.json:
        version = subprocess.run([options.compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        context = {"compiler": version, "commit": commit or "unknown", "date": datetime.date.today().isoformat()}
        options.json.write_text(json.dumps({"compile_context": context, "compile_cost": results}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
