# SPDX-License-Identifier: MIT
"""Run by gdb in the frame of main of maps.cpp: what the printers show is what is there."""
import gdb

WIDE = "{a = 2, b = 3, c = 4}"
SQUARES = "squares"
EXPECTED = {
    "cmap_none": {},
    "cmap_small": {"1": "10", "2": "20"},
    "cmap_strings": {'"one"': '"1"', '"two"': '"2"', '"three"': '"3"'},
    "cmap_wide": {"1": WIDE},
    "cmap_large": (SQUARES, 20000),
    "cmap_list": (SQUARES, 20),
    "seqmap_none": {},
    "seqmap_small": {"1": "10", "2": "20"},
    "seqmap_wide": {"1": WIDE},
    "seqmap_large": (SQUARES, 20000),
    "seqmap_crowded": (SQUARES, 2000),
    "fixed_small": ["50"],
    "fixed_strings": ['"fifty"'],
    "shared": ["52"],
    "lockmap_none": {},
    "lockmap_small": {'"one"': "1", '"two"': "2"},
    "lockmap_wide": {"1": WIDE},
    "lockmap_large": (SQUARES, 5000),
    "lru_none": {},
    "lru_small": {'"one"': "1", '"two"': "2"},
    "hamt_none": {},
    "hamt_small": {"1": "10", "2": "20", "3": "30"},
    "hamt_before": {"1": "10", "2": "20"},
    "hamt_strings": {'"one"': '"1"', '"two"': '"2"'},
    "hamt_large": (SQUARES, 5000),
    "hamt_collision": {"1": '"a"', "2": '"b"'},
    "array_small": ["7", "7", "7"],
    "array_wide": [WIDE],
    "array_large": [str(i) for i in range(30000)],
}

failed = False


def expect(name, seen, wanted):
    global failed
    if seen != wanted:
        failed = True
        print("%s: %.200s, expected %.200s" % (name, seen, wanted))


for name, wanted in EXPECTED.items():
    printer = gdb.default_visualizer(gdb.parse_and_eval(name))
    if printer is None:
        expect(name, "no printer", "one")
        continue
    squares = isinstance(wanted, tuple)
    count = wanted[1] if squares else len(wanted)
    title = "with %d element%s" % (count, "" if count == 1 else "s")
    expect(name, title if printer.to_string().endswith(title) else printer.to_string(), title)
    shown = [child for _, child in printer.children()]
    if printer.display_hint() == "map":
        keys, values = shown[0::2], shown[1::2]
        if squares:
            expect(name, sorted((int(k), int(v)) for k, v in zip(keys, values)), [(i, i * i) for i in range(count)])
        elif isinstance(wanted, list):  # keys of bytes: the values will do
            expect(name, [str(v) for v in values], wanted)
        else:
            expect(name, {k.format_string(): v.format_string() for k, v in zip(keys, values)}, wanted)
            expect(name, len(keys), count)
    else:
        expect(name, [v.format_string() for v in shown], wanted)
gdb.execute("quit %d" % failed)
