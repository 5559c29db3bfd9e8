"""The tools of libmemcached-tools, in text and in binary. Arguments: host, port.

With --reference before them the server is Debian's memcached, which passes all of memccapable.
memcparse is left out: it asks no server anything.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

from checks import LARGE_VALUE, LONG_KEY, Checks

TOOL_SECONDS = 120

# They demand an error for `delete key 0`; memcached 1.6.45 takes it as a delete.
MAY_FAIL = {"ascii delete", "ascii delete noreply"}

reference = sys.argv[1] == "--reference"
HOST, PORT = sys.argv[-2:]
SERVER = f"--servers={HOST}:{PORT}"
checks = Checks("libmemcached-tools")


def run(*command: str) -> tuple[int, str]:
    """Exit status and output of a tool; one that is not installed raises."""
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TOOL_SECONDS
    )
    return result.returncode, result.stdout.decode("utf-8", "replace")


def succeeds(*command: str) -> str:
    status, output = run(*command)
    checks.equal(" ".join(command)[:100], status, 0)
    if status != 0:
        print(output)
    return output


def fails(*command: str) -> None:
    checks.that("refused: " + " ".join(command)[:100], run(*command)[0] != 0)


def capabilities(protocol: str, option: str, may_fail: set[str]) -> None:
    command = ["memccapable", "-h", HOST, "-p", PORT, option]
    result = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_SECONDS)
    print(result.stdout, result.stderr)
    # `[pass]` follows a test's name on stdout; `[FAIL]` goes to stderr, without its name.
    tests = re.findall(rf"({protocol} [a-z]+(?: noreply)?) +(\[pass\])?", result.stdout)
    failed = {name for name, passed in tests if not passed}
    checks.equal(f"memccapable, {protocol} tests run", len(tests), 27)
    checks.equal(f"memccapable, {protocol} failures", failed - may_fail, set())


def files_there_and_back(folder: pathlib.Path) -> None:
    contents = {"small": "small\n", "large": LARGE_VALUE, LONG_KEY: "of a long name"}
    for name, content in contents.items():
        (folder / name).write_text(content)
    succeeds("memccp", SERVER, *(str(folder / name) for name in contents))
    for name, content in contents.items():
        found = succeeds("memccat", SERVER, name)
        checks.that(f"memccat of {name[:10]}", found.rstrip("\n") == content.rstrip("\n"))
    many = [f"file{number}" for number in range(100)]
    for name in many:
        (folder / name).write_text(f"content of {name}\n")
    succeeds("memccp", SERVER, *(str(folder / name) for name in many))
    output = succeeds("memccat", SERVER, *many)
    found = re.findall("content of (file[0-9]+)", output)
    checks.equal("memccat of 100 keys", sorted(found), sorted(many))
    fails("memccp", SERVER, "--add", str(folder / "small"))
    succeeds("memccp", SERVER, "--replace", str(folder / "small"))
    (folder / "new").write_text("new\n")
    fails("memccp", SERVER, "--replace", str(folder / "new"))
    succeeds("memccp", SERVER, "--add", "--flags=42", str(folder / "new"))
    checks.that("memccat --flags", "42" in succeeds("memccat", SERVER, "--flags", "new"))


def keys(folder: pathlib.Path) -> None:
    (folder / "key").write_text("value\n")
    succeeds("memccp", SERVER, "--expire=1", str(folder / "key"))
    checks.comes_to("memccp --expire=1", True, lambda: run("memccat", SERVER, "key")[0] != 0)
    succeeds("memccp", SERVER, str(folder / "key"))
    succeeds("memcexist", SERVER, "key")
    fails("memcexist", SERVER, "none")
    succeeds("memctouch", SERVER, "--expire=1", "key")
    checks.comes_to("memctouch --expire=1", True, lambda: run("memccat", SERVER, "key")[0] != 0)
    fails("memctouch", SERVER, "--expire=1", "none")
    succeeds("memccp", SERVER, str(folder / "key"))
    succeeds("memcrm", SERVER, "key")
    fails("memccat", SERVER, "key")
    succeeds("memccp", SERVER, str(folder / "key"))
    succeeds("memcflush", SERVER)
    fails("memccat", SERVER, "key")


def dump(folder: pathlib.Path) -> None:
    succeeds("memcflush", SERVER)
    names = [f"dumped{number}" for number in range(30)]
    for name in names:
        (folder / name).write_text(name)
    succeeds("memccp", SERVER, *(str(folder / name) for name in names))
    # memcached dumps what its maintainer has come to move.
    checks.comes_to("memcdump", sorted(names), lambda: sorted(run("memcdump", SERVER)[1].split()))


def administration() -> None:
    succeeds("memcping", SERVER)
    checks.equal("memcerror", succeeds("memcerror", "16").strip(), "NOT FOUND")
    output = succeeds("memcstat", SERVER)
    checks.that("memcstat", re.search(r"cmd_set: *[1-9]", output))
    checks.that("memcstat settings", "maxbytes" in succeeds("memcstat", SERVER, "settings"))
    output = succeeds("memcstat", SERVER, "--server-version")
    checks.that("memcstat --server-version", re.search(r"[0-9]+\.[0-9]+\.[0-9]+", output))
    succeeds("memcstat", SERVER, "--analyze")


def load() -> None:
    for test in ("set", "get", "mget"):
        succeeds("memcslap", SERVER, f"--test={test}", "--concurrency=4", "--execute-number=200")
    succeeds("memcslap", SERVER, "--test=set", "--noreply", "--flush", "--execute-number=200")
    # Verifies each value that it reads, and that what has expired is gone.
    output = succeeds(
        *("memcaslap", f"--servers={HOST}:{PORT}", "--threads=2", "--concurrency=16"),
        *("--execute_number=20000", "--division=50", "--verify=1.0", "--exp_verify=0.1"),
    )
    for kind in ("get_misses", "verify_misses", "verify_failed"):
        found = re.search(kind + r": ([0-9]+)", output)
        checks.equal(f"memcaslap, {kind}", found and found.group(1), "0")


with tempfile.TemporaryDirectory() as name:
    capabilities("ascii", "-a", set() if reference else MAY_FAIL)
    capabilities("binary", "-b", set())
    files_there_and_back(pathlib.Path(name))
    keys(pathlib.Path(name))
    dump(pathlib.Path(name))
    administration()
    load()
checks.finish()
