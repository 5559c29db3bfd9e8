#include "tests/protocol/parse_stream.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "protocol/request.h"
#include "protocol/text_parser.h"

namespace larder {
namespace {

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

const char* NameOf(Command command) {
  switch (command) {
    case Command::kGet:
      return "get";
    case Command::kGets:
      return "gets";
    case Command::kGat:
      return "gat";
    case Command::kGats:
      return "gats";
    case Command::kSet:
      return "set";
    case Command::kAdd:
      return "add";
    case Command::kReplace:
      return "replace";
    case Command::kAppend:
      return "append";
    case Command::kPrepend:
      return "prepend";
    case Command::kCas:
      return "cas";
    case Command::kMetaSet:
      return "ms";
    case Command::kMetaGet:
      return "mg";
    case Command::kMetaDelete:
      return "md";
    case Command::kMetaArithmetic:
      return "ma";
    case Command::kMetaDebug:
      return "me";
    case Command::kDelete:
      return "delete";
    case Command::kIncrement:
      return "incr";
    case Command::kDecrement:
      return "decr";
    case Command::kTouch:
      return "touch";
    case Command::kFlushAll:
      return "flush_all";
    case Command::kVerbosity:
      return "verbosity";
    case Command::kVersion:
      return "version";
    case Command::kStats:
      return "stats";
    case Command::kLru:
      return "lru";
    case Command::kLruCrawler:
      return "lru_crawler";
    case Command::kSlabs:
      return "slabs";
    case Command::kMemoryLimit:
      return "cache_memlimit";
    case Command::kShutdown:
      return "shutdown";
    case Command::kWatch:
      return "watch";
    case Command::kExternalStorage:
      return "extstore";
    case Command::kRefreshCertificates:
      return "refresh_certs";
    case Command::kNoop:
      return "mn";
    case Command::kQuit:
      return "quit";
    case Command::kSaslList:
    case Command::kSaslAuth:
    case Command::kSaslStep:
      return "not of the text protocol";
  }
  return "?";
}

bool IsWithin(std::string_view part, std::string_view whole) {
  const std::less_equal<const char*> not_after;
  return part.empty() || (not_after(whole.data(), part.data()) &&
                          not_after(part.data() + part.size(), whole.data() + whole.size()));
}

const char* NameOf(MetaMode mode) {
  switch (mode) {
    case MetaMode::kSet:
      return "set";
    case MetaMode::kAdd:
      return "add";
    case MetaMode::kReplace:
      return "replace";
    case MetaMode::kAppend:
      return "append";
    case MetaMode::kPrepend:
      return "prepend";
    case MetaMode::kIncrement:
      return "incr";
    case MetaMode::kDecrement:
      return "decr";
  }
  return "?";
}

struct NamedFlag {
  uint32_t flag;
  const char* name;
};
constexpr NamedFlag kMetaFlags[] = {
    {kMetaValue, "v"},
    {kMetaQuiet, "q"},
    {kMetaNoBump, "u"},
    {kMetaTouch, "T"},
    {kMetaCreate, "N"},
    {kMetaRecache, "R"},
    {kMetaCompare, "C"},
    {kMetaChosenCas, "E"},
    {kMetaInvalidate, "I"},
    {kMetaRemoveValue, "x"},
    {kMetaBase64Key, "b"},
    {kMetaTtlAfterTouch, "t>T"},
    {kMetaTtlAfterCreate, "t>N"},
    {kMetaTouchAfterCreate, "T>N"},
    {kMetaRecacheAfterTouch, "R>T"},
};

// The command, its key and whatever differs from a Request's defaults.
std::string Describe(const Request& request) {
  const Request defaults;
  std::string text = NameOf(request.command);
  const auto add_number = [&text](const char* name, auto value) {
    text += ' ';
    text += name;
    text += '=';
    text += std::to_string(value);
  };
  if (!request.key.empty()) text.append(" ").append(request.key);
  if (!request.arguments.empty()) text.append(" (").append(request.arguments).append(")");
  if (request.client_flags != defaults.client_flags) add_number("flags", request.client_flags);
  if (request.exptime != defaults.exptime) add_number("exptime", request.exptime);
  if (IsStorage(request.command)) add_number("bytes", request.value_bytes);
  if (request.cas != defaults.cas) add_number("cas", request.cas);
  const bool meta =
      request.command == Command::kMetaSet ||
      (request.command >= Command::kMetaGet && request.command <= Command::kMetaDebug);
  if (request.number != (meta ? 1 : defaults.number)) add_number("number", request.number);
  if (request.initial != defaults.initial) add_number("initial", request.initial);
  if (request.chosen_cas != defaults.chosen_cas) add_number("chosen", request.chosen_cas);
  if (request.create_exptime != defaults.create_exptime) add_number("new", request.create_exptime);
  if (request.recache_exptime != defaults.recache_exptime) {
    add_number("recache", request.recache_exptime);
  }
  if (request.meta_mode != defaults.meta_mode && request.meta_mode != MetaMode::kIncrement) {
    text.append(" mode=").append(NameOf(request.meta_mode));
  }
  for (const NamedFlag& flag : kMetaFlags) {
    if ((request.meta & flag.flag) != 0) text.append(" ").append(flag.name);
  }
  for (uint64_t letters = request.returns; letters != 0; letters >>= 8) {
    if (letters == request.returns) text += " returns ";
    text += static_cast<char>(letters & 0xff);
  }
  if (request.noreply) text += " noreply";
  if (!request.last_key) text += " more";
  return text;
}

std::string Describe(const ParseResult& refusal) {
  std::string text = "error:";
  const std::string_view reply = ErrorReply(refusal.error);
  if (reply.empty()) {
    text += " silent";
  } else {
    Require(reply.ends_with("\r\n"), "an error's reply is a line");
    text.append(" ").append(reply.substr(0, reply.size() - 2));
  }
  if (refusal.swallow_bytes > 0) {
    text += ", swallow ";
    text += std::to_string(refusal.swallow_bytes);
  }
  return text;
}

void CheckPromises(const ParseResult& result, const Request& request, std::string_view input) {
  Require(result.consumed <= input.size(), "no more is consumed than there is");
  if (result.status == ParseStatus::kClose) return;
  Require((result.consumed == 0) == (result.status == ParseStatus::kNeedMore),
          "exactly kNeedMore consumes nothing");
  if (result.status != ParseStatus::kRequest) return;
  Require(IsWithin(request.key, input), "the key lies in the input");
  Require(IsWithin(request.arguments, input), "the arguments lie in the input");
  Require(request.key.size() <= kRequestKeyBytesMax, "a key has at most 250 bytes");
  Require(request.key.empty() == (request.command >= Command::kFlushAll),
          "exactly the commands from flush_all on have no key");
}

// One connection: what has been made of its stream so far.
class Reader {
 public:
  // Takes what it can from `input`, which starts where the last call stopped, and returns how much
  // that was.
  size_t Take(std::string_view input) {
    size_t taken = 0;
    while (!closed_) {
      const size_t stepped = std::min(step_over_bytes_, input.size() - taken);
      step_over_bytes_ -= stepped;
      taken += stepped;
      if (step_over_bytes_ > 0) break;
      const size_t consumed = ParseOne(input.substr(taken));
      if (consumed == 0) break;
      taken += consumed;
    }
    return taken;
  }

  std::vector<std::string> TakeReport() { return std::move(report_); }

 private:
  size_t ParseOne(std::string_view input) {
    Request request;
    const ParseResult result = parser_.Parse(input, &request);
    CheckPromises(result, request, input);
    switch (result.status) {
      case ParseStatus::kNeedMore:
        Require(input.size() < kGetPieceBytesMax, "no line is waited for beyond a piece");
        break;
      case ParseStatus::kRequest:
        report_.push_back(Describe(request));
        if (IsStorage(request.command)) step_over_bytes_ = size_t{request.value_bytes} + 2;
        break;
      case ParseStatus::kError:
        report_.push_back(Describe(result));
        step_over_bytes_ = result.swallow_bytes;
        break;
      case ParseStatus::kSkipped:
        break;
      case ParseStatus::kClose:
        report_.emplace_back("close");
        closed_ = true;
        break;
    }
    return result.consumed;
  }

  TextParser parser_;
  std::vector<std::string> report_;
  size_t step_over_bytes_ = 0;  // of values
  bool closed_ = false;
};

}  // namespace

std::vector<std::string> ParseStream(std::string_view stream, const std::vector<size_t>& cuts) {
  Reader reader;
  size_t begin = 0;
  const auto arrive_until = [&](size_t end) {
    Require(begin <= end && end <= stream.size(), "cuts ascend and lie in the stream");
    // Memory of just that size, so that the address sanitizer sees a read beyond it.
    const std::vector<char> input(stream.begin() + static_cast<ptrdiff_t>(begin),
                                  stream.begin() + static_cast<ptrdiff_t>(end));
    begin += reader.Take({input.data(), input.size()});
  };
  for (const size_t cut : cuts) arrive_until(cut);
  arrive_until(stream.size());
  return reader.TakeReport();
}

std::vector<std::string> ParseStream(std::string_view stream) { return ParseStream(stream, {}); }

}  // namespace larder
