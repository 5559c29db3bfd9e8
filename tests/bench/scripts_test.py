"""What the scripts of bench/ compute, and that servers end with them."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import types
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

import rig  # noqa: E402


def load_script(name: str):
    """A module of the script `name`, which has no suffix."""
    loader = importlib.machinery.SourceFileLoader(name, str(BENCH / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    sys.modules[name] = module  # dataclasses look their module up there
    loader.exec_module(module)
    return module


compare = load_script("compare")
capacity = load_script("capacity")
instructions = load_script("instructions")
hit_ratio = load_script("hit_ratio")
miss_ratio_curve = load_script("miss_ratio_curve")

# Listens as a server does, says its process id, and does nothing else.
IDLE_SERVER = f"""#!{sys.executable}
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[sys.argv.index("-p") + 1])))
time.sleep(600)
"""


def run_of(per_cpu_second: float, latency: float = 100, **counts) -> dict:
    return {"server": {"requests_per_cpu_second": per_cpu_second, "utilisation": 0.99},
            "generator": {"utilisation": 0.98}, "requests_per_second": per_cpu_second * 0.99,
            "errors": 0, "misses": 0, "hits": 1,
            "latency_us": {"p50": latency, "p99": 2 * latency, "p99.9": 3 * latency}, **counts}


class MissRatioCurveTest(unittest.TestCase):
    def test_estimates(self):
        stats = {"mrc_sampled_reads": "5000", "mrc:0.5:memory_bytes": "8", "mrc:0.5:hit_ratio": "0.25",
                 "mrc:1:hit_ratio": "0.5"}
        estimates = miss_ratio_curve.estimates_of(stats)
        self.assertEqual(estimates, {"0.5": 0.25, "1": 0.5})
        self.assertEqual(miss_ratio_curve.rows_of(24, estimates, [0.26, 0.5]),
                         [["0.5", "12", "0.2500", "0.2600", "-0.0100"],
                          ["1", "24", "0.5000", "0.5000", "+0.0000"]])

    def test_too_short_a_load(self):
        with self.assertRaisesRegex(rig.RigError, "12 reads"):
            miss_ratio_curve.estimates_of({"mrc_sampled_reads": "12"})


class TableTest(unittest.TestCase):
    ROWS = [["case", "n"], ["single-get", "1"], ["x", "1,234"]]

    def test_plain(self):
        self.assertEqual(rig.table(self.ROWS, markdown=False),
                         "case            n\nsingle-get      1\nx           1,234")

    def test_markdown(self):
        self.assertEqual(rig.table(self.ROWS, markdown=True).splitlines(),
                         ["| case       |     n |", "| :--------- | ----: |",
                          "| single-get |     1 |", "| x          | 1,234 |"])


class CompareTest(unittest.TestCase):
    LARDER = types.SimpleNamespace(name="larder")

    def test_the_ratio_is_that_of_rounds_and_not_of_medians(self):
        result = compare.Result(compare.CASES[0])
        # The machine is half as fast in the later rounds.
        result.rounds += [(run_of(1000), run_of(1500)), (run_of(500), run_of(750)),
                          (run_of(500), run_of(1000))]
        self.assertEqual(result.ratios(), [1.5, 1.5, 2])
        row = dict(zip(compare.HEADING, result.row()))
        self.assertEqual(row["ratio"], "1.50")
        self.assertEqual(row["lowest-highest"], "1.50-2.00")
        self.assertEqual(row["memcached per CPU s"], "500")
        self.assertEqual(row["larder per CPU s"], "1,000")
        self.assertEqual(row["larder per s"], "990")
        self.assertEqual(row["p99 us"], "200 / 200")
        self.assertEqual(row["server busy"], "99% / 99%")
        self.assertEqual(len(result.row()), len(compare.HEADING))

    def test_runs_with_errors_are_refused(self):
        with self.assertRaisesRegex(rig.RigError, "larder refused 3 requests: SERVER_ERROR"):
            compare.check(compare.CASES[0], self.LARDER,
                          run_of(1, errors=3, first_error="SERVER_ERROR x"), polls=True)

    def test_what_makes_a_run_worth_less_is_said(self):
        def said(polls: bool = True, **counts) -> str:
            with contextlib.redirect_stderr(io.StringIO()) as text:
                compare.check(compare.CASES[0], self.LARDER, run_of(1, **counts), polls)
            return text.getvalue()
        self.assertEqual(said(), "")
        self.assertIn("larder did not find 5 of 6 keys", said(misses=5))
        self.assertIn("50% of its CPU", said(generator={"utilisation": 0.5}))
        self.assertEqual(said(generator={"utilisation": 0.5}, polls=False), "")

    def test_cases_are_chosen_by_name(self):
        self.assertEqual([case.name for case in compare.chosen_cases("mixed,get-4m")],
                         ["mixed", "get-4m"])
        self.assertEqual(len(compare.chosen_cases(None)), len(compare.CASES))
        with self.assertRaisesRegex(rig.RigError, "no case nope"):
            compare.chosen_cases("mixed,nope")


class CapacityTest(unittest.TestCase):
    def test_row(self):
        mib = 1 << 20
        row = capacity.row("10", {"items": 1000, "resident_bytes": 2 * mib},
                           {"items": 1500, "resident_bytes": mib})
        self.assertEqual(row, ["10", "1,000", "1,500", "1.50", "2", "1", "2097.2", "699.1", "0.33"])
        self.assertEqual(len(row), len(capacity.HEADING))


class HitRatioTest(unittest.TestCase):
    MIB = 1 << 20

    class Rig:
        """The store has 2 MiB resident more than its -m, and a megabyte's misses are one fewer."""

        def __init__(self):
            self.memory_mib = []

        def generate(self, *options: str) -> dict:
            mib = float(options[options.index("--memory") + 1])
            self.memory_mib.append(mib)
            return {"runs": [{"resident_bytes": (mib + 2) * HitRatioTest.MIB,
                              "misses": 1000 - mib}]}

    def test_the_store_is_given_what_memcached_had(self):
        its_rig = self.Rig()
        run = hit_ratio.run_in_memory(its_rig, [], 100 * self.MIB)
        self.assertEqual(its_rig.memory_mib, [100, 98])
        self.assertEqual(run["resident_bytes"], 100 * self.MIB)

    def test_row(self):
        def run(count: str, before: int, after: int) -> dict:
            tenths = [{"gets": 100, count: before}] * 5 + [{"gets": 100, count: after}] * 5
            return {"gets": 1000, "tenths": tenths, "resident_bytes": 25 * self.MIB}
        case = hit_ratio.Case("x", (24,), (), "", from_tenth=5)
        result = hit_ratio.Result(case, 24, load=run("first_gets", 50, 5),
                                  memcached=run("misses", 90, 20), larder=run("misses", 80, 15))
        self.assertEqual(result.row(), ["x", "24", "1,000", "25.0", "25.0", "0.0500", "0.2000",
                                        "0.1500", "0.750"])
        self.assertEqual(len(result.row()), len(hit_ratio.HEADING))
        self.assertAlmostEqual(result.json()["ratio"], 0.75)

    def test_cases_that_need_traces_are_left_out_without(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            cases = hit_ratio.chosen_cases(None, None)
        self.assertTrue(cases)
        self.assertFalse([case for case in cases if case.trace is not None])
        self.assertIn("orm-busy", said.getvalue())
        with self.assertRaisesRegex(rig.RigError, "orm-busy: give the folder"):
            hit_ratio.chosen_cases("zipf,orm-busy", None)
        with self.assertRaisesRegex(rig.RigError, "no case nope"):
            hit_ratio.chosen_cases("nope", None)
        folder = pathlib.Path("/traces")
        self.assertEqual(len(hit_ratio.chosen_cases(None, folder)), len(hit_ratio.CASES))


class ServerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.binary = pathlib.Path(folder.name, "server")
        self.binary.write_text(IDLE_SERVER, encoding="utf-8")
        self.binary.chmod(0o755)

    def rig(self):
        return types.SimpleNamespace(threads=1, server_cpus={max(os.sched_getaffinity(0))})

    def test_is_pinned_and_ends_with_its_block(self):
        with rig.Server(self.rig(), "idle", str(self.binary), 64) as server:
            pid = server.pid
            self.assertEqual(os.sched_getaffinity(pid), self.rig().server_cpus)
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_ends_even_while_paused(self):
        with self.assertRaises(RuntimeError):
            with rig.Server(self.rig(), "idle", str(self.binary), 64) as server:
                server.pause()
                raise RuntimeError("something went wrong meanwhile")
        with self.assertRaises(ProcessLookupError):
            os.kill(server.pid, 0)

    def test_says_so_if_it_does_not_start(self):
        with self.assertRaisesRegex(rig.RigError, "idle ended at once with 1"):
            rig.Server(self.rig(), "idle", "/bin/false", 64)

    def test_dies_with_a_script_that_is_killed(self):
        script = (f"import os, sys, time; sys.path.insert(0, {str(BENCH)!r}); import rig\n"
                  "class Rig: threads = 1; server_cpus = os.sched_getaffinity(0)\n"
                  f"print(rig.Server(Rig(), 'idle', {str(self.binary)!r}, 64).pid, flush=True)\n"
                  "time.sleep(600)")
        with subprocess.Popen([sys.executable, "-B", "-c", script], stdout=subprocess.PIPE,
                              text=True) as parent:
            pid = int(parent.stdout.readline())
            os.kill(pid, 0)
            parent.send_signal(signal.SIGKILL)
        self.assertTrue(self.ends(pid))

    @staticmethod
    def ends(pid: int) -> bool:
        """Waits for a process that is not a child of this one."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
            except FileNotFoundError:
                return True
            if state.rpartition(")")[2].split()[0] == "Z":  # dead; nobody has reaped it yet
                return True
            time.sleep(0.01)
        return False


class InstructionsTest(unittest.TestCase):
    RECORDED = instructions.Counts("gcc 12", {"get, hit": 1000, "set, 16 pipelined": 500})

    def test_a_record_is_read_as_it_was_written(self):
        text = instructions.format_record(self.RECORDED)
        self.assertEqual(instructions.parse_record(text), self.RECORDED)

    def test_dump(self):
        text = "version: 1\ndesc: Trigger: Client Request: get, hit\n\nsummary: 7500\n80 500\n"
        self.assertEqual(instructions.parse_dump(text), ("get, hit", 7500))
        with self.assertRaises(rig.RigError):
            instructions.parse_dump("version: 1\nsummary: 7500\n")

    def differing(self, **now) -> list[str]:
        return instructions.differing(instructions.Counts("gcc 12", now), self.RECORDED, 2.0)

    def test_what_differs(self):
        same = self.RECORDED.by_kind
        self.assertEqual(self.differing(**same), [])
        self.assertEqual(self.differing(**same | {"get, hit": 1019}), [])
        self.assertEqual(self.differing(**same | {"get, hit": 1021}), ["get, hit"])
        self.assertEqual(self.differing(**same | {"get, hit": 979}), ["get, hit"])
        self.assertEqual(self.differing(**same | {"new": 1}), ["new"])
        self.assertEqual(self.differing(**{"get, hit": 1000}), ["set, 16 pipelined"])


if __name__ == "__main__":
    unittest.main()
