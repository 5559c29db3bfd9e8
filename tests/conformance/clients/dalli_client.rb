# dalli 3: every command of its client, in binary. Arguments: host, port.
#
# With CLIENT_CA in the environment over TLS, with CLIENT_USER signed in.

require 'dalli'
require 'openssl'

EXPIRY_SECONDS = 20
LONG_KEY = 'k' * 250
LARGE_VALUE = 'large value ' * 75_000

$done = 0
$failed = 0

def equal(what, got, wanted)
  $done += 1
  return if got == wanted

  $failed += 1
  puts "FAILED #{what}: got #{got.inspect[0, 200]}, wanted #{wanted.inspect[0, 200]}"
end

def comes_to(what, wanted)
  deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + EXPIRY_SECONDS
  sleep 0.1 while yield != wanted && Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
  equal(what, yield, wanted)
end

def storage_and_reads(client)
  client.flush
  equal('get, missing', client.get('a'), nil)
  equal('replace, missing', client.replace('a', '1'), 0)
  equal('add', client.add('a', 'one', nil, raw: true) ? true : false, true)
  equal('add, there', client.add('a', 'two'), false)
  equal('get', client.get('a', raw: true), 'one')
  equal('set', client.set('a', 'two', nil, raw: true) ? true : false, true)
  equal('replace', client.replace('a', 'three', nil, raw: true) ? true : false, true)
  equal('append', client.append('a', ' more'), true)
  equal('prepend', client.prepend('a', 'no '), true)
  equal('append, missing', client.append('none', 'x'), false)
  equal('get, joined', client.get('a', raw: true), 'no three more')
  equal('delete', client.delete('a'), true)
  equal('delete, missing', client.delete('a'), nil)
  equal('fetch, missing', client.fetch('a', 100) { 'made' }, 'made')
  equal('fetch, there', client.fetch('a') { 'again' }, 'made')
  # Kinds of values are told by the flags.
  ['text', "bytes \r\n\0", 42, 2.5, true, { 'a' => [1, 2] }, ''].each do |value|
    client.set('typed', value)
    equal("get of #{value.class}", client.get('typed'), value)
  end
  client.set('zip', 'z' * 100_000, nil, compress: true)
  equal('get, compressed', client.get('zip'), 'z' * 100_000)
end

def many_keys(client)
  values = (0...100).to_h { |number| ["key#{number}", "value #{number}"] }
  client.multi { values.each { |key, value| client.set(key, value) } }
  equal('get_multi of 100', client.get_multi(values.keys), values)
  equal('get_multi, half missing', client.get_multi('key1', 'none'), { 'key1' => 'value 1' })
  found = {}
  client.get_multi_cas(values.keys) { |key, (value, token)| found[key] = [value, token] }
  equal('get_multi_cas', found.transform_values(&:first), values)
  equal('get_multi_cas, tokens', found.values.map(&:last).uniq.size, 100)
  client.multi { values.each_key { |key| client.delete(key) } }
  equal('get_multi, none', client.get_multi(values.keys), {})
end

def tokens(client)
  client.set('t', '1')
  value, token = client.get_cas('t')
  equal('get_cas', value, '1')
  newer = client.set_cas('t', '2', token)
  equal('set_cas', newer.is_a?(Integer) && newer != token, true)
  equal('set_cas, conflict', client.set_cas('t', '3', token), false)
  equal('get after a conflict', client.get('t'), '2')
  equal('replace_cas, conflict', client.replace_cas('t', '3', token), false)
  equal('replace_cas', client.replace_cas('t', '3', newer).is_a?(Integer), true)
  equal('delete_cas, conflict', client.delete_cas('t', newer), false)
  _, token = client.get_cas('t')
  equal('delete_cas', client.delete_cas('t', token), true)
  client.set('t', 1)
  equal('cas', client.cas('t') { |number| number + 1 } ? true : false, true)
  equal('cas!, missing', client.cas!('new') { 'made' } ? true : false, true)
  equal('get after cas', client.get('t'), 2)
end

def numbers(client)
  client.set('n', '10', nil, raw: true)
  equal('incr', client.incr('n', 5), 15)
  equal('decr', client.decr('n', 7), 8)
  equal('decr, to 0', client.decr('n', 100), 0)
  equal('incr, missing', client.incr('none', 1), nil)
  equal('incr with a start', client.incr('started', 1, 0, 7), 7)
  equal('decr with a start', client.decr('started2', 1, 0, 9), 9)
  client.delete('started')
  client.delete('started2')
end

def limits(client)
  client.set(LONG_KEY, 'long')
  equal('get of a 250-byte key', client.get(LONG_KEY), 'long')
  client.set('large', LARGE_VALUE, nil, compress: false)
  equal('get of 900 kB', client.get('large') == LARGE_VALUE, true)
end

def expiry(client)
  client.set('short', '1', 1)
  comes_to('expiry in 1 s', nil) { client.get('short') }
  client.set('touched', '1')
  equal('touch', client.touch('touched', 1), true)
  comes_to('touch to 1 s', nil) { client.get('touched') }
  equal('touch, missing', client.touch('touched', 1), nil)
  client.set('gat', '1')
  equal('gat', client.gat('gat', 1), '1')
  comes_to('gat to 1 s', nil) { client.get('gat') }
  equal('gat, missing', client.gat('gat', 1), nil)
end

def administration(client, server)
  equal('version', client.version[server].count('.'), 2)
  equal('alive!', client.alive! ? true : false, true)
  equal('stats', client.stats[server]['cmd_set'].to_i.positive?, true)
  equal('stats settings', client.stats(:settings)[server]['maxbytes'], (256 << 20).to_s)
  equal('stats items', client.stats(:items)[server].keys.any? { |n| n.start_with?('items:') }, true)
  equal('stats slabs', client.stats(:slabs)[server].key?('active_slabs'), true)
  client.reset_stats
  equal('reset_stats', client.stats[server]['cmd_set'], '0')
  client.set('f', '1')
  client.flush
  equal('get after flush', client.get('f'), nil)
  client.set('f', '2')
  client.close
  equal('get after close', client.get('f'), '2')
end

host, port = ARGV
server = "#{host}:#{port}"
options = {}
if ENV['CLIENT_CA']
  context = OpenSSL::SSL::SSLContext.new
  context.ca_file = ENV['CLIENT_CA']
  context.verify_mode = OpenSSL::SSL::VERIFY_PEER
  context.verify_hostname = true
  options[:ssl_context] = context
end
if ENV['CLIENT_USER']
  options[:username] = ENV['CLIENT_USER']
  options[:password] = ENV['CLIENT_PASSWORD']
end
client = Dalli::Client.new(server, options)
storage_and_reads(client)
# dalli 3.0's get of many keys asks its TLS socket for a method that this has not.
many_keys(client) unless ENV['CLIENT_CA']
tokens(client)
numbers(client)
limits(client)
expiry(client)
administration(client, server)
puts "dalli #{Dalli::VERSION}: #{$done} checks, #{$failed} failed"
exit($failed.zero? ? 0 : 1)
