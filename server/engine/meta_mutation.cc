#include "protocol/meta_encoder.h"
#include "server/engine/commands.h"
#include "server/engine/counting.h"
#include "server/engine/meta_expiry.h"
#include "server/engine/observe.h"

// md and ma. Both are quiet (q) only about success.

namespace larder {
namespace {

void CommitLine(const Turn& turn, const char* room, char* end) {
  end = EncodeText(end, kLineEnd);
  turn.out.Commit(static_cast<size_t>(end - room));
}

// A status, and what is repeated whether there is an item or not.
void ReplyEcho(const Turn& turn, const Request& request, std::string_view status) {
  char* const room = turn.out.Room(kMetaLineBytesMax);
  CommitLine(turn, room, EncodeMetaEcho(EncodeText(room, status), request, request.key));
}

bool IsQuiet(const Request& request) { return (request.meta & kMetaQuiet) != 0; }

DeleteOptions DeleteOptionsOf(const Turn& turn, const Request& request) {
  const bool touch = (request.meta & kMetaTouch) != 0;
  // Under -C a comparison with 0 is no comparison, and one with another token never holds.
  const bool may_compare = turn.worker.settings().cas || request.cas != 0;
  return {.compare = (request.meta & kMetaCompare) != 0 && may_compare,
          .invalidate = (request.meta & kMetaInvalidate) != 0,
          .remove_value = (request.meta & kMetaRemoveValue) != 0,
          .touch = touch,
          .compare_cas = turn.Token(request.cas),
          .expire = touch ? ExpireTick(request.exptime, turn.now) : kNeverExpires,
          .client_flags = request.client_flags,
          .chosen_cas = turn.Token(request.chosen_cas)};
}

ArithmeticOptions ArithmeticOptionsOf(const Turn& turn, const Request& request) {
  const bool touch = (request.meta & kMetaTouch) != 0;
  return {.decrement = request.meta_mode == MetaMode::kDecrement,
          .delta = request.number,
          // To memcached 0 is as good as any token here.
          .compare = (request.meta & kMetaCompare) != 0 && request.cas != 0,
          .create = (request.meta & kMetaCreate) != 0,
          .touch = touch,
          .compare_cas = turn.Token(request.cas),
          .initial = request.initial,
          .create_expire = MetaCreateExpire(request, turn.now),
          .expire = touch ? ExpireTick(request.exptime, turn.now) : kNeverExpires,
          .chosen_cas = turn.Token(request.chosen_cas)};
}

char* EncodeArithmeticReturn(char* to, const Turn& turn, const Request& request,
                             const ArithmeticOutcome& outcome, char flag) {
  switch (flag) {
    case 'k':
      return EncodeMetaKey(to, request.key, (request.meta & kMetaBase64Key) != 0);
    case 'O':
      *to++ = ' ';
      return EncodeText(to, request.arguments);
    case 't':
      return EncodeMetaTtl(to,
                           MetaShownExpire(request, turn.now,
                                           {.created = outcome.created,
                                            .before = outcome.expire_before,
                                            .after = outcome.expire}),
                           turn.tick().seconds);
    case 'c':
      return EncodeMetaNumber(to, flag, turn.Token(outcome.cas));
    default:
      return to;
  }
}

void ReplyNumber(const Turn& turn, const Request& request, const ArithmeticOutcome& outcome) {
  char* const room = turn.out.Room(kMetaLineBytesMax + kNumberReplyBytesMax);
  char* end = room;
  const bool with_value = (request.meta & kMetaValue) != 0;
  if (with_value) {
    char digits[kNumberBytesMax];
    const auto length = static_cast<uint64_t>(EncodeNumber(digits, outcome.value) - digits);
    end = EncodeNumber(EncodeText(end, kMetaValueFollows), length);
  } else {
    end = EncodeText(end, kMetaDone);
  }
  ForEachReturn(request.returns, [&](char flag) {
    end = EncodeArithmeticReturn(end, turn, request, outcome, flag);
  });
  if (with_value) end = EncodeNumber(EncodeText(end, kLineEnd), outcome.value);
  CommitLine(turn, room, end);
}

}  // namespace

void ExecuteMetaDelete(const Turn& turn, const Request& request, const Key& key) {
  const bool observed = turn.observed() != 0;
  ObservedItem old;
  if (observed) [[unlikely]]
    old = ObserveDeleteBegin(turn, key);
  const DeleteOutcome outcome =
      turn.store().Delete(turn.lane(), key, DeleteOptionsOf(turn, request), turn.tick());
  if (observed && outcome.status == DeleteStatus::kDeleted) [[unlikely]]
    ObserveDeleted(turn, key, old, "md");
  switch (outcome.status) {
    case DeleteStatus::kDeleted:
      if ((request.meta & kMetaInvalidate) == 0) CountDelete(turn, outcome);
      if (!IsQuiet(request)) ReplyEcho(turn, request, kMetaDone);
      return;
    case DeleteStatus::kNotFound:
      CountDelete(turn, outcome);
      return ReplyEcho(turn, request, kMetaNotFound);
    case DeleteStatus::kExists:
      turn.counters().delete_misses.Add(1);
      return ReplyEcho(turn, request, kMetaExists);
    case DeleteStatus::kNoMemory:
      return turn.out.Append(kNoMemoryReply);
  }
}

void ExecuteMetaArithmetic(const Turn& turn, const Request& request, const Key& key) {
  if (turn.observed() != 0) [[unlikely]]
    ObserveArithmetic(turn, key);
  const ArithmeticOptions options = ArithmeticOptionsOf(turn, request);
  const ArithmeticOutcome outcome = turn.store().Arithmetic(turn.lane(), key, options, turn.tick());
  if (!outcome.created) CountArithmetic(turn, options.decrement, outcome);
  switch (outcome.status) {
    case ArithmeticStatus::kDone:
      if (!IsQuiet(request)) ReplyNumber(turn, request, outcome);
      return;
    case ArithmeticStatus::kNotFound:
      return ReplyEcho(turn, request, kMetaNotFound);
    case ArithmeticStatus::kExists:
      return ReplyEcho(turn, request, kMetaExists);
    case ArithmeticStatus::kNotNumber:
      return turn.out.Append(kNotNumberReply);
    case ArithmeticStatus::kNoMemory:
      return turn.out.Append(kNoMemoryReply);
  }
}

}  // namespace larder
