"""memcached-tool, of Debian's memcached: what it prints of a server. Arguments: host, port.

The server counts sizes (`-o track_sizes`).
"""

import re
import subprocess
import sys

from pymemcache.client.base import Client

from checks import Checks

TOOL = "/usr/share/memcached/scripts/memcached-tool"
TOOL_SECONDS = 60
HOST, PORT = sys.argv[1:3]
# Key -> value, flags, what the dump says of the expiry time.
ITEMS = {
    "plain": (b"value", 0, "0"),
    "flags": (b"of many bits", 4294967295, "0"),
    "odd%20key&=": (b"", 5, "0"),
    "lines": (b"END\r\nVALUE x 0 1\r\n", 0, "0"),
    "large": (b"v" * 100_000, 0, "0"),
    **{f"key{number}": (b"x" * number * 10, number, "0") for number in range(100)},
}
checks = Checks("memcached-tool")


def tool(*mode: str) -> tuple[str, str]:
    """What it printed on stdout and stderr."""
    command = [TOOL, f"{HOST}:{PORT}", *mode]
    result = subprocess.run(command, capture_output=True, timeout=TOOL_SECONDS)
    checks.equal(f"{' '.join(mode)}: exit status", result.returncode, 0)
    return result.stdout.decode("latin-1"), result.stderr.decode("latin-1")


def fields(output: str) -> dict[str, str]:
    """The lines under the headline: a name and a value."""
    return dict(line.split(None, 1) for line in output.splitlines()[1:])


def display() -> None:
    output, _ = tool("display")
    headline, *rows = output.splitlines()
    columns = "# Item_Size Max_age Pages Count Full? Evicted Evict_Time OOM"
    checks.equal("display: headline", headline.split(), columns.split())
    shape = r" *\d+ +\d+(?:\.\d)?[BK] +\d+s +\d+ +(\d+) +(?:yes|no) +0 +0 +0"
    found = [re.fullmatch(shape, row) for row in rows]
    checks.that("display: rows", rows and all(found))
    checks.equal("display: items", sum(int(row[1]) for row in found if row), len(ITEMS))
    checks.that("display: classes", len(rows) > 3)
    checks.equal("display is the default", tool()[0].splitlines()[0], headline)


def stats() -> None:
    output, _ = tool("stats")
    checks.equal("stats: headline", output.split()[:3], [f"#{HOST}:{PORT}", "Field", "Value"])
    found = fields(output)
    checks.equal("stats: names in order", list(found), sorted(found))
    checks.equal("stats: curr_items", found["curr_items"], str(len(ITEMS)))
    checks.equal("stats: cmd_set", found["cmd_set"], str(len(ITEMS)))
    found = fields(tool("settings")[0])
    checks.equal("settings: maxbytes", found["maxbytes"], str(256 << 20))
    checks.equal("settings: cas_enabled", found["cas_enabled"], "yes")


def sizes() -> None:
    found = fields(tool("sizes")[0])
    checks.that("sizes: in steps of 32", all(int(size) % 32 == 0 for size in found))
    checks.equal("sizes: items", sum(map(int, found.values())), len(ITEMS))


def dump() -> None:
    output, notes = tool("dump")
    checks.that("dump: says what it does", notes.startswith("Dumping memcache contents"))
    wanted = {
        f"add {key} {flags} {expires} {len(value)}\r\n{value.decode()}\r\n"
        for key, (value, flags, expires) in ITEMS.items()
    }
    missing = [command[:60] for command in wanted if command not in output]
    checks.equal("dump: items", missing, [])
    checks.equal("dump: nothing else", len(output), sum(map(len, wanted)))
    lines = tool("keys")[0].splitlines()
    shape = r"key=(\S+) exp=-1 la=\d+ cas=\d+ fetch=(?:yes|no) cls=\d+ size=\d+(?: .*)?"
    checks.that("keys: lines", all(re.fullmatch(shape, line) for line in lines))
    checks.equal("keys: items", len(lines), len(ITEMS))
    # A limit of lines: of them 1.6.45, unlike 1.6.18, begins with one that says OK.
    checks.that("keys: a limit", len(tool("keys", "7")[0].splitlines()) in (6, 7))


client = Client((HOST, int(PORT)))
for key, (value, flags, _) in ITEMS.items():
    client.set(key, value, flags=flags, noreply=False)
for step in (display, stats, sizes, dump):
    step()
checks.finish()
