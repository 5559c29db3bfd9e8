#include "server/help.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/engine/settings.h"

// memcached's options, by its names and in its order, in larder's words. Those that larder takes
// and that change nothing are marked so. Defaults are printed from the settings that have them.

namespace larder {

namespace {

constexpr char kLetters[] =
    R"(-p, --port=<num>          TCP port to listen on (default: %d)
                          -1, or 0 without UDP: a free port; with 0 and UDP, no
                          TCP; with MEMCACHED_PORT_FILENAME in
                          the environment, the ports are written to that file
-U, --udp-port=<num>      UDP port to listen on (default: %d, off)
-s, --unix-socket=<file>  UNIX socket to listen on, and on nothing else
-a, --unix-mask=<mask>    access mask of the UNIX socket, in octal (default: %o)
-A, --enable-shutdown     let clients end the server with "shutdown"
-l, --listen=<addr>       addresses to listen on (default: all)
                          can be given several times, or several comma separated:
                          <host>, <host>:<port>, [<ipv6>], [<ipv6>]:<port>, *
                          before an address may stand what it is for:
                          proto[ascii], proto[binary] or proto[negotiating]:
                          tag[<name>]:  and, with TLS,
                          notls: btls: or mtls: (none, TLS, TLS with certificates)
-d, --daemon              run as a daemon
-r, --enable-coredumps    raise the limit on core files
-u, --user=<user>         user to become (only when run as root)
-m, --memory-limit=<num>  item memory in megabytes (default: %d)
-M, --disable-evictions   answer with an error when memory is full, do not evict
-c, --conn-limit=<num>    clients at the same time (default: %d)
-k, --lock-memory         lock item memory
-v, --verbose             say what goes wrong on stderr
-vv                       say also what clients ask
-vvv                      say also what connections do
-h, --help                print this and exit
-i, --license             print licenses and exit
-V, --version             print the version and exit
-P, --pidfile=<file>      keep the process id in <file>
-f, --slab-growth-factor=<num> ratio of neighbouring chunk sizes
                          (default: eight sizes for each power of two)
-n, --slab-min-size=<bytes> least room for key+value+flags (default: %d)
-L, --enable-largepages   end if large memory pages are not available
                          (they are always used where they are)
-D <char>                 count by the prefix of keys, which ends before <char>
                          (default: "%c"); "stats detail" shows the counts, and
                          without -D they start with "stats detail on"
-t, --threads=<num>       threads that serve clients (default: %d)
-R, --max-reqs-per-event  requests of one connection in a row, before others have
                          their turn (default: %d)
-C, --disable-cas         keep no CAS
-b, --listen-backlog=<num> connections that may wait to be accepted (default: %d)
-B, --protocol=<name>     protocol: ascii, binary or auto (default: auto, by what a
                          client sends first)
-I, --max-item-size=<num> largest item (default: %dm, min: 1k, max: 1024m)
-S, --enable-sasl         binary clients authenticate with SASL
-F, --disable-flush-all   refuse flush_all
-X, --disable-dumping     refuse stats cachedump, stats detail and lru_crawler dumps
-W, --disable-watch       refuse watch
-Y, --auth-file=<file>    text clients authenticate; lines of user:password
-e, --memory-file=<file>  keep items in a file, and have them again after a stop
                          with SIGUSR1; for memory file systems
-Z, --enable-ssl          TLS
)";

constexpr char kExtended[] =
    R"(-o, --extended            more options, comma separated; (*) is taken and has no effect
   - maxconns_fast:       refuse connections over the limit (default: enabled)
   - no_maxconns_fast:    stop accepting at the limit instead
   - hashpower:           (*)
   - tail_repair_time:    (*)
   - hash_algorithm:      (*) jenkins, murmur3 or xxh3, and xxh3 it is
   - no_lru_crawler:      do not sweep for items that have expired
   - lru_crawler_sleep:   (*)
   - lru_crawler_tocrawl: (*)
   - read_buf_mem_limit:  (*)
   - no_lru_maintainer:   no probation: one queue for all items of a size
   - hot_lru_pct:         share of items on probation (default: %d)
   - warm_lru_pct:        (*)
   - hot_max_factor:      (*)
   - warm_max_factor:     (*)
   - temporary_ttl:       (*)
   - idle_timeout:        close connections idle for so many seconds (default: %d, never)
   - slab_sizes:          chunk sizes in bytes, growing: 96-128-512
   - no_slab_reassign:    refuse "slabs reassign"
   - slab_automove:       move memory to sizes that need it: 0, 1 or 2 (default: %d)
   - slab_automove_ratio: (*)
   - slab_automove_window: (*)
   - slab_chunk_max:      (*)
   - no_chunked_items:    (*)
   - watcher_logbuf_size: kilobytes that may wait for each watcher (default: %d)
   - worker_logbuf_size:  kilobytes of each thread's log for watchers (default: %d)
   - track_sizes:         count sizes of items for "stats sizes"
   - no_hashexpand:       (*)
   - inline_ascii_resp, resp_obj_mem_limit: (*)
   - drop_privileges, relaxed_privileges: (*)
   - modern:              the defaults
   - no_modern:           what memcached 1.4 had for defaults
   - sock_cookie_id:      mark of all sockets, for packet filters

   - ext_*:               refused: there is no external storage
   - slab_automove_freeratio: (*)
   - ssl_chain_cert:      file of the certificate chain, PEM
   - ssl_key:             file of the private key, if not in ssl_chain_cert
   - ssl_keyformat:       PEM, DER or ENGINE (default: PEM)
   - ssl_verify_mode:     of clients' certificates: 0 (none), 1 (request),
                          2 (require) or 3 (once) (default: %d)
   - ssl_ciphers:         ciphers to use, as OpenSSL names them
   - ssl_ca_cert:         file of acceptable clients' CAs, PEM
   - ssl_wbuf_size:       kilobytes written at once (default: %d)
   - ssl_session_cache:   let clients resume sessions
   - ssl_kernel_tls:      let the kernel encrypt
   - ssl_min_version:     0 (tlsv1.0), 1 (tlsv1.1), 2 (tlsv1.2) or 3 (tlsv1.3)
                          (default: 2)
-N, --napi-ids            (*)
)";

constexpr char kLicense[] = R"(
The terms for larder come with its source. It is linked with

libevent, under the 3-clause BSD license:
Copyright (c) 2000-2007 Niels Provos <provos@citi.umich.edu>
Copyright (c) 2007-2012 Niels Provos and Nick Mathewson

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions
are met:
1. Redistributions of source code must retain the above copyright
   notice, this list of conditions and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright
   notice, this list of conditions and the following disclaimer in the
   documentation and/or other materials provided with the distribution.
3. The name of the author may not be used to endorse or promote products
   derived from this software without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE AUTHOR ``AS IS'' AND ANY EXPRESS OR
IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES
OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE DISCLAIMED.
IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY DIRECT, INDIRECT,
INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT
NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES; LOSS OF USE,
DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY
THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

xxHash, under the 2-clause BSD license:
Copyright (c) 2012-2014 Yann Collet

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:
* Redistributions of source code must retain the above copyright notice, this
  list of conditions and the following disclaimer.
* Redistributions in binary form must reproduce the above copyright notice, this
  list of conditions and the following disclaimer in the documentation and/or
  other materials provided with the distribution.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR
ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES
(INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES;
LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS
SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

Cyrus SASL, under a BSD license of Carnegie Mellon University's:
Copyright (c) 1998-2003 Carnegie Mellon University. All rights reserved.
This product includes software developed by Computing Services
at Carnegie Mellon University (http://www.cmu.edu/computing/).

OpenSSL and Abseil, under the Apache License, Version 2.0:
https://www.apache.org/licenses/LICENSE-2.0
)";

}  // namespace

std::string VersionText() {
  return absl::StrCat("larder ", LARDER_VERSION, " (behaves as memcached ", kCompatibleVersion,
                      ")\n");
}

std::string HelpText() {
  const Settings defaults;
  return absl::StrCat(
      VersionText(),
      absl::StrFormat(kLetters, defaults.tcp_port, defaults.udp_port, defaults.unix_mask,
                      defaults.memory_bytes >> 20, defaults.connections_max,
                      defaults.value_bytes_min, defaults.prefix_delimiter, defaults.threads,
                      defaults.requests_per_event, defaults.backlog, defaults.item_bytes_max >> 20),
      absl::StrFormat(kExtended, defaults.probation_percent, defaults.idle_timeout_seconds,
                      defaults.automove, defaults.watcher_buffer_bytes >> 10,
                      defaults.worker_log_buffer_bytes >> 10, static_cast<int>(defaults.tls.verify),
                      defaults.tls.write_buffer_bytes >> 10));
}

std::string LicenseText() { return absl::StrCat(VersionText(), kLicense); }

}  // namespace larder
