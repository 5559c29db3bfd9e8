"""The tests of the test: what reads the wire, what compares, and that a difference is found.

self_test.py [MEMCACHED]
"""

import contextlib
import io
import sys
import unittest

import binary_wire
import differences
import differential
import generator
import harness
import rules
import shrink
import wire
from binary_wire import Packet
from conversation import Command, Conversation, Round
from wire import Request

memcached = "/usr/bin/memcached"


class SplitRequestsTest(unittest.TestCase):
    def test_lines_and_data_blocks(self):
        stream = b"get a\r\nset a 0 0 4\r\n\r\n\n\r\r\nset a 0 0 x\r\nmn\n"
        self.assertEqual(
            wire.split_requests(stream),
            [
                Request(b"get a\r\n"),
                Request(b"set a 0 0 4\r\n", b"\r\n\n\r\r\n"),
                Request(b"set a 0 0 x\r\n"),
                Request(b"mn\n"),
            ],
        )

    def test_a_refused_line_keeps_its_data(self):
        self.assertEqual(wire.data_block_bytes(b"set " + b"k" * 251 + b" x x 3\r\n"), 5)
        self.assertEqual(wire.data_block_bytes(b" set k 0 0 3\r\n"), 0)
        self.assertEqual(wire.data_block_bytes(b"set k 0 0 2147483646\r\n"), 0)


class ReplyReaderTest(unittest.TestCase):
    def read(self, *received: bytes) -> bytes:
        reader = wire.ReplyReader()
        for part in received:
            reader.feed(part)
        return reader.take()

    def test_tokens_are_numbered_as_they_are_first_seen(self):
        self.assertEqual(
            self.read(
                b"VALUE a 0 1 77\r\nx\r\nVALUE b 0 1 5\r\ny\r\n", b"VALUE a 0 1 77\r\nx\r\nEND\r\n"
            ),
            b"VALUE a 0 1 #0\r\nx\r\nVALUE b 0 1 #1\r\ny\r\nVALUE a 0 1 #0\r\nx\r\nEND\r\n",
        )

    def test_a_value_is_not_read_as_lines(self):
        value = b"VALUE a 0 1 9\r\nMN\r\n"
        reader = wire.ReplyReader()
        reader.feed(b"VALUE k 0 %d 3\r\n%s\r\nEND\r\nMN\r\n" % (len(value), value))
        self.assertEqual(reader.fences, 1)
        self.assertEqual(reader.take(), b"VALUE k 0 19 #0\r\n" + value + b"\r\nEND\r\nMN\r\n")

    def test_cuts_do_not_matter(self):
        reply = b"VALUE k 0 4 31\r\n\r\n\r\n\r\nEND\r\nSTORED\r\nMN\r\n"
        self.assertEqual(
            self.read(*(reply[place : place + 1] for place in range(len(reply)))), self.read(reply)
        )

    def test_the_latest_tokens_of_a_key(self):
        reader = wire.ReplyReader()
        for token in (3, 3, 8):
            reader.feed(b"VALUE k 0 0 %d\r\n\r\nEND\r\n" % token)
        self.assertEqual(reader.tokens.by_key, {b"k": [b"3", b"8"]})


    def test_meta_replies(self):
        self.assertEqual(
            self.read(
                b"VA 4 c77 kk t-1\r\nMN\r\n\r\nHD l3 t999999 kc1 Oc1 c78\r\nEX c0\r\nHD c77 W\r\n"
            ),
            b"VA 4 c#0 kk t-1\r\nMN\r\n\r\n"
            b"HD l<seconds> t<1000000 kc1 Oc1 c#1\r\nEX c0\r\nHD c#0 W\r\n",
        )
        self.assertEqual(
            self.read(b"ME k exp=-1 la=7 cas=9 fetch=yes cls=1 size=63\r\n"),
            b"ME k exp=-1 cas=#0 fetch=yes\r\n",
        )

    def test_a_token_is_its_keys_in_every_way_to_write_it(self):
        reader = wire.ReplyReader()
        reader.feed(b"HD kk1 c5\r\nHD kazE= c6 b\r\n")
        self.assertEqual(reader.tokens.by_key, {b"k1": [b"5", b"6"]})


class BinaryWireTest(unittest.TestCase):
    def test_a_packet(self):
        packet = Packet(binary_wire.SET, b"key", b"extras", b"value", cas=1, opaque=2)
        self.assertEqual(
            bytes(packet),
            bytes.fromhex("80010003 06000000 0000000e 00000002 0000000000000001")
            + b"extraskeyvalue",
        )

    def test_replies(self):
        reader = binary_wire.ReplyReader()
        reader.keys[7] = b"k"
        stored = bytes.fromhex("81010000 00000000 00000000 00000007 0000000000000063")
        missing = bytes.fromhex("81000000 00000001 00000009 00000000 0000000000000000")
        fence = bytes.fromhex("810a0000 00000000 00000000 5eedbeef 0000000000000000")
        for part in (stored + missing[:9], missing[9:] + b"Not ", b"found" + fence):
            reader.feed(part)
        self.assertEqual(reader.fences, 1)
        self.assertEqual(reader.tokens.by_key, {b"k": [b"99"]})
        replies = reader.take().splitlines()
        self.assertEqual(len(replies), 3)
        self.assertTrue(replies[0].startswith(b"set: status 0, opaque 7, cas #0"))
        self.assertTrue(replies[1].endswith(b"Not found"))


class DifferencesTest(unittest.TestCase):
    def asked(self, line: bytes, data: bytes = b"") -> bytes:
        return bytes(differences.translate(Request(line, data))[0])

    def test_what_is_alike_is_asked_as_it_is(self):
        for request in (b"get a b\r\n", b"touch k noreply\r\n", b"delete k noreply\n", b"mn\r\n"):
            self.assertEqual(self.asked(request), request)
        self.assertEqual(self.asked(b"set k 0 0 1 \n", b"x\r\n"), b"set k 0 0 1 \nx\r\n")

    def test_what_differs(self):
        client_error = bytes(differences.CLIENT_ERROR)
        self.assertEqual(self.asked(b"\r\n"), client_error)
        self.assertEqual(self.asked(b"get\r\n"), client_error)
        self.assertEqual(self.asked(b"set k x 0 3\r\n", b"abc\r\n"), client_error)
        self.assertEqual(self.asked(b"set k x 0 3 noreply\r\n", b"abc\r\n"), b"")
        self.assertEqual(self.asked(b"delete k 0 noreply\r\n"), b"delete k noreply\r\n")
        self.assertEqual(self.asked(b"delete noreply 0\r\n"), b"delete noreply\r\n")

    def test_what_differs_in_meta(self):
        client_error = bytes(differences.CLIENT_ERROR)
        self.assertEqual(self.asked(b"mg\r\n"), client_error)
        self.assertEqual(self.asked(b"mg k !\r\n"), client_error)
        self.assertEqual(self.asked(b"ms k 1 F4294967296\r\n", b"x\r\n"), client_error)
        self.assertEqual(self.asked(b"ms " + b"k" * 251 + b" 1\r\n", b"x\r\n"), client_error)
        self.assertEqual(
            self.asked(b"ms k 1 E5 MAX q\r\n", b"x\r\n"), b"ms k 1 MA q\r\nx\r\n"
        )
        self.assertEqual(self.asked(b"md k Ex q\r\n"), b"mg k Cx q\r\n")
        self.assertEqual(self.asked(b"md k I q T5 O! k\r\n"), b"md k I q T5 O! k\r\n")


class RulesTest(unittest.TestCase):
    def test_every_difference_has_an_example(self):
        shown = set()
        for rule in rules.RULES:
            for request in wire.split_requests(rule.ask):
                shown |= set(differences.translate(request)[1])
        self.assertEqual(shown, {difference.name for difference in differences.DIFFERENCES})
        named = {rule.difference for rule in rules.RULES}
        self.assertEqual({d.name for d in differences.DIFFERENCES} - named, set())


class GeneratorTest(unittest.TestCase):
    def test_a_seed_gives_one_conversation(self):
        one = generator.conversation(5, 3)
        self.assertEqual(one, generator.conversation(5, 3))
        self.assertNotEqual(one.rounds, generator.conversation(6, 3).rounds)
        self.assertNotEqual(one.rounds, generator.conversation(5, 4).rounds)

    def test_only_gets_pass_2048_bytes(self):
        for number in range(20):
            for round_ in generator.conversation(7, number).rounds:
                for command in round_.commands if not round_.is_binary else ():
                    line = command.request.line
                    if not line.startswith((b"get ", b"gets ")):
                        self.assertLessEqual(len(line), 2048)


class ShrinkTest(unittest.TestCase):
    def test_what_is_needed_is_kept(self):
        commands = [Command(Request(b"get %d\r\n" % number)) for number in range(100)]
        rounds = tuple(
            Round(0, tuple(commands[start : start + 10]), (0.5,)) for start in range(0, 100, 10)
        )

        def shows(conversation: Conversation) -> bool:
            left = [command for round_ in conversation.rounds for command in round_.commands]
            return commands[17] in left and commands[83] in left

        shortest = shrink.shrink(Conversation((), rounds), shows, seconds=60)
        self.assertEqual(
            shortest.rounds,
            (Round(0, (commands[17],), ()), Round(0, (commands[83],), ())),
        )


class DifferentialTest(unittest.TestCase):
    """Debian's memcached in both places."""

    def test_a_server_does_not_differ_from_itself(self):
        programs = differential.Programs(memcached, memcached, same=True)
        for number in range(len(generator.OPTIONS)):
            conversation = generator.conversation(11, number)
            self.assertIsNone(differential.run(programs, conversation), f"conversation {number}")

    def test_a_difference_is_found_and_shrunk(self):
        # Asked as larder is, it answers the listed differences in its own way.
        programs = differential.Programs(memcached, memcached)
        conversation = generator.conversation(11, 0)
        mismatch = differential.run(programs, conversation)
        self.assertIsNotNone(mismatch)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            differential.report(programs, conversation, mismatch, "seed 11, conversation 0")
        self.assertIn("larder:", printed.getvalue())
        self.assertLess(printed.getvalue().count("memcached:"), 4)

    def test_a_reply_that_does_not_come_is_told(self):
        swallows = Command(Request(b"set k 0 0 100\r\n", b"x"))
        conversation = Conversation((), (Round(0, (swallows,), ()),))
        programs = differential.Programs(memcached, memcached, same=True)
        mismatch = differential.run(programs, conversation, seconds=0.5)
        self.assertIn("no complete reply", mismatch.note)

    def test_a_server_that_dies_is_told(self):
        with self.assertRaises(harness.ServerError):
            harness.Server("/bin/false")
        with harness.Server(memcached, ["-m", "64"]) as server:
            with server.connect() as connection:
                self.assertEqual(connection.ask(b"mn\r\n"), b"MN\r\n")
            server.process.kill()
            server.process.wait()
            with self.assertRaises(harness.ServerError):
                server.stop()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        memcached = sys.argv.pop(1)
    unittest.main(verbosity=1)
