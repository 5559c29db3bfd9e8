"""What 1.6.45 does otherwise than 1.6.18, by example: what is asked, and the reply to the letter.

steps.py asks larder alone. Every difference that is listed in differences.py has an example, and so
has what 1.6.18 knows nothing of, which no difference can be listed for: flags of the meta commands.
Most were recorded too; an example stays readable, and says what it is about.
"""

import dataclasses

_ERROR = b"CLIENT_ERROR bad command line format\r\n"
_LONG_KEY = b"x" * 251


@dataclasses.dataclass(frozen=True)
class Rule:
    difference: str  # its name; of what 1.6.18 does not know: the flag
    ask: bytes
    reply: bytes


RULES = (
    Rule("a line under four bytes", b"\r\na\r\nmn\n", _ERROR * 3),
    Rule("a leading space", b" get k\r\n mn noreply\r\n", b"ERROR\r\n"),
    Rule("noreply of an unknown command", b"nonsense noreply\r\n", b""),
    Rule("too few words", b"get\r\ngat 10\r\nincr k\r\ntouch k\r\n", _ERROR * 4),
    Rule("too few words", b"set k 0 0\r\nmg\r\nmd\r\nma\r\nms k\r\nme\r\n", _ERROR * 6),
    Rule("a bad length", b"set k 0 0 +3\r\nset k 0 0 x noreply\r\nms k 4294967299\r\n", _ERROR * 3),
    Rule("the data of a refused line", b"set k x 0 3\r\nabc\r\n", _ERROR),
    Rule("the data of a refused line", b"set k x 0 3 noreply\r\nabc\r\n", b""),
    Rule("the data of a refused line", b"ms " + _LONG_KEY + b" 3\r\nabc\r\n", _ERROR),
    Rule(
        "delete noreply",
        b"set noreply 0 0 1\r\nv\r\ndelete noreply\r\nget noreply\r\n",
        b"STORED\r\nEND\r\n",
    ),
    Rule("words too many", b"delete none 5\r\ntouch none 0 x y\r\n", b"NOT_FOUND\r\n" * 2),
    Rule("words too many", b"set k 0 0 1 2 3 noreply\r\nv\r\ndelete k 0\r\n", b"DELETED\r\n"),
    Rule(
        "the exptime of a gat",
        b"gat +1 k\r\ngat 2147483648 k\r\n",
        b"CLIENT_ERROR invalid exptime argument\r\n" * 2,
    ),
    Rule(
        "a get with a key over 250 bytes",
        b"get none\r\nget none " + _LONG_KEY + b"\r\nget none\r\n",
        b"END\r\n" + _ERROR + b"END\r\n",
    ),
    Rule(
        "a flush in the future",
        b"set k 0 0 1\r\nv\r\nflush_all\r\nflush_all 1000000\r\nget k\r\n",
        b"STORED\r\nOK\r\nOK\r\nEND\r\n",
    ),
    Rule("a flag that is no letter or digit", b"mg k !\r\nmd k - q\r\n", _ERROR * 2),
    Rule(
        "a key over 250 bytes in an ma",
        b"ma " + _LONG_KEY + b"\r\n",
        b"CLIENT_ERROR invalid or duplicate flag\r\n",
    ),
    Rule("the client flags of an ms", b"ms k 1 F4294967296\r\nv\r\nms k 0 F-1\r\n\r\n", _ERROR * 2),
    Rule(
        "a chosen token",
        b"ms e 1 c E1000000000001\r\nv\r\nmg e c\r\nms e 1 C7 E1000000000002 c\r\nw\r\n"
        b"ms e 1 C1000000000001 E1000000000002 c\r\nw\r\nma none E5\r\n",
        b"HD c1000000000001\r\nHD c1000000000001\r\nEX c0\r\nHD c1000000000002\r\nNF\r\n",
    ),
    Rule(
        "a chosen token",
        b"md e I E1000000000003\r\nmg e c\r\nmg e2 N0 E1000000000004 c\r\n"
        b"set n 0 0 1\r\n5\r\nma n E1000000000005 c v\r\n",
        b"HD\r\nHD c1000000000003 X W\r\nHD c1000000000004 W\r\n"
        b"STORED\r\nVA 1 c1000000000005\r\n6\r\n",
    ),
    Rule(
        "a mode of several letters",
        b"set k 0 0 1\r\nv\r\nms k 1 MAppend\r\nw\r\nmg k v\r\n",
        b"STORED\r\nHD\r\nVA 2\r\nvw\r\n",
    ),
    Rule(
        "a fault in the flags of an md",
        b"md k Tx\r\nmd k Y\r\nmd k k k\r\nmd = b\r\n",
        b"CLIENT_ERROR bad token in command line format\r\nCLIENT_ERROR invalid flag\r\n"
        b"CLIENT_ERROR duplicate flag\r\nCLIENT_ERROR error decoding key\r\n",
    ),
    Rule(
        "s of ms",
        b"ms k 3 s\r\nabc\r\nms k 2 MA s k\r\nde\r\nms none 4 MR s\r\nabcd\r\n",
        b"HD s3\r\nHD s5 kk\r\nNS s4\r\n",
    ),
    Rule(
        "x of md",
        b"ms k 3 F9 E1000000000006\r\nabc\r\nmd k x\r\nmg k v f s c\r\n",
        b"HD\r\nHD\r\nVA 0 f0 s0 c1000000000006\r\n\r\n",
    ),
    Rule("x of md, I", b"md k x I\r\nmg k s\r\nmg k s\r\n", b"HD\r\nHD s0 X W\r\nHD s0 Z X\r\n"),
    Rule(
        "C of mg",
        b"ms e3 1 E1000000000007\r\nv\r\nmg e3 v C1000000000007 s\r\nmg e3 v C7 s\r\n",
        b"HD\r\nHD s1\r\nVA 1 s1\r\nv\r\n",
    ),
    Rule(
        "N of an append",
        b"ms new 3 MA N0\r\nabc\r\nms newer 3 MP N0 s\r\nabc\r\nmg new v t\r\n"
        b"ms newest 1 MA\r\nx\r\n",
        b"HD\r\nHD s3\r\nVA 3 t-1\r\nabc\r\nNS\r\n",
    ),
    Rule(
        "q of an ma that creates",
        b"ma counter N0 J13 q\r\nma counter v q\r\nma counter v\r\n",
        b"VA 2\r\n15\r\n",
    ),
)
