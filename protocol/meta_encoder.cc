#include "protocol/meta_encoder.h"

namespace larder {

char* EncodeMetaKey(char* to, std::string_view key, bool binary_key) {
  *to++ = ' ';
  *to++ = 'k';
  if (!binary_key) return EncodeText(to, key);
  return EncodeText(EncodeBase64(key, to), " b");
}

char* EncodeMetaTtl(char* to, uint32_t expire_seconds, uint32_t now_seconds) {
  if (expire_seconds == 0) return EncodeText(to, " t-1");
  return EncodeMetaNumber(to, 't', expire_seconds - now_seconds);
}

char* EncodeMetaEcho(char* to, const Request& request, std::string_view key) {
  ForEachReturn(request.returns, [&](char flag) {
    if (flag == 'O') {
      *to++ = ' ';
      to = EncodeText(to, request.arguments);
    } else if (flag == 'k') {
      to = EncodeMetaKey(to, key, (request.meta & kMetaBase64Key) != 0);
    }
  });
  return to;
}

char* EncodeMetaDebug(char* to, std::string_view key, bool binary_key, const MetaDebug& debug) {
  to = EncodeText(to, kMetaDebugLine);
  to = binary_key ? EncodeBase64(key, to) : EncodeText(to, key);
  to = EncodeText(to, " exp=");
  if (debug.ttl_seconds < 0) *to++ = '-';
  to = EncodeNumber(
      to, static_cast<uint64_t>(debug.ttl_seconds < 0 ? -debug.ttl_seconds : debug.ttl_seconds));
  to = EncodeNumber(EncodeText(to, " la="), debug.idle_seconds);
  to = EncodeNumber(EncodeText(to, " cas="), debug.cas);
  to = EncodeText(EncodeText(to, " fetch="), debug.fetched ? "yes" : "no");
  to = EncodeNumber(EncodeText(to, " cls="), debug.class_id);
  to = EncodeNumber(EncodeText(to, " size="), debug.item_bytes);
  return EncodeText(to, kLineEnd);
}

}  // namespace larder
