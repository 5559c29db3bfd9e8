"""pylibmc: every command of its Client, in text.

With CLIENT_USER in the environment in binary, signed in by SASL.
"""

import os
import sys
from collections.abc import Callable

import pylibmc

from checks import LARGE_VALUE, LONG_KEY, Checks

ADDRESS = f"{sys.argv[1]}:{sys.argv[2]}"
checks = Checks("pylibmc")


def done(command: Callable[..., bool], *arguments: object) -> bool:
    """What it returns in text, it raises in binary."""
    try:
        return command(*arguments)
    except (pylibmc.NotFound, pylibmc.DataExists):
        return False


def storage_and_reads(client: pylibmc.Client) -> None:
    client.flush_all()
    checks.equal("get, missing", client.get("a"), None)
    checks.equal("replace, missing", done(client.replace, "a", "1"), False)
    checks.equal("add", client.add("a", "one"), True)
    checks.equal("add, there", done(client.add, "a", "two"), False)
    checks.equal("get", client.get("a"), "one")
    checks.equal("set", client.set("a", "two"), True)
    checks.equal("replace", client.replace("a", "three"), True)
    checks.equal("append", client.append("a", " more"), True)
    checks.equal("prepend", client.prepend("a", "no "), True)
    checks.equal("get, joined", client.get("a"), "no three more")
    checks.equal("delete", client.delete("a"), True)
    checks.equal("delete, missing", done(client.delete, "a"), False)
    # Kinds of values are told by the flags.
    for value in ("text", b"bytes \r\n\0", 42, 2.5, True, {"a": [1, 2]}, b""):
        client.set("typed", value)
        checks.equal(f"get of {type(value).__name__}", client.get("typed"), value)
    checks.equal("set, compressed", client.set("zip", "z" * 100_000, min_compress_len=1000), True)
    checks.that("get, compressed", client.get("zip") == "z" * 100_000)


def many_keys(client: pylibmc.Client) -> None:
    values = {f"key{number}": f"value {number}" for number in range(100)}
    checks.equal("set_multi", client.set_multi(values), [])
    checks.equal("get_multi of 100", client.get_multi(list(values)), values)
    checks.equal("get_multi, half missing", client.get_multi(["key1", "none"]), {"key1": "value 1"})
    checks.equal("add_multi", client.add_multi({"new": 1, "newer": 2}), [])
    checks.equal("delete_multi", client.delete_multi(list(values)), True)
    checks.equal("get_multi, none", client.get_multi(list(values)), {})
    client.set_multi({"n1": 1, "n2": 2})
    client.incr_multi(["n1", "n2"], delta=10)
    checks.equal("incr_multi", client.get_multi(["n1", "n2"]), {"n1": 11, "n2": 12})


def tokens(client: pylibmc.Client) -> None:
    client.set("t", "1")
    value, token = client.gets("t")
    checks.equal("gets", value, "1")
    checks.equal("cas", client.cas("t", "2", token), True)
    checks.equal("cas, conflict", done(client.cas, "t", "3", token), False)
    checks.equal("get after a conflict", client.get("t"), "2")
    try:
        client.cas("none", "3", token)
        checks.equal("cas, missing", "no error", "NotFound")
    except pylibmc.NotFound:
        checks.that("cas, missing", True)


def numbers(client: pylibmc.Client) -> None:
    client.set("n", 10)
    checks.equal("incr", client.incr("n", 5), 15)
    checks.equal("decr", client.decr("n", 7), 8)
    checks.equal("decr, to 0", client.decr("n", 100), 0)
    try:
        client.incr("none")
        checks.equal("incr, missing", "no error", "NotFound")
    except pylibmc.NotFound:
        checks.that("incr, missing", True)


def limits(client: pylibmc.Client) -> None:
    checks.equal("set of a 250-byte key", client.set(LONG_KEY, "long"), True)
    checks.equal("get of a 250-byte key", client.get(LONG_KEY), "long")
    checks.equal("set of 900 kB", client.set("large", LARGE_VALUE), True)
    checks.that("get of 900 kB", client.get("large") == LARGE_VALUE)
    try:
        client.set("oversized", "v" * 2_000_000)
        checks.equal("set of 2 MB", "no error", "TooBig")
    except pylibmc.TooBig:
        checks.that("set of 2 MB", True)
    checks.equal("get after a value too large", client.get(LONG_KEY), "long")


def expiry(client: pylibmc.Client) -> None:
    client.set("short", "1", time=1)
    checks.comes_to("expiry in 1 s", None, lambda: client.get("short"))
    client.set("touched", "1")
    checks.equal("touch", client.touch("touched", 1), True)
    checks.comes_to("touch to 1 s", None, lambda: client.get("touched"))
    checks.equal("touch, missing", done(client.touch, "touched", 1), False)


def administration(client: pylibmc.Client) -> None:
    _, stats = client.get_stats()[0]
    checks.equal("get_stats, version", stats["version"].count(b"."), 2)
    checks.that("get_stats, cmd_set", int(stats["cmd_set"]) > 0)
    client.set("f", "1")
    checks.equal("flush_all", client.flush_all(), True)
    checks.equal("get after flush_all", client.get("f"), None)
    client.disconnect_all()
    checks.equal("set after disconnect_all", client.set("f", "2"), True)
    checks.equal("clone", client.clone().get("f"), "2")


signed_in = {}
if user := os.environ.get("CLIENT_USER"):
    password = os.environ["CLIENT_PASSWORD"]
    signed_in = {"binary": True, "username": user, "password": password}
for behaviors in ({"cas": True}, {"cas": True, "tcp_nodelay": True, "ketama": True}):
    client = pylibmc.Client([ADDRESS], behaviors=behaviors, **signed_in)
    for step in (
        storage_and_reads,
        many_keys,
        tokens,
        numbers,
        limits,
        expiry,
        administration,
    ):
        step(client)

quiet = pylibmc.Client([ADDRESS], behaviors={"_noreply": True}, **signed_in)
for number in range(100):
    quiet.set(f"quiet{number}", number)
quiet.delete("quiet7")
wanted = {f"quiet{number}": number for number in range(100) if number != 7}
checks.comes_to(
    "noreply: set and delete",
    wanted,
    lambda: client.get_multi([f"quiet{number}" for number in range(100)]),
)
if signed_in:
    refused = pylibmc.Client([ADDRESS], binary=True, username=user, password="wrong")
    try:
        checks.equal("a wrong password", refused.get("quiet1"), "an error")
    except pylibmc.Error:
        checks.that("a wrong password", True)
checks.finish()
