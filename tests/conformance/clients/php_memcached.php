<?php
// php-memcached: every command of its Memcached class, in text and in binary. Arguments: host, port.
//
// With CLIENT_USER in the environment in binary alone, signed in by SASL.

const EXPIRY_SECONDS = 20;

$done = 0;
$failed = 0;

function equal(string $what, mixed $got, mixed $wanted): void
{
    global $done, $failed;
    $done++;
    if ($got !== $wanted) {
        $failed++;
        echo "FAILED $what: got ", substr(var_export($got, true), 0, 200), ', wanted ',
            substr(var_export($wanted, true), 0, 200), "\n";
    }
}

function comes_to(string $what, mixed $wanted, callable $get): void
{
    $deadline = microtime(true) + EXPIRY_SECONDS;
    while ($get() !== $wanted && microtime(true) < $deadline) {
        usleep(100_000);
    }
    equal($what, $get(), $wanted);
}

function storage_and_reads(Memcached $client): void
{
    $client->flush();
    equal('get, missing', $client->get('a'), false);
    equal('get, missing: code', $client->getResultCode(), Memcached::RES_NOTFOUND);
    equal('replace, missing', $client->replace('a', '1'), false);
    $binary = $client->getOption(Memcached::OPT_BINARY_PROTOCOL);
    $code = $binary ? Memcached::RES_NOTFOUND : Memcached::RES_NOTSTORED;
    equal('replace, missing: code', $client->getResultCode(), $code);
    // What is compressed cannot be appended to: the client refuses.
    $compresses = $client->getOption(Memcached::OPT_COMPRESSION);
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    equal('append, missing', $client->append('a', '1'), false);
    equal('prepend, missing', $client->prepend('a', '1'), false);
    equal('add', $client->add('a', 'one'), true);
    equal('add, there', $client->add('a', 'two'), false);
    equal('get', $client->get('a'), 'one');
    equal('set', $client->set('a', 'two'), true);
    equal('replace', $client->replace('a', 'three'), true);
    equal('append', $client->append('a', ' more'), true);
    equal('prepend', $client->prepend('a', 'no '), true);
    equal('get, joined', $client->get('a'), 'no three more');
    $client->setOption(Memcached::OPT_COMPRESSION, $compresses);
    equal('delete', $client->delete('a'), true);
    equal('delete, missing', $client->delete('a'), false);
    // Kinds of values are told by the flags.
    foreach (['text', "bytes \r\n\0", 42, 2.5, true, ['a' => [1, 2]], ''] as $value) {
        $client->set('typed', $value);
        equal('get of ' . gettype($value), $client->get('typed'), $value);
    }
    equal('get with a callback', $client->get('made', function ($client, $key, &$value) {
        $value = "made of $key";
        return true;
    }), 'made of made');
}

function many_keys(Memcached $client): void
{
    $values = [];
    for ($number = 0; $number < 100; $number++) {
        $values["key$number"] = "value $number";
    }
    equal('setMulti', $client->setMulti($values), true);
    $found = $client->getMulti(array_keys($values), Memcached::GET_PRESERVE_ORDER);
    equal('getMulti of 100', $found, $values);
    equal('getMulti, half missing', $client->getMulti(['key1', 'none']), ['key1' => 'value 1']);
    equal('getDelayed', $client->getDelayed(array_keys($values), true), true);
    equal('fetch', count($client->fetch()), 4);
    equal('fetchAll', count($client->fetchAll()), 99);
    $deleted = $client->deleteMulti(array_keys($values));
    equal('deleteMulti', array_keys($deleted, true, true), array_keys($values));
    equal('getMulti, none', $client->getMulti(array_keys($values)), []);
}

function tokens(Memcached $client): void
{
    $client->set('t', '1');
    $found = $client->get('t', null, Memcached::GET_EXTENDED);
    equal('get with its token', $found['value'], '1');
    equal('cas', $client->cas($found['cas'], 't', '2'), true);
    equal('cas, conflict', $client->cas($found['cas'], 't', '3'), false);
    equal('cas, conflict: code', $client->getResultCode(), Memcached::RES_DATA_EXISTS);
    equal('get after a conflict', $client->get('t'), '2');
    equal('cas, missing', $client->cas($found['cas'], 'none', '3'), false);
    equal('cas, missing: code', $client->getResultCode(), Memcached::RES_NOTFOUND);
}

function numbers(Memcached $client): void
{
    $client->set('n', 10);
    equal('increment', $client->increment('n', 5), 15);
    equal('decrement', $client->decrement('n', 7), 8);
    equal('decrement, to 0', $client->decrement('n', 100), 0);
    equal('increment, missing', $client->increment('none'), false);
    equal('increment, missing: code', $client->getResultCode(), Memcached::RES_NOTFOUND);
}

function by_key(Memcached $client): void
{
    $home = 'server key';
    $compresses = $client->getOption(Memcached::OPT_COMPRESSION);
    $client->setOption(Memcached::OPT_COMPRESSION, false);
    equal('setByKey', $client->setByKey($home, 'b', 'one'), true);
    equal('addByKey', $client->addByKey($home, 'b', 'two'), false);
    equal('replaceByKey', $client->replaceByKey($home, 'b', 'three'), true);
    equal('appendByKey', $client->appendByKey($home, 'b', '>'), true);
    equal('prependByKey', $client->prependByKey($home, 'b', '<'), true);
    equal('getByKey', $client->getByKey($home, 'b'), '<three>');
    $client->setOption(Memcached::OPT_COMPRESSION, $compresses);
    $found = $client->getByKey($home, 'b', null, Memcached::GET_EXTENDED);
    equal('casByKey', $client->casByKey($found['cas'], $home, 'b', 5), true);
    equal('incrementByKey', $client->incrementByKey($home, 'b', 2), 7);
    equal('decrementByKey', $client->decrementByKey($home, 'b', 1), 6);
    equal('touchByKey', $client->touchByKey($home, 'b', 100), true);
    equal('setMultiByKey', $client->setMultiByKey($home, ['c' => 1, 'd' => 2]), true);
    equal('getMultiByKey', $client->getMultiByKey($home, ['c', 'd']), ['c' => 1, 'd' => 2]);
    equal('getDelayedByKey', $client->getDelayedByKey($home, ['c', 'd']), true);
    equal('fetchAll', count($client->fetchAll()), 2);
    equal('deleteByKey', $client->deleteByKey($home, 'b'), true);
    $deleted = $client->deleteMultiByKey($home, ['c', 'd']);
    equal('deleteMultiByKey', $deleted, ['c' => true, 'd' => true]);
}

function limits(Memcached $client): void
{
    $key = str_repeat('k', 250);
    equal('set of a 250-byte key', $client->set($key, 'long'), true);
    equal('get of a 250-byte key', $client->get($key), 'long');
    $large = random_bytes(900_000);
    equal('set of 900 kB', $client->set('large', $large), true);
    equal('get of 900 kB', $client->get('large') === $large, true);
    equal('set of 2 MB', $client->set('oversized', random_bytes(2_000_000)), false);
    equal('set of 2 MB: code', $client->getResultCode(), Memcached::RES_E2BIG);
    equal('get after a value too large', $client->get($key), 'long');
}

function expiry(Memcached $client): void
{
    $client->set('short', '1', 1);
    comes_to('expiry in 1 s', false, fn () => $client->get('short'));
    $client->set('touched', '1');
    equal('touch', $client->touch('touched', 1), true);
    comes_to('touch to 1 s', false, fn () => $client->get('touched'));
    equal('touch, missing', $client->touch('touched', 1), false);
}

function administration(Memcached $client, string $server): void
{
    equal('getVersion', count(explode('.', $client->getVersion()[$server])), 3);
    equal('getStats', $client->getStats()[$server]['cmd_set'] > 0, true);
    equal('getStats settings', (int) $client->getStats('settings')[$server]['maxbytes'], 256 << 20);
    if (!$client->getOption(Memcached::OPT_BINARY_PROTOCOL)) {
        // A dump is a command of text alone. memcached dumps what its maintainer has come to move.
        $client->set('dumped', '1');
        comes_to('getAllKeys', true, fn () => in_array('dumped', $client->getAllKeys() ?: []));
    }
    $client->set('f', '1');
    equal('flush', $client->flush(), true);
    equal('get after flush', $client->get('f'), false);
    equal('quit', $client->quit(), true);
    equal('set after quit', $client->set('f', '2'), true);
}

/** A client with these options, signed in if the server wants it. */
function connected(array $options = []): Memcached
{
    global $host, $port;
    $client = new Memcached();
    $client->setOptions($options);
    $client->addServer($host, (int) $port);
    if (getenv('CLIENT_USER')) {
        $client->setOption(Memcached::OPT_BINARY_PROTOCOL, true);
        $client->setSaslAuthData(getenv('CLIENT_USER'), getenv('CLIENT_PASSWORD'));
    }
    return $client;
}

[, $host, $port] = $argv;
$plain = [Memcached::OPT_TCP_NODELAY => true, Memcached::OPT_COMPRESSION => false];
$binary = [Memcached::OPT_BINARY_PROTOCOL => true];
$kinds = getenv('CLIENT_USER') ? [$binary] : [[], $plain, $binary, $binary + $plain];
foreach ($kinds as $options) {
    $client = connected($options);
    storage_and_reads($client);
    many_keys($client);
    tokens($client);
    numbers($client);
    by_key($client);
    limits($client);
    expiry($client);
    administration($client, "$host:$port");
}

// Requests held back and sent together.
$buffering = connected([Memcached::OPT_BUFFER_WRITES => true]);
for ($number = 0; $number < 100; $number++) {
    $buffering->set("held$number", $number);
}
equal('flushBuffers', $buffering->flushBuffers(), true);
comes_to('held back: set', 99, fn () => $client->get('held99'));

// Requests without replies.
$quiet = connected([Memcached::OPT_NOREPLY => true, Memcached::OPT_COMPRESSION => false]);
$quiet->set('quiet', '1');
$quiet->append('quiet', '2');
comes_to('noreply: set and append', '12', fn () => $client->get('quiet'));
$quiet->delete('quiet');
comes_to('noreply: delete', false, fn () => $client->get('quiet'));

echo "php-memcached: $done checks, $failed failed\n";
exit($failed ? 1 : 0);
