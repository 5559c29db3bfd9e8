# Cache::Memcached::Fast: every command that it offers, in text. Arguments: host, port.
use strict;
use warnings;

use Cache::Memcached::Fast;
use Time::HiRes qw(sleep time);

use constant EXPIRY_SECONDS => 20;

my ($host, $port) = @ARGV;
my ($done, $failed) = (0, 0);

sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    if (ref $value eq 'HASH') {
        return '{' . join(', ', map { "$_ => " . shown($value->{$_}) } sort keys %$value) . '}';
    }
    return '[' . join(', ', map { shown($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return "'$value'";
}

sub equal {
    my ($what, $got, $wanted) = @_;
    $done++;
    my ($got_shown, $wanted_shown) = (shown($got), shown($wanted));
    return if $got_shown eq $wanted_shown;
    $failed++;
    printf "FAILED %s: got %.200s, wanted %.200s\n", $what, $got_shown, $wanted_shown;
}

sub holds {
    my ($what, $value) = @_;
    equal($what, $value ? 1 : 0, 1);
}

sub comes_to {
    my ($what, $wanted, $get) = @_;
    my $deadline = time + EXPIRY_SECONDS;
    while (shown($get->()) ne shown($wanted) && time < $deadline) {
        sleep 0.1;
    }
    equal($what, $get->(), $wanted);
}

# The client answers 1 for done, '' for refused, undef for an error.
sub storage_and_reads {
    my ($client) = @_;
    $client->flush_all;
    equal('get, missing', $client->get('a'), undef);
    equal('replace, missing', $client->replace('a', '1'), '');
    equal('append, missing', $client->append('a', '1'), '');
    equal('prepend, missing', $client->prepend('a', '1'), '');
    equal('add', $client->add('a', 'one'), 1);
    equal('add, there', $client->add('a', 'two'), '');
    equal('get', $client->get('a'), 'one');
    equal('set', $client->set('a', 'two'), 1);
    equal('replace', $client->replace('a', 'three'), 1);
    equal('append', $client->append('a', ' more'), 1);
    equal('prepend', $client->prepend('a', 'no '), 1);
    equal('get, joined', $client->get('a'), 'no three more');
    equal('delete', $client->delete('a'), 1);
    equal('delete, missing', $client->delete('a'), '');
    equal('remove, missing', $client->remove('a'), '');
    my $bytes = join('', map { chr } 0 .. 255) . "\r\nEND\r\n";
    equal('set, any bytes', $client->set('bytes', $bytes), 1);
    equal('get, any bytes', $client->get('bytes'), $bytes);
    equal('set, a structure', $client->set('typed', {a => [1, 2]}), 1);
    equal('get, a structure', $client->get('typed'), {a => [1, 2]});
}

sub many_keys {
    my ($client) = @_;
    my %values = map { ("key$_" => "value $_") } 0 .. 99;
    my @keys = sort keys %values;
    my %all_done = map { ($_ => 1) } @keys;
    equal('set_multi', scalar $client->set_multi(map { [$_, $values{$_}] } @keys), \%all_done);
    equal('get_multi of 100', $client->get_multi(@keys), \%values);
    equal('get_multi, half missing', $client->get_multi('key1', 'none'), {key1 => 'value 1'});
    my $found = $client->gets_multi(@keys);
    equal('gets_multi of 100', {map { ($_ => $found->{$_}[1]) } @keys}, \%values);
    equal('cas_multi', scalar $client->cas_multi(map { [$_, $found->{$_}[0], 'v'] } @keys),
        \%all_done);
    equal('cas_multi, conflict', scalar $client->cas_multi(['key1', $found->{key1}[0], 'w']),
        {key1 => ''});
    equal('add_multi', scalar $client->add_multi(['key1', 'x'], ['new', 'x']),
        {key1 => '', new => 1});
    equal('replace_multi', scalar $client->replace_multi(['key1', 'r'], ['none', 'r']),
        {key1 => 1, none => ''});
    equal('append_multi', scalar $client->append_multi(['key1', '>'], ['key2', '>']),
        {key1 => 1, key2 => 1});
    equal('prepend_multi', scalar $client->prepend_multi(['key1', '<'], ['key2', '<']),
        {key1 => 1, key2 => 1});
    equal('get_multi, joined', $client->get_multi('key1', 'key2'), {key1 => '<r>', key2 => '<v>'});
    $client->set_multi(['n1', 10], ['n2', 20]);
    equal('incr_multi', scalar $client->incr_multi(['n1', 5], 'n2'), {n1 => 15, n2 => 21});
    equal('decr_multi', scalar $client->decr_multi(['n1', 6], 'n2'), {n1 => 9, n2 => 20});
    equal('touch_multi', scalar $client->touch_multi(['n1', 100], ['none', 100]),
        {n1 => 1, none => ''});
    equal('gat_multi', $client->gat_multi(100, 'n2', 'none'), {n2 => 20});
    equal('gats_multi', [map { $_->[1] } values %{$client->gats_multi(100, 'n2')}], [20]);
    equal('delete_multi', scalar $client->delete_multi(@keys), \%all_done);
    equal('get_multi, none', $client->get_multi(@keys), {});
}

sub tokens {
    my ($client) = @_;
    $client->set('t', '1');
    my $found = $client->gets('t');
    equal('gets', $found->[1], '1');
    equal('cas', $client->cas('t', $found->[0], '2'), 1);
    equal('cas, conflict', $client->cas('t', $found->[0], '3'), '');
    equal('get after a conflict', $client->get('t'), '2');
    equal('cas, missing', $client->cas('none', $found->[0], '3'), '');
}

sub numbers {
    my ($client) = @_;
    $client->set('n', 10);
    equal('incr', $client->incr('n', 5), 15);
    equal('decr', $client->decr('n', 7), 8);
    equal('decr, to 0', $client->decr('n', 100) + 0, 0);
    equal('incr, missing', $client->incr('none'), '');
}

sub without_reply {
    my ($client) = @_;
    # A call whose value nobody wants is sent with noreply.
    $client->set("quiet$_", 1) for 0 .. 99;
    $client->append('quiet1', 2);
    $client->incr('quiet2', 6);
    $client->delete('quiet3');
    $client->nowait_push;
    comes_to('noreply', {quiet1 => 12, quiet2 => 7, quiet99 => 1},
        sub { $client->get_multi(qw(quiet1 quiet2 quiet3 quiet99)) });
}

sub limits {
    my ($client) = @_;
    my $key = 'k' x 250;
    equal('set of a 250-byte key', $client->set($key, 'long'), 1);
    equal('get of a 250-byte key', $client->get($key), 'long');
    my $large = 'large value ' x 75_000;
    equal('set of 900 kB', $client->set('large', $large), 1);
    holds('get of 900 kB', $client->get('large') eq $large);
}

sub expiry {
    my ($client) = @_;
    $client->set('short', '1', 1);
    comes_to('expiry in 1 s', undef, sub { $client->get('short') });
    $client->set('touched', '1');
    equal('touch', $client->touch('touched', 1), 1);
    comes_to('touch to 1 s', undef, sub { $client->get('touched') });
    equal('touch, missing', $client->touch('touched', 1), '');
    $client->set('gat', '1');
    equal('gat', $client->gat(1, 'gat'), '1');
    comes_to('gat to 1 s', undef, sub { $client->get('gat') });
    $client->set('gats', '1');
    equal('gats', $client->gats(100, 'gats')->[1], '1');
}

sub administration {
    my ($client) = @_;
    my $versions = $client->server_versions;
    holds('server_versions', $versions->{"$host:$port"} =~ /^\d+\.\d+\.\d+$/);
    $client->set('f', '1');
    equal('flush_all', scalar $client->flush_all, {"$host:$port" => 1});
    equal('get after flush_all', $client->get('f'), undef);
    $client->disconnect_all;
    equal('set after disconnect_all', $client->set('f', '2'), 1);
}

for my $options ({}, {nowait => 1, namespace => 'space:'}) {
    my $client = Cache::Memcached::Fast->new({servers => ["$host:$port"], %$options});
    storage_and_reads($client);
    many_keys($client);
    tokens($client);
    numbers($client);
    without_reply($client);
    limits($client) unless $options->{namespace};
    expiry($client);
    administration($client);
}

print "Cache::Memcached::Fast: $done checks, $failed failed\n";
exit($failed ? 1 : 0);
