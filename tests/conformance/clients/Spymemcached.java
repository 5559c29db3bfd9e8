// spymemcached: every command of its MemcachedClient, in text and in binary. Arguments: host, port.

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import net.spy.memcached.BinaryConnectionFactory;
import net.spy.memcached.CASResponse;
import net.spy.memcached.CASValue;
import net.spy.memcached.ConnectionFactory;
import net.spy.memcached.DefaultConnectionFactory;
import net.spy.memcached.MemcachedClient;

public class Spymemcached {
  static final long EXPIRY_MILLISECONDS = 20_000;
  static final String LONG_KEY = "k".repeat(250);

  static int done = 0;
  static int failed = 0;

  static void equal(String what, Object got, Object wanted) {
    done++;
    if (!Objects.equals(got, wanted)) {
      failed++;
      System.out.println("FAILED " + what + ": got " + got + ", wanted " + wanted);
    }
  }

  static void comesTo(String what, Object wanted, Callable<Object> get) throws Exception {
    long deadline = System.currentTimeMillis() + EXPIRY_MILLISECONDS;
    while (!Objects.equals(get.call(), wanted) && System.currentTimeMillis() < deadline) {
      Thread.sleep(100);
    }
    equal(what, get.call(), wanted);
  }

  static void storageAndReads(MemcachedClient client) throws Exception {
    equal("flush", client.flush().get(), true);
    equal("get, missing", client.get("a"), null);
    equal("replace, missing", client.replace("a", 0, "1").get(), false);
    equal("append, missing", client.append("a", "1").get(), false);
    equal("prepend, missing", client.prepend("a", "1").get(), false);
    equal("add", client.add("a", 0, "one").get(), true);
    equal("add, there", client.add("a", 0, "two").get(), false);
    equal("get", client.get("a"), "one");
    equal("set", client.set("a", 0, "two").get(), true);
    equal("replace", client.replace("a", 0, "three").get(), true);
    equal("append", client.append("a", " more").get(), true);
    equal("prepend", client.prepend("a", "no ").get(), true);
    equal("get, joined", client.get("a"), "no three more");
    equal("asyncGet", client.asyncGet("a").get(), "no three more");
    equal("delete", client.delete("a").get(), true);
    equal("delete, missing", client.delete("a").get(), false);
    // Kinds of values are told by the flags.
    for (Object value : List.of("text", 42, 2.5, true, new ArrayList<>(List.of(1, 2)), "")) {
      client.set("typed", 0, value).get();
      equal("get of " + value.getClass(), client.get("typed"), value);
    }
    client.set("zip", 0, "z".repeat(100_000)).get();
    equal("get, compressed", client.get("zip"), "z".repeat(100_000));
  }

  static void manyKeys(MemcachedClient client) throws Exception {
    Map<String, Object> values = new HashMap<>();
    for (int number = 0; number < 100; number++) {
      values.put("key" + number, "value " + number);
      client.set("key" + number, 0, "value " + number);
    }
    equal("getBulk of 100", client.getBulk(values.keySet()), values);
    equal("getBulk, half missing", client.getBulk("key1", "none"), Map.of("key1", "value 1"));
    equal("asyncGetBulk", client.asyncGetBulk(values.keySet()).get(), values);
    for (String key : values.keySet()) {
      client.delete(key);
    }
    equal("getBulk, none", client.getBulk(values.keySet()), Map.of());
  }

  static void tokens(MemcachedClient client) throws Exception {
    client.set("t", 0, "1").get();
    CASValue<Object> found = client.gets("t");
    equal("gets", found.getValue(), "1");
    equal("asyncGets", client.asyncGets("t").get().getCas(), found.getCas());
    equal("cas", client.cas("t", found.getCas(), "2"), CASResponse.OK);
    equal("cas, conflict", client.cas("t", found.getCas(), "3"), CASResponse.EXISTS);
    equal("get after a conflict", client.get("t"), "2");
    equal("cas, missing", client.cas("none", found.getCas(), "3"), CASResponse.NOT_FOUND);
    long token = client.gets("t").getCas();
    equal("asyncCAS", client.asyncCAS("t", token, "4").get(), CASResponse.OK);
    equal("append with a token", client.append(client.gets("t").getCas(), "t", "5").get(), true);
    equal("get, joined", client.get("t"), "45");
  }

  static void numbers(MemcachedClient client) throws Exception {
    client.set("n", 0, "10").get();
    equal("incr", client.incr("n", 5), 15L);
    equal("decr", client.decr("n", 7), 8L);
    equal("decr, to 0", client.decr("n", 100), 0L);
    equal("asyncIncr", client.asyncIncr("n", 3).get(), 3L);
    equal("asyncDecr", client.asyncDecr("n", 1).get(), 2L);
    equal("incr, missing", client.incr("none", 1), -1L);
    equal("incr with a start", client.incr("started", 1, 7L), 7L);
    equal("incr again", client.incr("started", 1, 7L), 8L);
    equal("decr with a start", client.decr("started2", 1, 9L, 100), 9L);
  }

  static void limits(MemcachedClient client) throws Exception {
    equal("set of a 250-byte key", client.set(LONG_KEY, 0, "long").get(), true);
    equal("get of a 250-byte key", client.get(LONG_KEY), "long");
    byte[] large = new byte[900_000];
    new java.util.Random(1).nextBytes(large);
    equal("set of 900 kB", client.set("large", 0, large).get(30, TimeUnit.SECONDS), true);
    equal("get of 900 kB", Arrays.equals((byte[]) client.get("large"), large), true);
  }

  static void expiry(MemcachedClient client, boolean binary) throws Exception {
    client.set("short", 1, "1").get();
    comesTo("expiry in 1 s", null, () -> client.get("short"));
    client.set("touched", 0, "1").get();
    equal("touch", client.touch("touched", 1).get(), true);
    comesTo("touch to 1 s", null, () -> client.get("touched"));
    equal("touch, missing", client.touch("touched", 1).get(), false);
    if (binary) {
      client.set("gat", 0, "1").get();
      equal("getAndTouch", client.getAndTouch("gat", 1).getValue(), "1");
      comesTo("getAndTouch to 1 s", null, () -> client.get("gat"));
    }
  }

  static void administration(MemcachedClient client, InetSocketAddress address) throws Exception {
    equal("getVersions", client.getVersions().get(address).split("\\.").length, 3);
    equal("getStats", Long.parseLong(client.getStats().get(address).get("cmd_set")) > 0, true);
    String bytesMax = client.getStats("settings").get(address).get("maxbytes");
    equal("getStats settings", bytesMax, String.valueOf(256 << 20));
    client.set("f", 0, "1").get();
    equal("flush", client.flush().get(), true);
    equal("get after flush", client.get("f"), null);
    equal("waitForQueues", client.waitForQueues(10, TimeUnit.SECONDS), true);
  }

  public static void main(String[] arguments) throws Exception {
    System.setProperty("net.spy.log.LoggerImpl", "net.spy.memcached.compat.log.SunLogger");
    java.util.logging.Logger.getLogger("").setLevel(java.util.logging.Level.SEVERE);
    InetSocketAddress address =
        new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
    for (boolean binary : new boolean[] {false, true}) {
      ConnectionFactory factory =
          binary ? new BinaryConnectionFactory() : new DefaultConnectionFactory();
      MemcachedClient client = new MemcachedClient(factory, List.of(address));
      storageAndReads(client);
      manyKeys(client);
      tokens(client);
      numbers(client);
      limits(client);
      expiry(client, binary);
      administration(client, address);
      client.shutdown(10, TimeUnit.SECONDS);
    }
    System.out.println("spymemcached: " + done + " checks, " + failed + " failed");
    System.exit(failed == 0 ? 0 : 1);
  }
}
