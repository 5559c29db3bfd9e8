"""Wrong options: larder's words on stderr and its exit status, against memcached 1.6.45's.

start_errors.py PROGRAM [--reference]

data/start-errors.txt has what 1.6.45 prints. Where its words help nobody, larder has its own, and
OWN_WORDS says why, and what they must name.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import NamedTuple

import harness

RECORDED = pathlib.Path(__file__).parent / "data" / "start-errors.txt"
RUN_SECONDS = 30.0
STARTED = "started"


class Case(NamedTuple):
    arguments: str  # as in the recording; PORT is a port in use
    words: str
    outcome: str  # the exit status, or STARTED


class OwnWords(NamedTuple):
    reason: str
    must_name: str
    outcome: str | None = None  # where it is not 1.6.45's


OWN_WORDS = {
    "-l 999.1.1.1": OwnWords("1.6.45 ends its second line with `Success`", "999.1.1.1"),
    "-l 127.0.0.1:99999": OwnWords("1.6.45 listens on the port modulo 65536", "99999", "71"),
    "-e /nonexistent/x": OwnWords(
        "1.6.45 says the same and aborts", "failed to open file for mmap: No such file", "71"),
    "-Z": OwnWords("1.6.45 tells before where in OpenSSL a null pointer was met",
                   "Error loading the certificate chain: (null) : error:8000000E:system library::"
                   "Bad address"),
    "--nonsense": OwnWords("1.6.45's second line is `Illegal argument \"?\"`", "'--nonsense'"),
}


def read_cases() -> list[Case]:
    cases = []
    for block in RECORDED.read_text().split("> memcached ")[1:]:
        arguments, *words, outcome = block.rstrip("\n").split("\n")
        status = outcome.split()[1]
        arguments = arguments.removesuffix(" (in use)")
        cases.append(Case(arguments, "\n".join(words), STARTED if status == "124" else status))
    return cases


def start(program: str, arguments: list[str]) -> tuple[str, str]:
    """What the program printed on stderr, and how it ended; a server that starts is ended."""
    command = [program, *arguments]
    if "-l" not in arguments:
        command += ["-l", harness.HOST]
    if "-p" not in arguments:
        command += ["-p", "0" if harness.is_larder(program) else "-1"]
    if "-u" not in arguments:
        command += harness.root_options()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        port_file = pathlib.Path(folder, "port")
        process = subprocess.Popen(
            [pathlib.Path(program).name, *command[1:]],
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "MEMCACHED_PORT_FILENAME": str(port_file)},
            preexec_fn=harness.die_with_parent,
        )
        harness.wait_until(lambda: process.poll() is not None or port_file.exists(), RUN_SECONDS)
        outcome = STARTED if process.poll() is None else str(process.returncode)
        process.kill()
        _, stderr = process.communicate()
    return stderr.decode("utf-8", "replace").rstrip("\n"), outcome


def judge(case: Case, words: str, outcome: str, reference: bool) -> str:
    """What is wrong with the answer; empty if nothing is."""
    own = None if reference else OWN_WORDS.get(case.arguments)
    wanted_outcome = (own and own.outcome) or case.outcome
    if outcome != wanted_outcome:
        return f"ended with {outcome}, wanted {wanted_outcome}"
    if own is None:
        return "" if words == case.words else f"wanted {case.words!r}"
    if len(words.splitlines()) != 1 or own.must_name not in words:
        return f"wanted one line that names {own.must_name}"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--reference", action="store_true", help="the program is memcached")
    arguments = parser.parse_args()
    failures = 0
    with harness.Server(arguments.program, ["-m", "64"]) as in_the_way:
        for case in read_cases():
            if case.arguments.startswith("-u") and os.geteuid() != 0:
                continue  # without the right to change the user, -u is ignored
            options = case.arguments.replace("PORT", str(in_the_way.port)).split()
            words, outcome = start(arguments.program, options)
            wrong = judge(case, words, outcome, arguments.reference)
            failures += bool(wrong)
            print(f"{'FAILED' if wrong else 'ok    '} {case.arguments}: {words!r}, {outcome}")
            if wrong:
                print(f"       {wrong}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
