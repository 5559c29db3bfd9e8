"""run_client.py SERVER -- PROGRAM [ARGUMENT...]: a client's own checks, against a server of theirs.

Starts the server, runs the program with the server's host and port as its last two arguments, and
ends with the program's exit status. A client that is not installed fails.
"""

import argparse
import subprocess
import sys

import harness

CLIENT_SECONDS = 240


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("server")
    parser.add_argument("program", nargs="+")
    arguments = parser.parse_args()
    with harness.Server(arguments.server, ["-m", "256"]) as server:
        command = [*arguments.program, harness.HOST, str(server.port)]
        print(" ".join(command), flush=True)
        try:
            status = subprocess.run(command, timeout=CLIENT_SECONDS).returncode
        except FileNotFoundError:
            print(f"{command[0]} is not installed", file=sys.stderr)
            status = 1
        except subprocess.TimeoutExpired:
            print(f"{command[0]} did not end within {CLIENT_SECONDS} s", file=sys.stderr)
            status = 1
        if status != 0:
            print(f"client failed with status {status}; server's stderr:\n{server.stderr()}")
    return status


if __name__ == "__main__":
    sys.exit(main())
