"""python3-memcache: every command of its Client, in text.

But for get_slab_stats() and get_slabs(), which raise TypeError with any server under Python 3.
"""

import sys

import memcache

from checks import LARGE_VALUE, LONG_KEY, Checks

ADDRESS = f"{sys.argv[1]}:{sys.argv[2]}"
checks = Checks("python3-memcache")


def storage_and_reads(client: memcache.Client) -> None:
    client.flush_all()
    checks.equal("get, missing", client.get("a"), None)
    checks.equal("replace, missing", client.replace("a", "1"), 0)
    checks.equal("append, missing", client.append("a", "1"), 0)
    checks.equal("prepend, missing", client.prepend("a", "1"), 0)
    checks.that("add", client.add("a", "one"))
    checks.equal("add, there", client.add("a", "two"), 0)
    checks.equal("get", client.get("a"), "one")
    checks.that("set", client.set("a", "two"))
    checks.that("replace", client.replace("a", "three"))
    checks.that("append", client.append("a", " more"))
    checks.that("prepend", client.prepend("a", "no "))
    checks.equal("get, joined", client.get("a"), "no three more")
    checks.equal("delete", client.delete("a"), 1)
    checks.equal("get after delete", client.get("a"), None)
    # Kinds of values are told by the flags.
    for value in ("text", b"bytes \r\n\0", 42, {"a": [1, 2]}, b""):
        client.set("typed", value)
        checks.equal(f"get of {type(value).__name__}", client.get("typed"), value)
    checks.that("set, compressed", client.set("zip", "z" * 100_000, min_compress_len=1000))
    checks.that("get, compressed", client.get("zip") == "z" * 100_000)
    client.set("quiet", "1", noreply=True)
    client.delete("typed", noreply=True)
    checks.equal("noreply: set", client.get("quiet"), "1")
    checks.equal("noreply: delete", client.get("typed"), None)


def many_keys(client: memcache.Client) -> None:
    values = {f"key{number}": f"value {number}" for number in range(100)}
    checks.equal("set_multi", client.set_multi(values), [])
    checks.equal("get_multi of 100", client.get_multi(list(values)), values)
    checks.equal("get_multi, half missing", client.get_multi(["key1", "none"]), {"key1": "value 1"})
    checks.equal("delete_multi", client.delete_multi(list(values)), 1)
    checks.equal("get_multi, none", client.get_multi(list(values)), {})


def tokens(client: memcache.Client) -> None:
    other = memcache.Client([ADDRESS], cache_cas=True)
    client.set("t", "1")
    checks.equal("gets", client.gets("t"), "1")
    checks.equal("gets by another", other.gets("t"), "1")
    checks.that("cas", client.cas("t", "2"))
    checks.that("cas, conflict", not other.cas("t", "3"))
    checks.equal("get after a conflict", client.get("t"), "2")
    client.reset_cas()


def numbers(client: memcache.Client) -> None:
    client.set("n", "10")
    checks.equal("incr", client.incr("n", 5), 15)
    checks.equal("decr", client.decr("n", 7), 8)
    checks.equal("decr, to 0", client.decr("n", 100), 0)
    checks.equal("incr, missing", client.incr("none"), None)
    checks.equal("incr, noreply", client.incr("n", 3, noreply=True), None)
    checks.equal("get after incr", client.get("n").strip(), "3")


def limits(client: memcache.Client) -> None:
    checks.that("set of a 250-byte key", client.set(LONG_KEY, "long"))
    checks.equal("get of a 250-byte key", client.get(LONG_KEY), "long")
    checks.that("set of 900 kB", client.set("large", LARGE_VALUE))
    checks.that("get of 900 kB", client.get("large") == LARGE_VALUE)


def expiry(client: memcache.Client) -> None:
    client.set("short", "1", time=1)
    checks.comes_to("expiry in 1 s", None, lambda: client.get("short"))
    client.set("touched", "1")
    checks.equal("touch", client.touch("touched", 1), 1)
    checks.comes_to("touch to 1 s", None, lambda: client.get("touched"))


def administration(client: memcache.Client) -> None:
    _, stats = client.get_stats()[0]
    checks.equal("get_stats, version", stats["version"].count("."), 2)
    checks.that("get_stats, cmd_set", int(stats["cmd_set"]) > 0)
    _, settings = client.get_stats("settings")[0]
    checks.equal("get_stats settings", settings["maxbytes"], str(256 << 20))
    client.set("f", "1")
    client.flush_all()
    checks.equal("get after flush_all", client.get("f"), None)
    client.disconnect_all()
    client.forget_dead_hosts()
    checks.that("set after disconnect_all", client.set("f", "2"))


client = memcache.Client([ADDRESS], cache_cas=True, server_max_value_length=1 << 20)
storage_and_reads(client)
many_keys(client)
tokens(client)
numbers(client)
limits(client)
expiry(client)
administration(client)
checks.finish()
