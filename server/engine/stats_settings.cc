#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "protocol/request.h"
#include "server/engine/stats.h"
#include "slab/size_classes.h"

// `stats settings`: every name of memcached's, with the value that is obeyed. A setting that means
// nothing to larder's design is shown as turned off, or as nothing, whatever the options said;
// which of them said something stands in larder_without_effect.

namespace larder {
namespace {

constexpr const char* kNone = "NULL";

const char* OrNone(const std::string& text, const char* none) {
  return text.empty() ? none : text.c_str();
}

std::string Octal(unsigned number) {
  char text[16];
  std::snprintf(text, sizeof(text), "%o", number);
  return text;
}

const char* NameOf(TlsVersion version) {
  switch (version) {
    case TlsVersion::k1_0:
      return "tlsv1.0";
    case TlsVersion::k1_1:
      return "tlsv1.1";
    case TlsVersion::k1_2:
      return "tlsv1.2";
    case TlsVersion::k1_3:
      break;
  }
  return "tlsv1.3";
}

void AddNetwork(const Engine& engine, StatLines* lines) {
  const Settings& settings = engine.settings();
  lines->Add("maxbytes", engine.store().Stats().memory_limit_bytes);
  lines->Add("maxconns", engine.connections_max());
  lines->Add("tcpport", settings.tcp_port);
  lines->Add("udpport", settings.udp_port);
  lines->Add("inter", OrNone(settings.listen, kNone));
  lines->Add("verbosity", engine.verbosity());
  lines->Add("oldest", 0);
  lines->Add("evictions", settings.evict ? "on" : "off");
  lines->Add("domain_socket", OrNone(settings.unix_socket, kNone));
  lines->Add("umask", Octal(settings.unix_mask));
  lines->AddYesNo("shutdown_command", settings.shutdown_command);
}

void AddServing(const Engine& engine, StatLines* lines) {
  const Settings& settings = engine.settings();
  // Eight classes for every power of two grow by this in the mean.
  const double factor = settings.growth_factor > 0 ? settings.growth_factor : std::exp2(1.0 / 8);
  lines->AddDecimal("growth_factor", factor, 2);
  lines->Add("chunk_size", settings.value_bytes_min);
  lines->Add("num_threads", settings.threads);
  lines->Add("num_threads_per_udp", settings.threads);
  lines->Add("stat_key_prefix", std::string_view(&settings.prefix_delimiter, 1));
  lines->AddYesNo("detail_enabled", engine.counts_prefixes());
  lines->Add("reqs_per_event", settings.requests_per_event);
  lines->AddYesNo("cas_enabled", settings.cas);
  lines->Add("tcp_backlog", settings.backlog);
  lines->Add("binding_protocol", ProtocolName(settings.protocol));
  lines->AddYesNo("auth_enabled_sasl", settings.sasl);
  lines->AddYesNo("auth_enabled_ascii", !settings.auth_file.empty());
  lines->Add("item_size_max", settings.item_bytes_max);
  lines->AddYesNo("maxconns_fast", settings.maxconns_fast);
}

void AddMemory(const Engine& engine, StatLines* lines) {
  const Settings& settings = engine.settings();
  const StoreStats store = engine.store().Stats();
  lines->Add("hashpower_init", 0);
  lines->AddYesNo("slab_reassign", settings.slab_reassign);
  lines->Add("slab_automove", engine.automove());
  lines->AddDecimal("slab_automove_ratio", 0, 2);
  lines->Add("slab_automove_window", 0);
  lines->Add("slab_chunk_max", store.page_bytes / kChunksInPageMin);
  lines->AddYesNo("lru_crawler", store.sweeper);
  lines->Add("lru_crawler_sleep", 0);
  lines->Add("lru_crawler_tocrawl", 0);
  lines->Add("tail_repair_time", 0);
  lines->AddYesNo("flush_enabled", settings.flush_command);
  lines->AddYesNo("dump_enabled", settings.dump_commands);
  lines->Add("hash_algorithm", "xxh3");
  lines->AddYesNo("lru_maintainer_thread", settings.lru_maintainer);
  lines->AddYesNo("lru_segmented", engine.segmented());
  lines->Add("hot_lru_pct", engine.probation_percent());
  lines->Add("warm_lru_pct", 0);
  lines->AddDecimal("hot_max_factor", 0, 2);
  lines->AddDecimal("warm_max_factor", 0, 2);
  lines->AddYesNo("temp_lru", false);
  lines->Add("temporary_ttl", 0);
}

void AddBuffers(const Engine& engine, StatLines* lines) {
  const Settings& settings = engine.settings();
  lines->Add("idle_timeout", engine.idle_timeout_seconds());
  lines->Add("watcher_logbuf_size", settings.watcher_buffer_bytes);
  lines->Add("worker_logbuf_size", settings.worker_log_buffer_bytes);
  lines->Add("read_buf_mem_limit", 0);
  lines->AddYesNo("track_sizes", settings.track_sizes);
  lines->AddYesNo("inline_ascii_response", false);
}

void AddExternalStorage(StatLines* lines) {
  lines->Add("ext_item_size", 0);
  lines->Add("ext_item_age", 0);
  lines->Add("ext_low_ttl", 0);
  lines->Add("ext_recache_rate", 0);
  lines->Add("ext_wbuf_size", 0);
  lines->Add("ext_compact_under", 0);
  lines->Add("ext_drop_under", 0);
  lines->Add("ext_max_sleep", 0);
  lines->AddDecimal("ext_max_frag", 0, 2);
  lines->AddDecimal("slab_automove_freeratio", 0, 3);
  lines->AddYesNo("ext_drop_unread", false);
}

// As OpenSSL numbers them, which is how memcached prints them.
int VerifyNumber(TlsVerify verify) {
  switch (verify) {
    case TlsVerify::kNone:
      return 0;
    case TlsVerify::kRequest:
      return 1;
    case TlsVerify::kRequire:
      return 3;
    case TlsVerify::kOnce:
      break;
  }
  return 7;
}

void AddTls(const TlsSettings& tls, StatLines* lines) {
  constexpr const char* kNull = "(null)";
  lines->AddYesNo("ssl_enabled", tls.enabled);
  lines->Add("ssl_chain_cert", OrNone(tls.chain_cert, kNull));
  lines->Add("ssl_key", OrNone(tls.key, kNull));
  lines->Add("ssl_verify_mode", VerifyNumber(tls.verify));
  // OpenSSL numbers them from 1.
  lines->Add("ssl_keyformat", static_cast<int>(tls.key_format) + 1);
  lines->Add("ssl_ciphers", OrNone(tls.ciphers, kNone));
  lines->Add("ssl_ca_cert", OrNone(tls.ca_cert, kNone));
  lines->Add("ssl_wbuf_size", tls.write_buffer_bytes);
  lines->AddYesNo("ssl_session_cache", tls.session_cache);
  lines->AddYesNo("ssl_kernel_tls", tls.kernel_offload);
  lines->Add("ssl_min_version", NameOf(tls.version_min));
}

std::string Joined(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ",") + name;
  return list.empty() ? kNone : list;
}

}  // namespace

void AddSettings(const Engine& engine, StatLines* lines) {
  AddNetwork(engine, lines);
  AddServing(engine, lines);
  AddMemory(engine, lines);
  AddBuffers(engine, lines);
  AddExternalStorage(lines);
  AddTls(engine.settings().tls, lines);
  lines->Add("num_napi_ids", 0);
  lines->Add("memory_file", OrNone(engine.settings().memory_file, "(null)"));
  lines->Add("client_flags_size", sizeof(Request::client_flags));
  lines->Add("larder_sweep_interval", engine.settings().sweep_seconds);
  lines->AddYesNo("larder_watch_enabled", engine.settings().watch_command);
  lines->Add("larder_hotkeys_sample", engine.settings().hot_keys_sample);
  lines->AddYesNo("larder_mrc_enabled", engine.settings().miss_ratio_curve);
  lines->Add("larder_without_effect", Joined(engine.settings().without_effect));
}

}  // namespace larder
