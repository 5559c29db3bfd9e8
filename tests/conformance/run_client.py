"""A client's own checks, against a server of theirs.

run_client.py [--tls] [--sasl] [-o OPTIONS] SERVER -- PROGRAM [ARGUMENT...]

Starts the server, runs the program with the server's host and port as its last two arguments, and
ends with the program's exit status. A client that is not installed fails. What else the client has
to know stands in its environment: CLIENT_CA, the file of the certificate that signed the server's;
CLIENT_USER and CLIENT_PASSWORD, which the server's SASL knows.
"""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import harness

CLIENT_SECONDS = 240
USER = "user"
PASSWORD = "password"


def make_certificate(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A certificate for this host that signs itself, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", f"subjectAltName=IP:{harness.HOST}"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def make_passwords(folder: pathlib.Path) -> None:
    """Cyrus SASL's settings for a server named memcached, and its password database."""
    database = folder / "sasldb"
    (folder / "memcached.conf").write_text(
        f"mech_list: plain\nsasldb_path: {database}\npwcheck_method: auxprop\n"
        "auxprop_plugin: sasldb\n"
    )
    command = ["saslpasswd2", "-p", "-c", "-a", "memcached", "-f", str(database), USER]
    subprocess.run(command, check=True, input=PASSWORD.encode(), capture_output=True)


@contextlib.contextmanager
def surroundings(tls: bool, sasl: bool) -> Iterator[tuple[list[str], dict[str, str]]]:
    """The server's options, and what both it and the client find in their environment."""
    with tempfile.TemporaryDirectory(prefix="client-") as name:
        folder = pathlib.Path(name)
        options, environment = ["-m", "256"], {}
        if tls:
            certificate, key = make_certificate(folder)
            options += ["-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}"]
            environment["CLIENT_CA"] = str(certificate)
        if sasl:
            make_passwords(folder)
            options += ["-S"]
            environment |= {
                "SASL_CONF_PATH": str(folder),
                "CLIENT_USER": USER,
                "CLIENT_PASSWORD": PASSWORD,
            }
        yield options, environment


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--sasl", action="store_true")
    parser.add_argument("-o", dest="options", help="given to the server as it is")
    parser.add_argument("server")
    parser.add_argument("program", nargs="+")
    arguments = parser.parse_args()
    with surroundings(arguments.tls, arguments.sasl) as (options, environment):
        os.environ.update(environment)
        options += ["-o", arguments.options] if arguments.options else []
        with harness.Server(arguments.server, options) as server:
            return run(arguments.program, server)


def run(program: list[str], server: harness.Server) -> int:
    command = [*program, harness.HOST, str(server.port)]
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
