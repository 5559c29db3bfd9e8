"""pymemcache: every command of its Client and PooledClient, in text.

With CLIENT_CA in the environment over TLS.
"""

import os
import ssl
import sys

from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheClientError

from checks import LARGE_VALUE, LONG_KEY, Checks

HOST, PORT = sys.argv[1], int(sys.argv[2])
checks = Checks("pymemcache")


def storage_and_reads(client: Client) -> None:
    client.flush_all(noreply=False)
    checks.equal("get, missing", client.get("a"), None)
    checks.equal("get, default", client.get("a", b"none"), b"none")
    checks.equal("replace, missing", client.replace("a", b"1", noreply=False), False)
    checks.equal("append, missing", client.append("a", b"1", noreply=False), False)
    checks.equal("prepend, missing", client.prepend("a", b"1", noreply=False), False)
    checks.equal("add", client.add("a", b"one", noreply=False), True)
    checks.equal("add, there", client.add("a", b"two", noreply=False), False)
    checks.equal("get", client.get("a"), b"one")
    checks.equal("set", client.set("a", b"two", noreply=False), True)
    checks.equal("replace", client.replace("a", b"three", noreply=False), True)
    checks.equal("append", client.append("a", b" more", noreply=False), True)
    checks.equal("prepend", client.prepend("a", b"no ", noreply=False), True)
    checks.equal("get, joined", client.get("a"), b"no three more")
    checks.equal("delete", client.delete("a", noreply=False), True)
    checks.equal("delete, missing", client.delete("a", noreply=False), False)
    checks.equal("set, empty", client.set("empty", b"", noreply=False), True)
    checks.equal("get, empty", client.get("empty"), b"")
    data = bytes(range(256)) + b"\r\nEND\r\n\0"
    client.set("bytes", data, noreply=False)
    checks.equal("get, any bytes", client.get("bytes"), data)


def without_reply(client: Client) -> None:
    client.set("quiet", b"1", noreply=True)
    client.add("quiet", b"2", noreply=True)
    client.append("quiet", b"3", noreply=True)
    client.prepend("quiet", b"0", noreply=True)
    checks.equal("noreply: set add append prepend", client.get("quiet"), b"013")
    client.incr("quiet", 7, noreply=True)
    client.decr("quiet", 5, noreply=True)
    checks.equal("noreply: incr decr", client.get("quiet").strip(), b"15")
    client.replace("quiet", b"r", noreply=True)
    client.touch("quiet", 100, noreply=True)
    checks.equal("noreply: replace touch", client.get("quiet"), b"r")
    client.delete("quiet", noreply=True)
    checks.equal("noreply: delete", client.get("quiet"), None)


def many_keys(client: Client) -> None:
    values = {f"key{number}": f"value {number}".encode() for number in range(100)}
    checks.equal("set_many", client.set_many(values, noreply=False), [])
    checks.equal("get_many of 100", client.get_many(list(values)), values)
    found = client.get_multi(["key1", "none"])
    checks.equal("get_multi, half missing", found, {"key1": b"value 1"})
    found = client.gets_many(list(values))
    checks.equal("gets_many of 100", {key: value for key, (value, _) in found.items()}, values)
    checks.equal("gets_many, tokens", len({token for _, token in found.values()}), 100)
    checks.equal("delete_many", client.delete_many(list(values), noreply=False), True)
    checks.equal("get_many, none", client.get_many(list(values)), {})


def tokens(client: Client) -> None:
    client.set("t", b"1", noreply=False)
    value, token = client.gets("t")
    checks.equal("gets", value, b"1")
    checks.equal("cas", client.cas("t", b"2", token, noreply=False), True)
    checks.equal("cas, conflict", client.cas("t", b"3", token, noreply=False), False)
    checks.equal("cas, missing", client.cas("none", b"3", token, noreply=False), None)
    checks.equal("get after a conflict", client.get("t"), b"2")
    checks.equal("gets, missing", client.gets("none"), (None, None))


def numbers(client: Client) -> None:
    client.set("n", b"10", noreply=False)
    checks.equal("incr", client.incr("n", 5), 15)
    checks.equal("decr", client.decr("n", 7), 8)
    checks.equal("decr, to 0", client.decr("n", 100), 0)
    checks.equal("incr, missing", client.incr("none", 1), None)
    client.set("n", b"18446744073709551615", noreply=False)
    checks.equal("incr, round", client.incr("n", 2), 1)
    client.set("n", b"text", noreply=False)
    try:
        checks.equal("incr of text", client.incr("n", 1), "an error")
    except MemcacheClientError as error:
        checks.that("incr of text", "non-numeric" in str(error))


def limits(client: Client) -> None:
    checks.equal("set of a 250-byte key", client.set(LONG_KEY, b"long", noreply=False), True)
    checks.equal("get of a 250-byte key", client.get(LONG_KEY), b"long")
    large = LARGE_VALUE.encode()
    checks.equal("set of 900 kB", client.set("large", large, noreply=False), True)
    checks.that("get of 900 kB", client.get("large") == large)


def expiry(client: Client) -> None:
    client.set("short", b"1", expire=1, noreply=False)
    checks.comes_to("expiry in 1 s", None, lambda: client.get("short"))
    client.set("touched", b"1", noreply=False)
    checks.equal("touch", client.touch("touched", 1, noreply=False), True)
    checks.comes_to("touch to 1 s", None, lambda: client.get("touched"))
    checks.equal("touch, missing", client.touch("touched", 1, noreply=False), False)


def administration(client: Client) -> None:
    checks.that("version", client.version().count(b".") == 2)
    checks.that("stats", client.stats()[b"cmd_set"] > 0)
    checks.equal("stats settings", client.stats("settings")[b"maxbytes"], 256 << 20)
    checks.that("stats items", any(name.startswith(b"items:") for name in client.stats("items")))
    checks.that("stats slabs", b"active_slabs" in client.stats("slabs"))
    client.set("f", b"1", noreply=False)
    checks.equal("flush_all", client.flush_all(noreply=False), True)
    checks.equal("get after flush_all", client.get("f"), None)
    client.set("f", b"2", noreply=False)
    checks.equal("set after flush_all", client.get("f"), b"2")
    client.quit()
    checks.equal("get after quit connects anew", client.get("f"), b"2")
    client.close()


def run_all(client: Client) -> None:
    for step in (
        storage_and_reads,
        without_reply,
        many_keys,
        tokens,
        numbers,
        limits,
        expiry,
        administration,
    ):
        step(client)


ca = os.environ.get("CLIENT_CA")
options = {"tls_context": ssl.create_default_context(cafile=ca)} if ca else {}
run_all(Client((HOST, PORT), **options))
run_all(PooledClient((HOST, PORT), max_pool_size=4, **options))
hashed = HashClient([(HOST, PORT)], **options)
values = {f"hashed{number}": str(number).encode() for number in range(100)}
checks.equal("HashClient.set_many", hashed.set_many(values, noreply=False), [])
checks.equal("HashClient.get_many", hashed.get_many(list(values)), values)
checks.finish()
