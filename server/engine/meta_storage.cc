#include "protocol/meta_encoder.h"
#include "server/engine/commands.h"

// ms. Everything but its options and its reply is as for the other storage commands (storage.cc).

namespace larder {
namespace {

WriteMode ModeOf(MetaMode mode) {
  switch (mode) {
    case MetaMode::kAdd:
      return WriteMode::kAdd;
    case MetaMode::kReplace:
      return WriteMode::kReplace;
    case MetaMode::kAppend:
      return WriteMode::kAppend;
    case MetaMode::kPrepend:
      return WriteMode::kPrepend;
    default:
      return WriteMode::kSet;
  }
}

std::string_view StatusOf(WriteStatus status) {
  switch (status) {
    case WriteStatus::kStored:
      return kMetaDone;
    case WriteStatus::kExists:
      return kMetaExists;
    case WriteStatus::kNotFound:
      return kMetaNotFound;
    case WriteStatus::kNotStored:
    // What was sent could be stored, but not joined to what is there.
    case WriteStatus::kTooLarge:
    case WriteStatus::kNoMemory:
      return kMetaNotStored;
  }
  return kMetaNotStored;
}

}  // namespace

WriteOptions MetaWriteOptions(const Turn& turn, const Request& request) {
  const bool joins =
      request.meta_mode == MetaMode::kAppend || request.meta_mode == MetaMode::kPrepend;
  const bool create = joins && (request.meta & kMetaCreate) != 0;
  return {.mode = ModeOf(request.meta_mode),
          .compare = (request.meta & kMetaCompare) != 0,
          .invalidate = (request.meta & kMetaInvalidate) != 0,
          .create = create,
          .binary_key = (request.meta & kMetaBase64Key) != 0,
          .compare_cas = turn.Token(request.cas),
          .client_flags = request.client_flags,
          .expire = ExpireTick(create ? request.create_exptime : request.exptime, turn.now),
          .chosen_cas = turn.Token(request.chosen_cas)};
}

void ReplyToMetaStore(const Turn& turn, const Request& request, const WriteOutcome& outcome) {
  const bool stored = outcome.status == WriteStatus::kStored;
  if (stored && (request.meta & kMetaQuiet) != 0) return;
  char* const room = turn.out.Room(kMetaLineBytesMax);
  char* end = EncodeText(room, StatusOf(outcome.status));
  ForEachReturn(request.returns, [&](char flag) {
    switch (flag) {
      case 'O':
        *end++ = ' ';
        end = EncodeText(end, request.arguments);
        return;
      case 'k':
        end = EncodeMetaKey(end, request.key, (request.meta & kMetaBase64Key) != 0);
        return;
      case 'c':
        end = EncodeMetaNumber(end, flag, stored ? turn.Token(outcome.cas) : 0);
        return;
      case 's':
        end = EncodeMetaNumber(end, flag, stored ? outcome.value_bytes : request.value_bytes);
        return;
      default:
        return;
    }
  });
  end = EncodeText(end, kLineEnd);
  turn.out.Commit(static_cast<size_t>(end - room));
}

}  // namespace larder
