# SPDX-License-Identifier: MIT
"""GDB shows concur's maps as their elements: source this file, by hand or in ~/.gdbinit.

    (gdb) source concur_printers.py
    (gdb) print words
    $1 = concur::cmap with 2 elements = {["one"] = 1, ["two"] = 2}

What is read is memory alone, so that it works on a core dump too; no function of the program is called. A map
that other threads are changing is shown as it lies there: an element may then be missing, or come twice.
The layouts are those that are drawn at the top of the headers in concur/detail.
"""
import re

import gdb

ADDRESS_BITS = 48  # what is above them in a word of cmap and lockmap is no address


class Memory:
    """Words and types of the program, by address."""

    def __init__(self, prefix):
        self.prefix = prefix  # concur::v0_1::
        self.u32 = self.unsigned(4)
        self.u64 = self.unsigned(8)

    @staticmethod
    def unsigned(size):
        names = ("unsigned int", "unsigned long", "unsigned long long")
        return next(t for t in map(gdb.lookup_type, names) if t.sizeof == size)

    def own(self, name):
        return gdb.lookup_type(self.prefix + "detail::" + name)

    def at(self, address, type_):
        return gdb.Value(address).cast(type_.pointer()).dereference()

    def word(self, address):
        return int(self.at(address, self.u64))

    def half(self, address):
        return int(self.at(address, self.u32))

    def atomic(self, value):
        """What a std::atomic holds, whichever library it is from."""
        return int(self.at(int(value.address), self.unsigned(value.type.sizeof)))


def align(offset, alignment):
    return (offset + alignment - 1) // alignment * alignment


class Pair:
    """std::pair<const Key, T> by its layout: its name is hard to guess."""

    def __init__(self, memory, key, mapped):
        self.memory, self.key, self.mapped = memory, key, mapped
        self.second = align(key.sizeof, mapped.alignof)
        self.alignment = max(key.alignof, mapped.alignof)
        self.size = align(self.second + mapped.sizeof, self.alignment)

    def read(self, address):
        yield self.memory.at(address, self.key)
        yield self.memory.at(address + self.second, self.mapped)


def counted(memory, counter):
    """The sum of a striped_counter."""
    base = memory.atomic(counter["base_"])
    stripes = memory.atomic(counter["stripes_"])
    if stripes != 0:
        base += sum(memory.word(stripes + 64 * i) for i in range(32))
    base &= (1 << 64) - 1
    return 0 if base >> 63 else base


def bases(type_):
    """A class and everything that it derives from."""
    yield type_
    for field in type_.fields():
        if field.is_base_class:
            yield from bases(field.type.strip_typedefs())


def static_number(type_, name):
    """The value of a static constant of a class."""
    try:
        return int(gdb.Value(0).cast(type_.pointer()).dereference()[name])
    except gdb.error:
        return int(gdb.parse_and_eval("%s::%s" % (type_, name)))


def is_inline(memory, pair, types, room):
    """Whether pairs lie in the leaves: they are trivially copyable, and small enough for `room`."""
    if pair.size > static_number(memory.own(room), "inline_bytes"):
        return False
    scalars = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_FLT,
               gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_CHAR)
    if all(t.strip_typedefs().code in scalars for t in (pair.key, pair.mapped)):
        return True
    # Of classes the program says it. Compilers leave that out for types of an unnamed namespace.
    return static_number(types, "is_inline") != 0


def argument_named(type_, pattern):
    """The first template argument of that name, of a class or of what it derives from."""
    for base in bases(type_):
        for i in range(16):
            try:
                argument = base.template_argument(i)
            except (RuntimeError, gdb.error):
                break
            if isinstance(argument, gdb.Type) and re.search(pattern, str(argument.strip_typedefs())):
                return argument.strip_typedefs()
    raise gdb.error("no template argument is a " + pattern)


class Map:
    """What the printers of maps have in common: a name, a count, and elements as pairs."""

    def __init__(self, value, name, prefix):
        self.value, self.name = value, name
        self.memory = Memory(prefix)
        self.type = value.type.strip_typedefs()

    def types(self):
        return self.type.template_argument(0), self.type.template_argument(1)

    def to_string(self):
        n = self.size()
        return "concur::%s with %d element%s" % (self.name, n, "" if n == 1 else "s")

    def children(self):
        for i, pair in enumerate(self.elements()):
            for k, v in enumerate(pair):
                yield "[%d]" % (2 * i + k), v

    def display_hint(self):
        return "map"


class Cmap(Map):
    """detail/cmap/table.hpp, slot_word.hpp, node.hpp"""

    def size(self):
        return counted(self.memory, self.value["engine_"]["counter_"])

    def elements(self):
        m, engine = self.memory, self.value["engine_"]
        self.pair = Pair(m, *self.types())
        types = argument_named(engine.type.strip_typedefs(), r"^concur::.*::cmap::engine_types<")
        self.is_inline = is_inline(m, self.pair, types, "cmap::default_tuning")
        self.has_filter = static_number(m.own("cmap::default_tuning"), "has_filter")
        self.node_size = m.own("cmap::other_node").sizeof
        self.type_at = m.own("epoch_node").sizeof
        log2_segment = static_number(m.own("cmap::default_tuning"), "log2_segment")
        directory = m.own("cmap::directory")
        table = m.atomic(engine["root_"]) & ~63
        while table != 0:
            log2 = m.half(table + self.type_at + 4)
            slots = 1 << min(log2, log2_segment)
            for i in range(1 << max(log2 - log2_segment, 0) if log2 != 0 else 0):
                segment = m.word(table + directory.sizeof + 8 * i)
                if segment > 1:
                    for k in range(slots):
                        yield from self.below(m.word(segment + 8 * k))
            table = m.atomic(m.at(table, directory)["next"])

    def below(self, word):
        m = self.memory
        address = word & ((1 << ADDRESS_BITS) - 16 if self.has_filter else ~15)
        kind = word >> 1 & 7
        if kind == 0:
            return
        if kind < 7:
            for i in range(kind):
                if self.is_inline:
                    yield self.pair.read(address + i * self.pair.size)
                elif kind == 1:
                    yield self.element(address)
                else:
                    yield self.element(m.word(address + 8 * i))
        elif m.half(address + self.type_at) == 0:  # a branch
            for i in range(1 << (m.half(address + self.type_at + 4) >> 8)):
                yield from self.below(m.word(address + self.node_size + 8 * i))
        else:  # a list of equal hashes
            cell = address
            while cell != 0:
                hash_at = align(self.node_size, 8)
                content = cell + hash_at + 16
                if self.is_inline:
                    yield self.pair.read(align(content, self.pair.alignment))
                else:
                    yield self.element(m.word(content))
                cell = m.word(cell + hash_at + 8)

    def element(self, entry):
        address = entry & ((1 << ADDRESS_BITS) - 1) if self.has_filter else entry
        return self.pair.read(address + align(8, self.pair.alignment))


class Seqmap(Map):
    """detail/seqmap/table.hpp, bucket.hpp"""

    def size(self):
        return counted(self.memory, self.value["engine_"]["counter_"])

    def elements(self):
        m, engine = self.memory, self.value["engine_"]
        self.key, self.mapped = self.types()
        table = engine["retired_"].type.strip_typedefs().template_argument(0).target()
        self.bucket = table.strip_typedefs().template_argument(0).strip_typedefs()
        first = m.atomic(engine["root_"]) & ~127
        address = first
        while address != 0:
            header = m.at(address, table)
            count = 1 << int(header["log2_buckets"])
            log2_block = min(int(header["log2_buckets"]), 8)
            start = address + table.sizeof
            states = start + count * self.bucket.sizeof
            annexes = m.atomic(header["annexes"])
            for block in range(count >> log2_block):
                if int(m.at(states + block, gdb.lookup_type("unsigned char"))) != 2:
                    continue
                for i in range(block << log2_block, (block + 1) << log2_block):
                    yield from self.cells(start + i * self.bucket.sizeof)
                page = m.word(annexes + 8 * block) if annexes != 0 else 0
                while page != 0:
                    for i in range(m.half(page + 16)):
                        yield from self.cells(page + 128 + i * self.bucket.sizeof)
                    page = m.word(page)
            address = m.atomic(header["next"])

    def cells(self, address):
        bucket = self.memory.at(address, self.bucket)
        state = self.memory.atomic(bucket["state_word"])
        keys, values = bucket["keys"], bucket["values"]
        for i in range(keys.type.range()[1] + 1):
            if state >> (6 + i) & 1:
                yield (
                    self.memory.at(int(keys[i].address), self.key),
                    self.memory.at(int(values[i].address), self.mapped),
                )


class SeqArray(Map):
    """detail/seq_array/geometry.hpp, directory.hpp"""

    def size(self):
        return self.memory.atomic(self.value["engine_"]["size_"])

    def children(self):
        m, engine = self.memory, self.value["engine_"]
        directory = engine["directory_"]
        kind = directory.type.strip_typedefs()
        cell, geometry = kind.template_argument(0).strip_typedefs(), kind.template_argument(2)
        first, full = (int(geometry.strip_typedefs().template_argument(i)) for i in (0, 1))
        element = self.type.template_argument(0)
        for i in range(self.size()):
            if i >> full != 0:
                chunk, offset = (i >> full) + full - first, i & ((1 << full) - 1)
            elif i >> first == 0:
                chunk, offset = 0, i
            else:
                high = i.bit_length() - 1
                chunk, offset = high - first + 1, i - (1 << high)
            segment = ((chunk + 8).bit_length() - 4) // 2
            slots = m.atomic(directory["segments_"][segment])
            if slots == 0:
                return
            cells = m.word(slots + 8 * (chunk + 8 - (8 << 2 * segment))) & ~1
            if cells == 0:
                return
            where = m.at(cells + offset * cell.sizeof, cell)["words_"]
            yield "[%d]" % i, m.at(int(where.address), element)

    def display_hint(self):
        return "array"


class FixedMap(Map):
    """detail/fixed_map/values.hpp, slot_word.hpp"""

    def capacity(self):
        return int(self.value["engine_"]["capacity_"])

    def size(self):
        return counted(self.memory, self.value["engine_"]["size_"])

    def elements(self):
        states = self.memory.own("fixed_map::slot_state").fields()
        member = next(f.enumval for f in states if f.name.endswith("member"))
        slots = self.value["engine_"]["slots_"]
        slot = slots.type.target().strip_typedefs()
        key, mapped = (slot.template_argument(i) for i in (0, 1))
        for i in range(self.capacity()):
            here = self.memory.at(int(slots) + i * slot.sizeof, slot)
            word = self.memory.atomic(here["word"])
            if word & 7 == member:
                yield (
                    self.memory.at(int(here["key"].address), key),
                    self.mapped(here["value"], word >> 4 & 1, mapped),
                )

    def mapped(self, form, copy, mapped):
        return self.memory.at(int(form.address), mapped)


class SharedFixedMap(FixedMap):
    """The same in shared memory, where a slot has two copies of the value."""

    def capacity(self):
        return int(self.value["engine_"]["mask_"]) + 1

    def size(self):
        header = self.memory.own("fixed_map::region_header")
        counters = self.memory.at(int(self.value["engine_"]["base_"]), header)["counters"]
        return sum(self.memory.atomic(counters[i]["size"]) for i in range(counters.type.range()[1] + 1)) % (1 << 64)

    def mapped(self, form, copy, mapped):
        words = form["words_"]
        names = [field.name for field in words.type.strip_typedefs().fields()]
        if "copies" in names:
            return self.memory.at(int(words["copies"][copy].address), mapped)
        read = gdb.selected_inferior().read_memory
        head = bytes(read(int(words["heads"][copy].address), 8))
        tail = bytes(read(int(words["tails"][copy].address), mapped.sizeof - 8))
        return gdb.Value(head + tail, mapped)


class Lockmap(Map):
    """detail/lockmap/shard.hpp, table.hpp, key_state.hpp"""

    tuning = "lockmap::default_tuning"
    head = "lockmap::hashed_key"  # what comes before the key

    def shards(self):
        m = self.memory
        shards, shard = m.atomic(self.value["engine_"]["shards_"]), m.own("lockmap::shard")
        count = 1 << static_number(m.own(self.tuning), "log2_shards")
        for i in range(count if shards != 0 else 0):
            yield m.at(shards + i * shard.sizeof, shard)

    def size(self):
        m = self.memory
        counted = [m.atomic(s["elements"]) for s in self.shards()]
        if counted:  # behind the shards: 32 stripes of a cache line
            stripes = m.atomic(self.value["engine_"]["shards_"]) + len(counted) * m.own("lockmap::shard").sizeof
            counted += [m.word(stripes + 64 * i) for i in range(32)]
        return sum(counted) % (1 << 64)

    def elements(self):
        m = self.memory
        key, mapped = self.types()
        state = m.own(self.head)
        key_at = align(state.sizeof, key.alignof)
        value_at = align(key_at + key.sizeof, mapped.alignof)
        for shard in self.shards():
            word = m.atomic(shard["current"])
            slots = (word & ~63) + 64
            for i in range(1 << (64 - (word & 63)) if word != 0 else 0):
                address = m.word(slots + 8 * i) & ((1 << ADDRESS_BITS) - 1)
                if address > 1 and m.atomic(m.at(address, state)["word"]) >> 2 & 1:  # present
                    yield m.at(address + key_at, key), m.at(address + value_at, mapped)


class LruLockmap(Lockmap):
    """The same states; what belongs to the order of eviction follows in each."""

    tuning = "lru::default_tuning"
    head = "lockmap::key_state"


class Hamt(Map):
    """detail/hamt/node.hpp"""

    def engine(self):
        return self.value["engine_"]

    def version(self):
        return self.memory.atomic(self.engine()["root_"])

    def size(self):
        return sum(1 for _ in self.elements())

    def elements(self):
        m = self.memory
        self.pair = Pair(m, *self.types())
        pattern = r"^concur::.*::hamt::engine_types<"
        types = argument_named(self.engine().type.strip_typedefs(), pattern)
        self.is_inline = is_inline(m, self.pair, types, "hamt::default_tuning")
        self.node, self.branch, self.version_type, self.change = (
            m.own("hamt::" + name) for name in ("node", "branch", "version", "change")
        )
        self.pairs_at = align(self.node.sizeof + (0 if self.is_inline else 8), self.pair.alignment)
        version = self.version()
        while version != 0:
            root = m.at(version, self.version_type)
            top = self.settled(m.atomic(root["top"]))
            if top != 7:
                yield from self.below(top)
                return
            version = int(root["origin"])  # not filled in yet

    def settled(self, word):
        """A slot without the proposal that may be in it, as it was decided."""
        tag, address = word & 7, word & ~7
        if tag in (4, 6):  # pending, aborted
            return self.settled(self.memory.atomic(self.memory.at(address, self.node)["pending"]) & ~6)
        if tag == 5:  # committed
            kind = int(self.memory.at(address, self.node)["info"]) & 7
            if kind == 4:
                return int(self.memory.at(address, self.change)["target"])
            return address | (1 if kind == 2 else 0)
        return word if tag == 7 else word & ~2

    def below(self, word):
        m, address = self.memory, word & ~7
        if address == 0:
            return
        info = int(m.at(address, self.node)["info"])
        number = info >> 3
        if word & 1:
            for i in range(1 << number):
                yield from self.below(self.settled(m.word(address + self.branch.sizeof + 8 * i)))
        elif info & 7 == 1 and not self.is_inline:  # a collision of leaves
            for i in range(number):
                yield self.pair.read(m.word(address + self.node.sizeof + 8 * i) + self.pairs_at)
        else:
            for i in range(number):
                yield self.pair.read(address + self.pairs_at + i * self.pair.size)


class HamtSnapshot(Hamt):
    def engine(self):
        return self.value["held_"]

    def version(self):
        return int(self.value["held_"]["version_"])


PRINTERS = {
    "cmap": Cmap,
    "seqmap": Seqmap,
    "seq_array": SeqArray,
    "fixed_map": FixedMap,
    "shared_fixed_map": SharedFixedMap,
    "lockmap": Lockmap,
    "lru_lockmap": LruLockmap,
    "hamt": Hamt,
    "detail::basic_hamt_snapshot": HamtSnapshot,
}


def lookup(value):
    type_ = value.type
    if type_.code == gdb.TYPE_CODE_REF:
        value, type_ = value.referenced_value(), type_.target()
    match = re.match(r"^(concur::(?:v\d+_\d+::)?)([a-z_:]+)<", str(type_.unqualified().strip_typedefs()))
    if match is None or match.group(2) not in PRINTERS or value.address is None:
        return None
    name = match.group(2).replace("detail::basic_", "")
    return PRINTERS[match.group(2)](value, name, match.group(1))


lookup.name = "concur"
gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "name", "") != "concur"]
gdb.pretty_printers.append(lookup)
