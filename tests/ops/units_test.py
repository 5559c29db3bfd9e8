"""units_test.py LARDER FOLDER: has systemd judge the units in FOLDER, as they would run LARDER."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

INSTALLED = "/usr/bin/larder"
SERVICES = ("larder.service", "larder@.service")
UNITS = (*SERVICES, "larder.socket")

# systemd's words for an exposure: OK up to 4.9, in tenths for --threshold.
EXPOSURE_OK = "49"

program = pathlib.Path()
folder = pathlib.Path()


def analyze(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class UnitsTest(unittest.TestCase):
    """The units, with the program where it was built."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.units = [pathlib.Path(temporary.name, unit) for unit in UNITS]
        for unit in self.units:
            unit.write_text((folder / unit.name).read_text().replace(INSTALLED, str(program)))

    def test_systemd_finds_nothing_wrong(self):
        # What it passes over it says, and calls the unit good.
        done = analyze("verify", "--man=no", *map(str, self.units))
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_services_are_not_exposed(self):
        for unit in self.units:
            if unit.name in SERVICES:
                done = analyze("security", "--offline=true", f"--threshold={EXPOSURE_OK}",
                               str(unit))
                self.assertEqual(done.returncode, 0, done.stdout)

    def test_an_instance_differs_in_what_is_its_own(self):
        single, instance = (self.settings(unit) for unit in SERVICES)
        self.assertEqual([(old, new) for old, new in zip(single, instance) if old != new], [
            ("Description=larder cache daemon", "Description=larder cache daemon, %i"),
            (f"ExecStart={INSTALLED} --config /etc/larder/larder.conf",
             f"ExecStart={INSTALLED} --config /etc/larder/%i.conf"),
            ("RuntimeDirectory=larder", "RuntimeDirectory=larder-%i"),
        ])
        self.assertEqual(len(single), len(instance))

    @staticmethod
    def settings(unit: str) -> list[str]:
        lines = (folder / unit).read_text().splitlines()
        return [line for line in lines if line and not line.startswith("#")]


if __name__ == "__main__":
    program, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1])
