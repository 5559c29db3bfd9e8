"""What larder answers otherwise than Debian's memcached, each with its reason.

larder behaves as memcached 1.6.45 does; the memcached at hand to compare with is Debian's 1.6.18.
Where the two say different things, 1.6.45 decides, but for faults of its own. Each Difference is
written as a question: what must 1.6.18 be asked instead, so that it answers (and does) what larder
must? Whole pipelined streams can so be compared byte for byte, and a difference that is not listed
here is found.

`replay.py --reference` proves the list: it puts these other questions to 1.6.18 and gets, byte for
byte, the replies that were recorded from 1.6.45.
"""

import dataclasses
import re
from collections.abc import Callable

import wire
from wire import Request

# Requests that make 1.6.18 say these and do nothing.
CLIENT_ERROR = Request(b"verbosity x\r\n")  # CLIENT_ERROR bad command line format
BAD_EXPTIME = Request(b"gat x key\r\n")  # CLIENT_ERROR invalid exptime argument
ERROR = Request(b"nonsense\r\n")
OK = Request(b"verbosity 0\r\n")
NOTHING = Request(b"")

REFERENCE_VERSION = b"1.6.18"
LARDER_VERSION = b"1.6.45"
_SHUTDOWN_REPLY = re.compile(rb"^ERROR: shutdown", re.MULTILINE)
_VERSION_REPLY = re.compile(rb"(^VERSION |^version: [^\n]*: )" + REFERENCE_VERSION, re.MULTILINE)

# Command -> how many words its line has at least, and how many are looked at (None: all).
WORDS: dict[bytes, tuple[int, int | None]] = {
    b"get": (2, None),
    b"gets": (2, None),
    b"gat": (3, None),
    b"gats": (3, None),
    b"set": (5, 5),
    b"add": (5, 5),
    b"replace": (5, 5),
    b"append": (5, 5),
    b"prepend": (5, 5),
    b"cas": (5, 6),
    b"incr": (3, 3),
    b"decr": (3, 3),
    b"touch": (3, 3),
    b"delete": (2, 2),
    b"verbosity": (2, 2),
    b"flush_all": (1, 2),
    b"version": (1, 1),
    b"mn": (1, 1),
    b"quit": (1, 1),
    b"mg": (2, None),
    b"ms": (3, None),
    b"md": (2, None),
    b"ma": (2, None),
    b"me": (2, None),
}
WITHOUT_NOREPLY = (
    {b"version", b"mn", b"quit"} | wire.GET_COMMANDS | wire.GAT_COMMANDS | wire.META_COMMANDS
)

_FLAGS = re.compile(rb"\+?[0-9]{1,18}")
_EXPTIME = re.compile(rb"[+-]?[0-9]{1,18}")
_INT32 = re.compile(rb"-?[0-9]{1,10}")
_TOKEN = re.compile(rb"\+?[0-9]{1,20}")

# Those of 1.6.18 that take a number, and all.
_INT32_FLAGS = set(b"T N R".split())
_UINT64_FLAGS = set(b"C D J".split())
_KNOWN_FLAGS = set(b"b N T R l O P L k s t c f v h u q F C M J D I".split())


@dataclasses.dataclass(frozen=True)
class Difference:
    name: str
    reason: str
    # What 1.6.18 is asked instead; None where this request is no case of the difference.
    instead: Callable[[Request], Request | None]


def _has_noreply(words: list[bytes]) -> bool:
    return words[-1] == b"noreply" and words[0] not in WITHOUT_NOREPLY


def _is_int32(word: bytes) -> bool:
    return bool(_INT32.fullmatch(word)) and -(2**31) <= int(word) < 2**31


def _is_token(word: bytes) -> bool:
    return bool(_TOKEN.fullmatch(word)) and int(word) < 2**64


def _line(words: list[bytes]) -> bytes:
    return b" ".join(words) + b"\r\n"


def _short_line(request: Request) -> Request | None:
    return CLIENT_ERROR if len(request.line) < 4 else None


def _leading_space(request: Request) -> Request | None:
    if not request.line.startswith(b" "):
        return None
    return NOTHING if request.tokens[-1:] == [b"noreply"] else ERROR


def _unknown_noreply(request: Request) -> Request | None:
    words = request.tokens
    return NOTHING if words and words[0] not in WORDS and words[-1] == b"noreply" else None


def _too_few_words(request: Request) -> Request | None:
    words = request.tokens
    return CLIENT_ERROR if words and len(words) < WORDS.get(words[0], (0,))[0] else None


def _bad_length(request: Request) -> Request | None:
    words = request.tokens
    return CLIENT_ERROR if wire.stores(words) and wire.data_length(words) is None else None


def _swallowed_data(request: Request) -> Request | None:
    words = request.tokens
    if not wire.stores(words):
        return None
    bad = len(words[1]) > wire.KEY_BYTES_MAX
    if words[0] != b"ms":
        bad = bad or not _FLAGS.fullmatch(words[2]) or not _EXPTIME.fullmatch(words[3])
    if words[0] == b"cas":
        bad = bad or len(words) < 6 or not _TOKEN.fullmatch(words[5]) or int(words[5]) >= 2**64
    if not bad:
        return None
    return NOTHING if _has_noreply(words) else CLIENT_ERROR


def _words_too_many(request: Request) -> Request | None:
    words = request.tokens
    looked_at = WORDS[words[0]][1] if words and words[0] in WORDS else None
    if looked_at is None:
        return None
    noreply = [b"noreply"] if _has_noreply(words) else []
    if words[looked_at:] in ([], noreply):
        return None
    return Request(_line(words[:looked_at] + noreply), request.data)


def _delete_noreply(request: Request) -> Request | None:
    if request.tokens != [b"delete", b"noreply"]:
        return None
    return Request(b"delete noreply noreply\r\n")


def _exptime_of_gat(request: Request) -> Request | None:
    words = request.tokens
    if words and words[0] in wire.GAT_COMMANDS and not _is_int32(words[1]):
        return BAD_EXPTIME
    return None


def _get_of_long_key(request: Request) -> Request | None:
    words = request.tokens
    if not words or words[0] not in wire.GET_COMMANDS | wire.GAT_COMMANDS:
        return None
    return CLIENT_ERROR if any(len(key) > wire.KEY_BYTES_MAX for key in words[1:]) else None


def _flush_later(request: Request) -> Request | None:
    words = request.tokens
    if words[:1] != [b"flush_all"] or len(words) < 2 or not words[1].isdigit() or words[1] == b"0":
        return None
    return Request(b"verbosity 0 noreply\r\n") if _has_noreply(words) else OK


def _flags_of(words: list[bytes]) -> list[bytes]:
    """The flags of a meta command."""
    if not words or words[0] not in wire.META_COMMANDS - {b"me"}:
        return []
    return words[3 if words[0] == b"ms" else 2 :]


def _flag_that_is_none(request: Request) -> Request | None:
    starts = [flag[:1] for flag in _flags_of(request.tokens)]
    bad = any(not (start.isdigit() or b"A" <= start <= b"z") for start in starts)
    # Of an ms the length is then not known, and its data are commands.
    return Request(CLIENT_ERROR.line, request.data) if bad else None


def _long_key_of_count(request: Request) -> Request | None:
    words = request.tokens
    if words[:1] != [b"ma"] or len(words) < 2 or len(words[1]) <= wire.KEY_BYTES_MAX:
        return None
    return Request(b"ma key k k\r\n")  # CLIENT_ERROR invalid or duplicate flag


def _client_flags(request: Request) -> Request | None:
    for flag in _flags_of(request.tokens):
        if flag.startswith(b"F") and not (flag[1:].isdigit() and int(flag[1:]) < 2**32):
            return CLIENT_ERROR
    return None


def _chosen_token(request: Request) -> Request | None:
    words = request.tokens
    flags = _flags_of(words)
    if not any(flag.startswith(b"E") for flag in flags):
        return None
    if any(flag.startswith(b"E") and not _is_token(flag[1:]) for flag in flags):
        # A bad token of another name gets the same answer, if it is the only one.
        flags = [b"C" + flag[1:] if flag.startswith(b"E") else flag for flag in flags]
    else:
        flags = [flag for flag in flags if not flag.startswith(b"E")]
    start = words[: len(words) - len(_flags_of(words))]
    return Request(_line(start + flags), request.data)


def _mode_of_letters(request: Request) -> Request | None:
    words = request.tokens
    if not any(flag.startswith(b"M") and len(flag) > 2 for flag in _flags_of(words)):
        return None
    flags = [flag[:2] if flag.startswith(b"M") else flag for flag in _flags_of(words)]
    start = words[: len(words) - len(flags)]
    return Request(_line(start + flags), request.data)


def _fault_of_delete(request: Request) -> Request | None:
    words = request.tokens
    if words[:1] != [b"md"]:
        return None
    flags = _flags_of(words)
    letters = [flag[:1] for flag in flags]
    bad = len(set(letters)) < len(letters) or any(
        flag[:1] not in _KNOWN_FLAGS
        or (flag[:1] in _INT32_FLAGS and not _is_int32(flag[1:]))
        or (flag[:1] in _UINT64_FLAGS and not _is_token(flag[1:]))
        or (flag == b"b" and wire.decoded_key(words[1]) is None)
        for flag in flags
    )
    return Request(_line([b"mg", *words[1:]])) if bad else None


DIFFERENCES = (
    Difference(
        "a line under four bytes",
        "1.6.45 answers CLIENT_ERROR bad command line format to any line that is shorter than four "
        "bytes with its line end, `mn` and a line feed among them; 1.6.18 says ERROR (or MN).",
        _short_line,
    ),
    Difference(
        "a leading space",
        "1.6.45 takes what stands before the first space as the command and says ERROR; 1.6.18 "
        "skips spaces.",
        _leading_space,
    ),
    Difference(
        "noreply of an unknown command",
        "1.6.45 obeys noreply before it knows the command; 1.6.18 says ERROR.",
        _unknown_noreply,
    ),
    Difference(
        "too few words",
        "1.6.45 says CLIENT_ERROR bad command line format to a known command; 1.6.18 says ERROR, "
        "and END to a `gat` without a key.",
        _too_few_words,
    ),
    Difference(
        "a bad length",
        "1.6.45 takes digits alone, tells of a bad length even with noreply, and reads no data "
        "after it; 1.6.18 takes a sign and cuts numbers to 32 bits.",
        _bad_length,
    ),
    Difference(
        "the data of a refused line",
        "1.6.45 swallows the data block of a line with a good length, whatever else is wrong; "
        "1.6.18 runs the data as commands.",
        _swallowed_data,
    ),
    Difference(
        "delete noreply",
        "To 1.6.45 the last word is noreply, and also the key; 1.6.18 wants a key before it.",
        _delete_noreply,
    ),
    Difference(
        "words too many",
        "1.6.45 ignores them, but obeys noreply as the last of them (a client's `delete key 0` "
        "works); 1.6.18 says ERROR, or its usage of delete.",
        _words_too_many,
    ),
    Difference(
        "the exptime of a gat",
        "1.6.45 takes no plus sign and no number that does not fit 32 bits, as it does in a set; "
        "1.6.18 takes both, and cuts the number.",
        _exptime_of_gat,
    ),
    Difference(
        "a get with a key over 250 bytes",
        "Both memcacheds drop the replies that were pipelined before it, and 1.6.45 adds an empty "
        "line. That is a fault: larder answers the one line and keeps the others.",
        _get_of_long_key,
    ),
    Difference(
        "a flush in the future",
        "memcached keeps one time of flushing, so a later flush_all with a delay brings back what "
        "an earlier one removed and nobody read since. That is a fault. The delays of this test "
        "never fall due, so 1.6.18 is not told of them at all.",
        _flush_later,
    ),
    Difference(
        "a flag that is no letter or digit",
        "To 1.6.45 such a line has no form; 1.6.18 speaks of an invalid flag.",
        _flag_that_is_none,
    ),
    Difference(
        "a key over 250 bytes in an ma",
        "To 1.6.45 that is one more fault of its flags, for all of which an ma has the same words.",
        _long_key_of_count,
    ),
    Difference(
        "the client flags of an ms",
        "1.6.45 takes 32 bits alone, and gives a reason that 1.6.18 has not; that cuts the number.",
        _client_flags,
    ),
    Difference(
        "a chosen token",
        "1.6.18 does not know E. It gives an item a token of its own choosing instead, which is as "
        "new as the chosen one.",
        _chosen_token,
    ),
    Difference(
        "a mode of several letters",
        "1.6.45 looks at the first alone; 1.6.18 says that the length is incorrect.",
        _mode_of_letters,
    ),
    Difference(
        "a fault in the flags of an md",
        "1.6.45 says which, as both do of mg; 1.6.18 says CLIENT_ERROR invalid or duplicate flag.",
        _fault_of_delete,
    ),
)


def translate(request: Request) -> tuple[Request, list[str]]:
    """What to ask 1.6.18 for the reply that larder owes to `request`, and which cases it was."""
    cases = []
    for difference in DIFFERENCES:
        if not request.line:
            break
        instead = difference.instead(request)
        if instead is not None:
            cases.append(difference.name)
            request = instead
    return request, cases


def expected_reply(reply: bytes) -> bytes:
    """What larder says where 1.6.18 has other words for the same.

    It says that it is the memcached whose behaviour it has, and, as that does, that a shutdown that
    was not enabled is an error of the server.
    """
    reply = _SHUTDOWN_REPLY.sub(b"SERVER_ERROR: shutdown", reply)
    return _VERSION_REPLY.sub(rb"\g<1>" + LARDER_VERSION, reply)
