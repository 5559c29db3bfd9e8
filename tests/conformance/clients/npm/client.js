// memcached from npm: every command that it offers. Arguments: host, port. NODE_PATH names the folder
// of the installed package.
"use strict";

const assert = require("assert");
const Memcached = require("memcached");

const EXPIRY_MILLISECONDS = 20000;

const [host, port] = process.argv.slice(2);
const client = new Memcached(`${host}:${port}`, { timeout: 60000, maxValue: 1048576 });
let done = 0;
let failed = 0;

// The client's answer as a promise: true, false or a value; an error is its message.
function call(command, ...rest) {
  return new Promise((resolve) => {
    const answered = (error, answer) => resolve(error ? `error: ${error.message}` : answer);
    client[command](...rest, answered);
  });
}

function equal(what, got, wanted) {
  done += 1;
  try {
    assert.deepStrictEqual(got, wanted);
  } catch {
    failed += 1;
    const shown = (value) => String(JSON.stringify(value)).slice(0, 200);
    console.log(`FAILED ${what}: got ${shown(got)}, wanted ${shown(wanted)}`);
  }
}

async function comesTo(what, wanted, get) {
  const deadline = Date.now() + EXPIRY_MILLISECONDS;
  while ((await get()) !== wanted && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  equal(what, await get(), wanted);
}

const NOT_STORED = "error: Item is not stored";

async function storageAndReads() {
  await call("flush");
  equal("get, missing", await call("get", "a"), undefined);
  equal("replace, missing", await call("replace", "a", "1", 0), NOT_STORED);
  equal("append, missing", await call("append", "a", "1"), NOT_STORED);
  equal("prepend, missing", await call("prepend", "a", "1"), NOT_STORED);
  equal("add", await call("add", "a", "one", 0), true);
  equal("add, there", await call("add", "a", "two", 0), NOT_STORED);
  equal("get", await call("get", "a"), "one");
  equal("set", await call("set", "a", "two", 0), true);
  equal("replace", await call("replace", "a", "three", 0), true);
  equal("append", await call("append", "a", " more"), true);
  equal("prepend", await call("prepend", "a", "no "), true);
  equal("get, joined", await call("get", "a"), "no three more");
  equal("del", await call("del", "a"), true);
  equal("delete, missing", await call("delete", "a"), false);
  // Kinds of values are told by the flags.
  for (const value of ["text", 42, { a: [1, 2] }, ""]) {
    await call("set", "typed", value, 0);
    equal(`get of ${typeof value}`, await call("get", "typed"), value);
  }
}

async function manyKeys() {
  const values = {};
  for (let number = 0; number < 100; number += 1) {
    values[`key${number}`] = `value ${number}`;
  }
  const keys = Object.keys(values);
  // All are under way at once: the client pipelines them over its connections.
  const stored = await Promise.all(keys.map((key) => call("set", key, values[key], 0)));
  equal("set of 100", stored.every((answer) => answer === true), true);
  equal("getMulti of 100", await call("getMulti", keys), values);
  equal("get of a list", await call("get", ["key1", "none"]), { key1: "value 1" });
}

async function tokens() {
  await call("set", "t", "1", 0);
  const found = await call("gets", "t");
  equal("gets", found.t, "1");
  equal("cas", await call("cas", "t", "2", found.cas, 0), true);
  equal("cas, conflict", await call("cas", "t", "3", found.cas, 0), false);
  equal("get after a conflict", await call("get", "t"), "2");
  equal("cas, missing", await call("cas", "none", "3", found.cas, 0), false);
}

async function numbers() {
  await call("set", "n", 10, 0);
  equal("incr", await call("incr", "n", 5), 15);
  equal("increment", await call("increment", "n", 1), 16);
  equal("decr", await call("decr", "n", 7), 9);
  equal("decrement", await call("decrement", "n", 1), 8);
  equal("decr, to 0", await call("decr", "n", 100), 0);
  equal("incr, missing", await call("incr", "none", 1), false);
}

async function limits() {
  const key = "k".repeat(250);
  equal("set of a 250-byte key", await call("set", key, "long", 0), true);
  equal("get of a 250-byte key", await call("get", key), "long");
  const large = "large value ".repeat(75000);
  equal("set of 900 kB", await call("set", "large", large, 0), true);
  equal("get of 900 kB", (await call("get", "large")) === large, true);
}

async function expiry() {
  await call("set", "short", "1", 1);
  await comesTo("expiry in 1 s", undefined, () => call("get", "short"));
  await call("set", "touched", "1", 0);
  equal("touch", await call("touch", "touched", 1), true);
  await comesTo("touch to 1 s", undefined, () => call("get", "touched"));
  equal("touch, missing", await call("touch", "touched", 1), false);
}

// The keys of all classes.
async function dumped() {
  const classes = Object.keys((await call("items"))[0]).filter((name) => /^[0-9]+$/.test(name));
  const keys = [];
  for (const number of classes) {
    const found = await call("cachedump", `${host}:${port}`, Number(number), 1000);
    keys.push(...[].concat(found ?? []).map((item) => item.key));
  }
  return keys;
}

async function administration() {
  equal("version", (await call("version"))[0].version.split(".").length, 3);
  equal("stats", (await call("stats"))[0].cmd_set > 0, true);
  equal("settings", (await call("settings"))[0].maxbytes, 256 << 20);
  equal("statsSettings", (await call("statsSettings"))[0].maxbytes, 256 << 20);
  for (const command of ["slabs", "statsSlabs"]) {
    equal(command, (await call(command))[0].active_slabs !== undefined, true);
  }
  for (const command of ["items", "statsItems"]) {
    const classes = Object.values((await call(command))[0]);
    equal(command, classes.some((slab) => slab.number > 0), true);
  }
  await call("set", "dumped", "1", 0);
  // Of memcached's only what its maintainer has come to move.
  await comesTo("cachedump", true, async () => (await dumped()).some((key) => key));
  for (const command of ["flush", "flushAll"]) {
    await call("set", "f", "1", 0);
    equal(command, await call(command), [true]);
    equal(`get after ${command}`, await call("get", "f"), undefined);
  }
}

async function main() {
  await storageAndReads();
  await manyKeys();
  await tokens();
  await numbers();
  await limits();
  await expiry();
  await administration();
  client.end();
  console.log(`memcached from npm: ${done} checks, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

main();
