// The ssl_* of -o.

#include <array>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/config/option_setters.h"

namespace larder {

namespace {

MaybeRefusal SetVerifyMode(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  int mode = 0;
  if (!ParseNumber(*given.value, &mode)) return Unparsed(given);
  if (mode < 0 || mode > static_cast<int>(TlsVerify::kOnce)) {
    return BadValue("Invalid ssl_verify_mode. Use help to see valid options.");
  }
  draft->options.settings.tls.verify = static_cast<TlsVerify>(mode);
  return std::nullopt;
}

// memcached takes OpenSSL's numbers, and its help speaks of the words.
MaybeRefusal SetKeyFormat(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  if (*given.value == "PEM" || *given.value == "1") {
    draft->options.settings.tls.key_format = TlsKeyFormat::kPem;
  } else if (*given.value == "DER" || *given.value == "2") {
    draft->options.settings.tls.key_format = TlsKeyFormat::kDer;
  } else if (*given.value == "ENGINE") {
    draft->options.settings.tls.key_format = TlsKeyFormat::kEngine;
  } else {
    return Unparsed(given);
  }
  return std::nullopt;
}

MaybeRefusal SetVersionMin(const Given& given, OptionDraft* draft) {
  if (!given.value) return Missing(given);
  int version = 0;
  if (!ParseNumber(*given.value, &version)) return Unparsed(given);
  if (version < 0 || version > static_cast<int>(TlsVersion::k1_3)) {
    return BadValue("Invalid ssl_min_version. Use help to see valid options.");
  }
  draft->options.settings.tls.version_min = static_cast<TlsVersion>(version);
  return std::nullopt;
}

Printed PrintKeyFormat(const Options& options) {
  switch (options.settings.tls.key_format) {
    case TlsKeyFormat::kDer:
      return "DER";
    case TlsKeyFormat::kEngine:
      return "ENGINE";
    case TlsKeyFormat::kPem:
      break;
  }
  return "PEM";
}

// As a number, which files and the help have, too.
template <auto field>
Printed PrintLevel(const Options& options) {
  return absl::StrCat(static_cast<int>(FieldOf<field>(options)));
}

constexpr std::array kOptions = {
    Option{.name = "ssl_chain_cert",
           .group = Group::kExtended,
           .value = "file",
           .help = "file of the certificate chain, PEM; read again on HUP",
           .apply = SetText<&TlsSettings::chain_cert>,
           .print = PrintText<&TlsSettings::chain_cert>},
    Option{.name = "ssl_key",
           .group = Group::kExtended,
           .value = "file",
           .help = "file of the private key, if not in ssl_chain_cert; read again on HUP",
           .apply = SetText<&TlsSettings::key>,
           .print = PrintText<&TlsSettings::key>},
    Option{.name = "ssl_keyformat",
           .group = Group::kExtended,
           .value = "name",
           .help = "PEM, DER or ENGINE",
           .apply = SetKeyFormat,
           .print = PrintKeyFormat},
    Option{.name = "ssl_verify_mode",
           .group = Group::kExtended,
           .value = "num",
           .help = "of clients' certificates: 0, 1, 2 or 3\n"
                   "(none, request, require or once)",
           .apply = SetVerifyMode,
           .print = PrintLevel<&TlsSettings::verify>},
    Option{.name = "ssl_ciphers",
           .group = Group::kExtended,
           .value = "list",
           .help = "ciphers to use, as OpenSSL names them",
           .apply = SetText<&TlsSettings::ciphers>,
           .print = PrintText<&TlsSettings::ciphers>},
    Option{.name = "ssl_ca_cert",
           .group = Group::kExtended,
           .value = "file",
           .help = "file of acceptable clients' CAs, PEM; read again on HUP",
           .apply = SetText<&TlsSettings::ca_cert>,
           .print = PrintText<&TlsSettings::ca_cert>},
    Option{.name = "ssl_wbuf_size",
           .group = Group::kExtended,
           .value = "kilobytes",
           .help = "written at once",
           .apply = SetKilobytes<&TlsSettings::write_buffer_bytes>,
           .print = PrintShifted<&TlsSettings::write_buffer_bytes, 10>},
    Option{.name = "ssl_session_cache",
           .group = Group::kExtended,
           .argument = Argument::kSwitch,
           .help = "let clients resume sessions",
           .apply = SetSwitch<&TlsSettings::session_cache>,
           .print = PrintSwitch<&TlsSettings::session_cache>},
    Option{.name = "ssl_kernel_tls",
           .group = Group::kExtended,
           .argument = Argument::kSwitch,
           .help = "let the kernel encrypt",
           .apply = SetSwitch<&TlsSettings::kernel_offload>,
           .print = PrintSwitch<&TlsSettings::kernel_offload>},
    Option{.name = "ssl_min_version",
           .group = Group::kExtended,
           .value = "num",
           .help = "0, 1, 2 or 3 (tlsv1.0, tlsv1.1, tlsv1.2 or tlsv1.3)",
           .apply = SetVersionMin,
           .print = PrintLevel<&TlsSettings::version_min>},
};

}  // namespace

std::span<const Option> TlsOptions() { return kOptions; }

}  // namespace larder
