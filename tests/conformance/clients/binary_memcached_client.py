"""python-binary-memcached: every command of its Client, in binary.

With CLIENT_CA in the environment over TLS, with CLIENT_USER signed in by SASL.
"""

import os
import ssl
import sys

import bmemcached
from bmemcached.exceptions import MemcachedException

from checks import LARGE_VALUE, LONG_KEY, Checks

ADDRESS = f"{sys.argv[1]}:{sys.argv[2]}"
USER, PASSWORD = os.environ.get("CLIENT_USER"), os.environ.get("CLIENT_PASSWORD")
checks = Checks("python-binary-memcached")


def connected(kind: type = bmemcached.Client, password: str | None = PASSWORD) -> bmemcached.Client:
    ca = os.environ.get("CLIENT_CA")
    context = ssl.create_default_context(cafile=ca) if ca else None
    if context:
        # The client names no host to check the certificate's against.
        context.check_hostname = False
    return kind((ADDRESS,), USER, password, tls_context=context)


def storage_and_reads(client: bmemcached.Client) -> None:
    client.flush_all()
    checks.equal("get, missing", client.get("a"), None)
    checks.equal("get, default", client.get("a", "none"), "none")
    checks.equal("replace, missing", client.replace("a", "1"), False)
    checks.equal("add", client.add("a", "one"), True)
    checks.equal("add, there", client.add("a", "two"), False)
    checks.equal("get", client.get("a"), "one")
    checks.equal("set", client.set("a", "two"), True)
    checks.equal("replace", client.replace("a", "three"), True)
    checks.equal("get, replaced", client.get("a"), "three")
    checks.equal("delete", client.delete("a"), True)
    checks.equal("get, deleted", client.get("a"), None)
    # Kinds of values are told by the flags.
    for value in ("text", b"bytes \r\n\0", 42, 2.5, True, {"a": [1, 2]}, b""):
        client.set("typed", value)
        checks.equal(f"get of {type(value).__name__}", client.get("typed"), value)
    client.set("zip", "z" * 100_000, compress_level=6)
    checks.that("get, compressed", client.get("zip") == "z" * 100_000)


def many_keys(client: bmemcached.Client) -> None:
    values = {f"key{number}": f"value {number}" for number in range(100)}
    checks.equal("set_multi", client.set_multi(values), [])
    checks.equal("get_multi of 100", client.get_multi(list(values)), values)
    checks.equal("get_multi, half missing", client.get_multi(["key1", "none"]), {"key1": "value 1"})
    found = client.get_multi(list(values), get_cas=True)
    checks.equal("get_multi, tokens", len({token for _, token in found.values()}), 100)
    checks.equal("delete_multi", client.delete_multi(list(values)), True)
    checks.equal("get_multi, none", client.get_multi(list(values)), {})


def tokens(client: bmemcached.Client) -> None:
    client.set("t", "1")
    value, token = client.gets("t")
    checks.equal("gets", value, "1")
    checks.equal("cas", client.cas("t", "2", token), True)
    checks.equal("cas, conflict", client.cas("t", "3", token), False)
    checks.equal("get after a conflict", client.get("t"), "2")
    checks.equal("delete, conflict", client.delete("t", cas=token), False)
    checks.equal("delete, token", client.delete("t", cas=client.gets("t")[1]), True)
    checks.equal("cas, missing", client.cas("none", "3", token), False)


def numbers(client: bmemcached.Client) -> None:
    checks.equal("incr, missing", client.incr("n", 5, default=10), 10)
    checks.equal("incr", client.incr("n", 5), 15)
    checks.equal("decr", client.decr("n", 7), 8)
    checks.equal("decr, to 0", client.decr("n", 100), 0)
    checks.equal("decr, missing", client.decr("n2", 1, default=7), 7)


def limits(client: bmemcached.Client) -> None:
    checks.equal("set of a 250-byte key", client.set(LONG_KEY, "long"), True)
    checks.equal("get of a 250-byte key", client.get(LONG_KEY), "long")
    checks.equal("set of 900 kB", client.set("large", LARGE_VALUE, compress_level=0), True)
    checks.that("get of 900 kB", client.get("large") == LARGE_VALUE)
    try:
        stored = client.set("oversized", "v" * 2_000_000, compress_level=0)
        checks.equal("set of 2 MB", stored, False)
    except MemcachedException:
        checks.that("set of 2 MB", True)
    checks.equal("get after a value too large", client.get(LONG_KEY), "long")


def expiry(client: bmemcached.Client) -> None:
    client.set("short", "1", time=1)
    checks.comes_to("expiry in 1 s", None, lambda: client.get("short"))


def administration(client: bmemcached.Client) -> None:
    stats = client.stats()[ADDRESS]
    checks.that("stats", int(stats["cmd_set"]) > 0)
    checks.equal("stats settings", int(client.stats("settings")[ADDRESS]["maxbytes"]), 256 << 20)
    client.set("f", "1")
    checks.equal("flush_all", client.flush_all(), True)
    checks.equal("get after flush_all", client.get("f"), None)
    client.set("f", "2")
    client.disconnect_all()
    checks.equal("get after disconnect_all", client.get("f"), "2")


for kind in (bmemcached.Client, bmemcached.DistributedClient):
    client = connected(kind)
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

if USER:
    try:
        checks.equal("a wrong password", connected(password="wrong").get("f"), "an error")
    except MemcachedException:
        checks.that("a wrong password", True)
checks.finish()
