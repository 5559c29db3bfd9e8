// gomemcache: every command of its Client. Arguments: host, port.
package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const expiry = 20 * time.Second

var done, failed int

func equal(what string, got, wanted interface{}) {
	done++
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		failed++
		fmt.Printf("FAILED %s: got %.200v, wanted %.200v\n", what, got, wanted)
	}
}

func comesTo(what string, wanted error, get func() error) {
	for deadline := time.Now().Add(expiry); get() != wanted && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	equal(what, get(), wanted)
}

func value(client *memcache.Client, key string) string {
	item, err := client.Get(key)
	if err != nil {
		return err.Error()
	}
	return string(item.Value)
}

func item(key, value string) *memcache.Item {
	return &memcache.Item{Key: key, Value: []byte(value)}
}

func storageAndReads(client *memcache.Client) {
	equal("FlushAll", client.FlushAll(), nil)
	equal("Get, missing", value(client, "a"), memcache.ErrCacheMiss)
	equal("Replace, missing", client.Replace(item("a", "1")), memcache.ErrNotStored)
	equal("Add", client.Add(item("a", "one")), nil)
	equal("Add, there", client.Add(item("a", "two")), memcache.ErrNotStored)
	equal("Get", value(client, "a"), "one")
	equal("Set", client.Set(item("a", "two")), nil)
	equal("Replace", client.Replace(item("a", "three")), nil)
	equal("Get, replaced", value(client, "a"), "three")
	equal("Delete", client.Delete("a"), nil)
	equal("Delete, missing", client.Delete("a"), memcache.ErrCacheMiss)
	flags := &memcache.Item{Key: "flags", Value: []byte("\x00\r\nEND\r\n\xff"), Flags: 4294967295}
	equal("Set with flags", client.Set(flags), nil)
	found, err := client.Get("flags")
	equal("Get with flags", err, nil)
	equal("Get with flags: flags", found.Flags, flags.Flags)
	equal("Get with flags: value", found.Value, flags.Value)
}

func manyKeys(client *memcache.Client) {
	var keys []string
	for number := 0; number < 100; number++ {
		keys = append(keys, fmt.Sprintf("key%d", number))
		equal("Set", client.Set(item(keys[number], "value of "+keys[number])), nil)
	}
	found, err := client.GetMulti(append(keys, "none"))
	equal("GetMulti of 100", err, nil)
	equal("GetMulti of 100: how many", len(found), 100)
	for _, key := range keys {
		equal("GetMulti of 100: value", string(found[key].Value), "value of "+key)
	}
}

func tokens(client *memcache.Client) {
	client.Set(item("t", "1"))
	mine, _ := client.Get("t")
	theirs, _ := client.Get("t")
	mine.Value = []byte("2")
	theirs.Value = []byte("3")
	equal("CompareAndSwap", client.CompareAndSwap(mine), nil)
	equal("CompareAndSwap, conflict", client.CompareAndSwap(theirs), memcache.ErrCASConflict)
	equal("Get after a conflict", value(client, "t"), "2")
	client.Delete("t")
	equal("CompareAndSwap, missing", client.CompareAndSwap(mine), memcache.ErrCacheMiss)
}

func numbers(client *memcache.Client) {
	client.Set(item("n", "10"))
	number, err := client.Increment("n", 5)
	equal("Increment", number, 15)
	equal("Increment: error", err, nil)
	number, _ = client.Decrement("n", 7)
	equal("Decrement", number, 8)
	number, _ = client.Decrement("n", 100)
	equal("Decrement, to 0", number, 0)
	_, err = client.Increment("none", 1)
	equal("Increment, missing", err, memcache.ErrCacheMiss)
	client.Set(item("n", "text"))
	_, err = client.Increment("n", 1)
	equal("Increment of text", err != nil && strings.Contains(err.Error(), "non-numeric"), true)
}

func limits(client *memcache.Client) {
	key := strings.Repeat("k", 250)
	equal("Set of a 250-byte key", client.Set(item(key, "long")), nil)
	equal("Get of a 250-byte key", value(client, key), "long")
	large := bytes.Repeat([]byte("large value "), 75000)
	equal("Set of 900 kB", client.Set(&memcache.Item{Key: "large", Value: large}), nil)
	found, err := client.Get("large")
	equal("Get of 900 kB", err, nil)
	equal("Get of 900 kB: value", bytes.Equal(found.Value, large), true)
}

func expiries(client *memcache.Client) {
	client.Set(&memcache.Item{Key: "short", Value: []byte("1"), Expiration: 1})
	get := func(key string) func() error {
		return func() error {
			_, err := client.Get(key)
			return err
		}
	}
	comesTo("expiry in 1 s", memcache.ErrCacheMiss, get("short"))
	client.Set(item("touched", "1"))
	equal("Touch", client.Touch("touched", 1), nil)
	comesTo("Touch to 1 s", memcache.ErrCacheMiss, get("touched"))
	equal("Touch, missing", client.Touch("touched", 1), memcache.ErrCacheMiss)
}

func flushes(client *memcache.Client) {
	client.Set(item("f", "1"))
	equal("DeleteAll", client.DeleteAll(), nil)
	equal("Get after DeleteAll", value(client, "f"), memcache.ErrCacheMiss)
	client.Set(item("f", "2"))
	equal("FlushAll", client.FlushAll(), nil)
	equal("Get after FlushAll", value(client, "f"), memcache.ErrCacheMiss)
}

func main() {
	client := memcache.New(net.JoinHostPort(os.Args[1], os.Args[2]))
	client.Timeout = 30 * time.Second
	storageAndReads(client)
	manyKeys(client)
	tokens(client)
	numbers(client)
	limits(client)
	expiries(client)
	flushes(client)
	fmt.Printf("gomemcache: %d checks, %d failed\n", done, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
