"""Makes of larder's own listing of its options what the package has beside the program.

documents.py LARDER FOLDER writes into FOLDER:

    larder.1         the manual of the program
    larder.conf.5    that of its configuration file
    larder.conf      the configuration to begin with, which listens on loopback
    larder.bash      bash's completion

The listing is `larder --help-format=json`, printed from the table that --help is printed from and
that options are read by; so an option stands in one place and the four cannot disagree. What no
table knows stands in the manuals' templates beside this file, where a line @OPTIONS GROUP@ or
@SETTINGS@ takes the options.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

LOOPBACK = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Option:
    """An object of the listing, with the names that it has there."""
    name: str
    letter: str | None
    group: str
    argument: str
    value: str | None
    help: str
    default: str | None
    environment: str | None
    in_files: bool
    live: bool
    no_effect: str | None

    @property
    def long(self) -> str:
        """As a command line has it, without a value."""
        return self.name if self.group == "extended" else f"--{self.name}"

    @property
    def has_value(self) -> bool:
        return self.argument in ("required", "optional")

    @property
    def said_default(self) -> str | None:
        """What a reader wants to be told: that a switch is off is clear."""
        return None if self.default == "no" else self.default


def run_larder(program: str, argument: str) -> str:
    return subprocess.run([program, argument], check=True, capture_output=True, text=True).stdout


def options_of(program: str) -> list[Option]:
    return [Option(**entry) for entry in json.loads(run_larder(program, "--help-format=json"))]


def version_of(program: str) -> str:
    return run_larder(program, "--version").split()[1]


# ---- Manuals, in the language of man(7).

def roff(text: str) -> str:
    """Plain text, one line for each of its own."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return re.sub(r"^([.'])", r"\\&\1", escaped, flags=re.MULTILINE)


def head(option: Option) -> str:
    """How the option is given: -m, --memory-limit=num."""
    forms = [f"\\fB{roff(option.long)}\\fR"]
    if option.letter:
        forms.insert(0, f"\\fB\\-{roff(option.letter)}\\fR")
    if option.value and option.has_value:
        value = f"=\\fI{roff(option.value)}\\fR"
        forms[-1] += value if option.argument == "required" else f"[{value}]"
    return ", ".join(forms)


def manual_entry(option: Option, heading: str) -> str:
    """The lines of --help are kept, for some are lists."""
    lines = roff(option.help).split("\n") if option.help else []
    if option.said_default:
        lines.append(f"Default: {roff(option.said_default)}.")
    if option.live:
        lines.append("A reload changes it.")
    if option.no_effect:
        lines.append(f"Taken for memcached's sake, without effect: {roff(option.no_effect)}.")
    return "\n".join([".TP", heading, "\n.br\n".join(lines)])


def manual(template: str, options: list[Option], version: str) -> str:
    def of_group(match: re.Match[str]) -> str:
        return "\n".join(manual_entry(option, head(option)) for option in options
                         if option.group == match.group(1))

    def of_files(_: re.Match[str]) -> str:
        return "\n".join(manual_entry(option, f"\\fB{roff(option.name)}\\fR") for option in options
                         if option.in_files)

    text = template.replace("@VERSION@", version)
    text = re.sub(r"^@OPTIONS (\w+)@$", of_group, text, flags=re.MULTILINE)
    return re.sub(r"^@SETTINGS@$", of_files, text, flags=re.MULTILINE)


# ---- bash's completion.

def completion(options: list[Option]) -> str:
    given = [option for option in options if option.group != "extended"]
    words = [option.long + ("=" if option.argument == "required" else "") for option in given]
    words += [f"-{option.letter}" for option in given if option.letter]
    files = [form for option in given if option.value == "file"
             for form in (option.long, f"-{option.letter}" if option.letter else None) if form]
    extended = [option.name + ("=" if option.argument == "required" else "")
                for option in options if option.group == "extended"]
    return ((HERE / "larder.bash.in").read_text(encoding="utf-8")
            .replace("@WORDS@", "\n".join(sorted(words)))
            .replace("@FILES@", " | ".join(files))
            .replace("@EXTENDED@", "\n".join(sorted(extended))))


# ---- The configuration to begin with.

def configuration(program: str) -> str:
    """larder's own, but that who installs a package is not on the network at once."""
    text, count = re.subn(r"^#listen =.*$", f"listen = {LOOPBACK}",
                          run_larder(program, "--help-format=config"), flags=re.MULTILINE)
    if count != 1:
        sys.exit("documents.py: no line '#listen =' in what --help-format=config prints")
    return text


def documents(program: str) -> dict[str, str]:
    """The text of each document, by the name of its file."""
    options = options_of(program)
    texts = {name: manual((HERE / f"{name}.in").read_text(encoding="utf-8"), options,
                          version_of(program))
             for name in ("larder.1", "larder.conf.5")}
    return texts | {"larder.bash": completion(options), "larder.conf": configuration(program)}


def main() -> None:
    program, folder = sys.argv[1:]
    for name, text in documents(program).items():
        pathlib.Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
