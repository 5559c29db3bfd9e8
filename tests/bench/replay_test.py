"""replay_test.py LARDER_REPLAY: runs the program as a user does."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

REPLAY = ""


def replay(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run([REPLAY, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False)


class ReplayTest(unittest.TestCase):
    def said_of(self, *options: str) -> dict:
        done = replay("--json", "-", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def runs_of(self, *options: str) -> list[dict]:
        return self.said_of(*options)["runs"]

    def csv(self, *lines: str) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name, "trace.csv")
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        return str(path)

    def test_a_synthetic_load_that_fits_misses_every_key_once(self):
        run, = self.runs_of("--requests", "10000", "--keys", "100", "--theta", "0", "-m", "4")
        self.assertEqual((run["gets"], run["misses"], run["refused"]), (10000, 100, 0))
        self.assertEqual(sum(tenth["gets"] for tenth in run["tenths"]), 10000)
        self.assertEqual(run["tenths"][9], {"gets": 1000, "misses": 0})
        self.assertEqual(run["store"]["items"], 100)
        self.assertEqual(run["memory_mib"], 4)

    def test_more_memory_misses_less(self):
        runs = self.runs_of("--requests", "300000", "--keys", "100000", "-m", "2", "--multiples")
        self.assertEqual([run["memory_mib"] for run in runs], [1, 2, 3, 4, 8])
        misses = [run["misses"] for run in runs]
        self.assertEqual(misses, sorted(misses, reverse=True))
        self.assertGreater(misses[0], 1.2 * misses[-1])
        resident = [run["resident_bytes"] for run in runs]
        self.assertEqual(resident, sorted(resident))

    def test_the_same_load_has_the_same_outcome(self):
        load = ("--requests", "200000", "--one-hit-wonders", "0.3", "-m", "2")
        self.assertEqual(self.runs_of(*load)[0]["misses"], self.runs_of(*load)[0]["misses"])

    def test_copies_of_a_trace(self):
        trace = self.csv("0,a,10", "1,b,10", "2,a,10", "3,c,10")
        run, = self.runs_of("--trace", trace, "--copies", "3", "-m", "4")
        self.assertEqual((run["gets"], run["misses"], run["store"]["items"]), (12, 9, 9))

    def test_what_no_cache_could_have_is_said(self):
        trace = self.csv("0,a,10", "1,b,10", "2,a,10", "3,c,10,set", "4,c,10")
        load = self.said_of("--trace", trace, "-m", "4")["load"]
        self.assertEqual((load["requests"], load["keys"]), (5, 3))
        self.assertEqual(sum(tenth["gets"] for tenth in load["tenths"]), 4)
        self.assertEqual(sum(tenth["first_gets"] for tenth in load["tenths"]), 2)

    def test_what_expires_is_missed_unless_that_is_ignored(self):
        trace = self.csv("0,a,10,get,5", "4,a,10,get,5", "6,a,10,get,5")
        self.assertEqual(self.runs_of("--trace", trace, "-m", "4")[0]["misses"], 2)
        self.assertEqual(self.runs_of("--trace", trace, "-m", "4", "--ignore-ttl")[0]["misses"], 1)
        done = replay("--trace", trace, "--port", "1", "--server-pid", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("--ignore-ttl", done.stderr)

    def test_prints_a_line_for_each_run(self):
        done = replay("--requests", "1000", "--keys", "10", "--theta", "0", "-m", "4,8")
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 4)
        self.assertEqual(lines[0], "1000 requests for 10 keys; a cache that holds all misses 0.0100")
        self.assertTrue(lines[1].startswith("cache "))
        self.assertEqual(lines[2].split()[:2], ["4.0", "MiB"])
        self.assertEqual(lines[2].split()[3:6], ["1000", "10", "0.0100"])

    def test_says_what_is_wrong(self):
        for options, said in ((("--requests", "9"), "--memory or --port"),
                              (("-m", "4", "--trace", "/nonexistent"), "cannot open /nonexistent"),
                              (("-m", "4", "--copies", "2"), "--trace"),
                              (("-m", "4", "--scan-keys", "10"), "a scan must have ended")):
            done = replay(*options)
            self.assertNotEqual(done.returncode, 0, options)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    REPLAY = sys.argv.pop(1)
    unittest.main()
