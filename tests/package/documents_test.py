"""What the package has beside the program says what the program says.

documents_test.py LARDER [unittest's arguments]
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

TREE = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = TREE / "scripts/packaging"
sys.path[:0] = [str(PACKAGING), str(TREE / "tests/conformance")]

import documents  # noqa: E402
import harness  # noqa: E402

LARDER = ""  # the program, from the command line


def words(text: str) -> str:
    """Without the layout."""
    return " ".join(text.split())


def rendered(manual: str) -> str:
    """As man shows it, on lines so long that none is broken or filled up."""
    shown = subprocess.run(["groff", "-man", "-Tascii", "-P-cbu", "-rLL=900n", "-ww"], check=True,
                           input=manual, capture_output=True, text=True)
    assert not shown.stderr, shown.stderr
    return shown.stdout


def help_entries(text: str) -> dict[str, str]:
    """What --help says of each option, by the name of the option."""
    start = re.compile(r"(?:-\w, |   - )?(?:--)?([\w-]+)(?:\[?=<\w+>\]?|:)?(?:$|\s+)(?!<)")
    entries: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if re.match(r"-|   - ", line):
            match = start.match(line)
            name = match.group(1)
            entries[name] = line[match.end():]
        elif name and line.startswith(" "):
            entries[name] += " " + line
        else:
            name = ""
    return {name: words(entry) for name, entry in entries.items()}


def shown_entries(text: str) -> dict[str, str]:
    """What a rendered manual says of each option, by the name of the option: the option's head
    stands 7 columns from the left, and what is said of it further in, or behind the head."""
    head = re.compile(r" {7}(?:-\w, )?(?:--)?([\w-]+)(?:\[?=\w+\]?)?(?: +|$)")
    entries: dict[str, str] = {}
    name = section = ""
    for line in text.splitlines():
        if re.match("[A-Z]", line):
            section = line
        if section not in ("OPTIONS", "SETTINGS"):
            continue
        if match := head.match(line):
            name = match.group(1)
            entries[name] = line[match.end():]
        elif name and line.startswith(" " * 14):
            entries[name] += " " + line
        else:
            name = ""
    return {name: words(entry) for name, entry in entries.items()}


class DocumentsTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.texts = documents.documents(LARDER)
        cls.options = documents.options_of(LARDER)
        cls.help = help_entries(documents.run_larder(LARDER, "--help"))

    def test_help_is_understood(self):
        self.assertEqual(list(self.help), [option.name for option in self.options])

    def assert_says_what_help_says(self, manual: str, names: list[str]):
        shown = shown_entries(rendered(self.texts[manual]))
        self.assertEqual(sorted(set(names) - set(shown)), [])
        for name in names:
            with self.subTest(manual=manual, option=name):
                said = self.help[name]
                default = re.search(r" \(default: ([^)]*)\)", said)
                if said == "(*)":
                    self.assertIn("without effect", shown[name])
                    continue
                if default and f"Default: {default.group(1)}." in shown[name]:
                    said = said.replace(default.group(), "")
                self.assertTrue(shown[name].startswith(said), f"{said!r} is not {shown[name]!r}")

    def test_manual_of_the_program(self):
        self.assert_says_what_help_says("larder.1", [option.name for option in self.options])

    def test_manual_of_the_configuration(self):
        names = [option.name for option in self.options if option.in_files]
        self.assertIn("memory-limit", names)
        self.assert_says_what_help_says("larder.conf.5", names)

    def test_manual_has_the_statistics_that_memcached_has_not(self):
        with harness.Server(LARDER) as server, server.connect() as connection:
            connection.ask(b"set a 0 0 1\r\na\r\n")  # some are shown of sizes that are in use
            shown = "".join(connection.ask(f"{command}\r\n".encode(), b"END\r\n").decode()
                            for command in ("stats", "stats settings", "stats items",
                                            "stats slabs"))
        section = rendered(self.texts["larder.1"]).partition("\nSTATISTICS\n")[2]
        section = section.partition("\nSIGNALS\n")[0]
        own = r"\blarder_\w+"
        self.assertEqual(set(re.findall(own, section)), set(re.findall(own, shown)))

    def test_configuration_is_good_and_listens_on_loopback(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "larder.conf")
            path.write_text(self.texts["larder.conf"], encoding="utf-8")
            subprocess.run([LARDER, "--check-config", "--config", str(path)], check=True)
            printed = subprocess.run([LARDER, "--print-config", "--config", str(path)], check=True,
                                     capture_output=True, text=True).stdout
        given = [line.split("#")[0].strip() for line in printed.splitlines() if str(path) in line]
        self.assertEqual(given, ["listen = 127.0.0.1"])

    def completed(self, *command: str) -> list[str]:
        """What bash offers for the last word of the command."""
        script = f"""{self.texts["larder.bash"]}
compopt() {{ :; }}  # it works in a completion only
COMP_WORDS=({" ".join(f"'{word}'" for word in command)})
COMP_CWORD={len(command) - 1}
_larder
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        shown = subprocess.run(["bash", "-u", "-c", script], check=True, capture_output=True,
                               text=True)
        self.assertEqual(shown.stderr, "")
        return sorted(shown.stdout.split())

    def test_completion(self):
        self.assertEqual(self.completed("larder", "--memory-l"), ["--memory-limit="])
        self.assertEqual(self.completed("larder", "-o", "maxconns_fast,hot_l"),
                         ["maxconns_fast,hot_lru_pct="])
        self.assertEqual(self.completed("larder", "-B", "bi"), ["binary"])
        self.assertEqual(self.completed("larder", "--config", "=", "/etc/hostn"), ["/etc/hostname"])
        offered = set(self.completed("larder", ""))
        for option in self.options:
            if option.letter:
                self.assertIn(f"-{option.letter}", offered)
            if option.group != "extended":
                self.assertTrue({option.long, option.long + "="} & offered, option.long)


class DebianTest(unittest.TestCase):

    def test_version_is_the_programs(self):
        changelog = (PACKAGING / "debian/changelog").read_text()
        self.assertTrue(changelog.startswith(f"larder ({documents.version_of(LARDER)}) "))

    def test_builds_with_what_scripts_packages_lists(self):
        control = (PACKAGING / "debian/control").read_text()
        needed = re.search(r"^Build-Depends: (.*(?:\n .*)*)", control, re.MULTILINE).group(1)
        names = {re.match(r"\s*([\w.+-]+)", entry).group(1) for entry in needed.split(",")}
        # debhelper's way of saying which version of its rules.
        names = {"debhelper" if name.startswith(("debhelper-", "dh-")) else name for name in names}
        listed = {line.split()[1].partition("=")[0]
                  for line in (TREE / "scripts/packages").read_text().splitlines()
                  if re.match(r"(build|package)\s", line)}
        self.assertEqual(sorted(names - listed), [])
        libraries = {name for name in listed if name.startswith("lib")}
        self.assertEqual(sorted(libraries - names), [])


if __name__ == "__main__":
    LARDER = sys.argv.pop(1)
    unittest.main()
