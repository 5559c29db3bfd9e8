"""The rules of larder's tree that no compiler checks, and the reading that they need.

Layering decays where it is only written down, so it is read from the sources here: who includes
and links whom, which headers and functions a folder may use, and what keeps a tree readable. Each
rule is a function from a Tree to the Violations found in it; RULES lists them all.

The arrows between folders point one way:

    slab, protocol  <-  server/engine  <-  server/{cluster,config,net,ops}  <-  server

A test folder sees what the folder that it mirrors sees, and that folder. Fuzzers share the checkers
of the tests beside them.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Iterator

LINES_MAX = 700

TOP_LEVEL_NAMES = {
    "CMakeLists.txt", "CMakePresets.json", "README.md",
    "bench", "protocol", "scripts", "server", "slab", "tests",
}
# Not sources: what git keeps, and what builds and tools leave behind.
IGNORED_FOLDERS = {".cache", ".git", "__pycache__", "build", "node_modules"}

CPP_SUFFIXES = {".cc", ".h"}
CODE_SUFFIXES = CPP_SUFFIXES | {".cmake", ".go", ".js", ".php", ".pl", ".py", ".sh", ".ts", ""}
TEXT_SUFFIXES = CODE_SUFFIXES | {".json", ".md"}

_ENGINE_SEES = {"slab", "protocol", "server/engine"}
_ALL = _ENGINE_SEES | {
    "server/cluster", "server/config", "server/ctl", "server/net", "server/ops", "server",
}

# What a folder may include, itself among it. The longest matching key counts.
MAY_INCLUDE = {
    "slab": {"slab"},
    "protocol": {"protocol"},
    "server/engine": _ENGINE_SEES,
    "server/net": _ENGINE_SEES | {"server/net"},
    "server/cluster": _ENGINE_SEES | {"server/cluster"},
    "server/ops": _ENGINE_SEES | {"server/ops"},
    "server/config": _ENGINE_SEES | {"server/config"},
    "server/ctl": _ENGINE_SEES | {"server/cluster", "server/ctl"},
    "server": _ALL,
    "tests/slab": {"slab", "tests/slab"},
    "tests/protocol": {"protocol", "tests/protocol"},
    "tests/engine": _ENGINE_SEES | {"tests/engine"},
    "tests/net": _ENGINE_SEES | {"server", "server/net", "tests/net"},
    "tests/cluster": _ENGINE_SEES | {"server/cluster", "tests/cluster"},
    "tests/config": _ENGINE_SEES | {"server/config", "tests/config"},
    "tests/ops": _ENGINE_SEES | {"server/ops", "tests/ops"},
    "tests/conformance": _ENGINE_SEES | {"tests/conformance"},
    "tests/fuzz": _ENGINE_SEES | {"tests/engine", "tests/fuzz", "tests/protocol", "tests/slab"},
    "tests/bench": _ALL | {"bench", "tests/bench"},
    "bench": _ALL | {"bench"},
}

# Every library target of larder's own, and the folder it is built from.
TARGET_FOLDERS = {
    "larder_slab": "slab",
    "larder_protocol": "protocol",
    "larder_engine": "server/engine",
    "larder_config": "server/config",
    "larder_net": "server/net",
    "larder_cluster": "server/cluster",
    "larder_ops": "server/ops",
}

LIBEVENT_HEADERS = re.compile(r"event2?(/.*)?\.h|ev[a-z]+\.h")
LIBEVENT_FOLDERS = {"bench", "server/net", "server/ops", "tests/net"}

# A store, a parser and a session are run by tests and fuzzers without sockets, and with a time of
# the test's choosing.
SOCKET_HEADERS = re.compile(r"sys/(socket|epoll|poll|un)\.h|poll\.h|netdb\.h|(netinet|arpa)/.*")
PURE_FOLDERS = {"protocol", "server/engine", "slab"}

# Header -> why not.
BANNED_HEADERS = {
    "iostream": "it puts a static initialiser into each file: use cstdio",
    "regex": "it is slow to compile and to run",
    "absl/synchronization/mutex.h":
        "thread sanitizer cannot see into Debian's abseil, and so reports races under its locks: "
        "use slab/mutex.h",
}

# Function -> what to use instead.
BANNED_FUNCTIONS = {
    "rand": "a generator with a seed of the caller's",
    "srand": "a generator with a seed of the caller's",
    "strcpy": "std::string or a bounded copy",
    "strcat": "std::string",
    "strtok": "std::string_view",
    "gets": "a bounded read",
    "sprintf": "std::to_chars or snprintf",
    "vsprintf": "vsnprintf",
    "atoi": "std::from_chars",
    "atol": "std::from_chars",
    "atoll": "std::from_chars",
    "alloca": "a fixed or an owned buffer",
    "localtime": "localtime_r",
    "gmtime": "gmtime_r",
    "assert": "the macros of slab/assert.h, which stay on in release",
}
CLOCK_READS = re.compile(
    r"\b(?:std::|::)?(?:time\s*\(\s*(?:nullptr|NULL|0)?\s*\)|clock_gettime\s*\(|gettimeofday\s*\(|"
    r"chrono::\w+_clock::now\b|\w+_clock::now\b|rdtscp?\b)")
CLOCK_FOLDERS = {"bench", "server/net", "server/ops", "tests/conformance", "tests/net"}


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str  # from the top of the tree
    line: int  # 0 where the whole file or folder is meant
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"


@dataclasses.dataclass(frozen=True)
class Include:
    path: str
    quoted: bool
    line: int


class Tree:
    """The text files under a root, by their path from it."""

    def __init__(self, root: pathlib.Path):
        self.top_level = sorted(entry.name for entry in root.iterdir())
        self.files: dict[str, str] = {}
        for folder, subfolders, names in os.walk(root):
            subfolders[:] = sorted(set(subfolders) - IGNORED_FOLDERS)
            for path in (pathlib.Path(folder, name) for name in sorted(names)):
                if path.suffix in TEXT_SUFFIXES or path.name == "CMakeLists.txt":
                    name = path.relative_to(root).as_posix()
                    self.files[name] = path.read_text(encoding="utf-8", errors="replace")

    def cpp_files(self) -> Iterator[tuple[str, str]]:
        """Each C++ file and its text."""
        return ((name, text) for name, text in self.files.items() if is_cpp(name))


def is_cpp(name: str) -> bool:
    return pathlib.PurePosixPath(name).suffix in CPP_SUFFIXES


def folder_of(name: str) -> str:
    """`server/net/listener.cc` -> `server/net`; '' at the top."""
    return name.rpartition("/")[0]


def is_under(name: str, folders: set[str]) -> bool:
    return any(name.startswith(folder + "/") for folder in folders)


def owner(name: str, folders) -> str | None:
    """The longest of `folders` that holds the file `name`."""
    holding = [folder for folder in folders if name.startswith(folder + "/")]
    return max(holding, key=len, default=None)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


_NOT_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|\bR"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def code_only(text: str) -> str:
    """C++ with comments and literals blanked, lines kept where they were."""
    return _NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)


def includes(text: str) -> Iterator[Include]:
    for match in _INCLUDE.finditer(text):
        quoted, angled = match.groups()
        yield Include(quoted or angled, quoted is not None, line_of(text, match.start()))


def check_arrows(tree: Tree) -> Iterator[Violation]:
    """A folder includes only what the arrows allow, by paths from the top of the tree."""
    our_tops = {folder.partition("/")[0] for folder in MAY_INCLUDE}
    for name, text in tree.cpp_files():
        home = owner(name, MAY_INCLUDE)
        if home is None:
            yield Violation(name, 0, "a source in a folder that the arrows do not know")
            continue
        for include in includes(text):
            ours = include.path.partition("/")[0] in our_tops
            if not ours and (folder_of(name) + "/" + include.path) in tree.files:
                yield Violation(name, include.line,
                                f"include '{include.path}' by its path from the top of the tree")
            if not ours:
                continue
            target = owner(include.path, MAY_INCLUDE)
            if include.path not in tree.files:
                yield Violation(name, include.line, f"'{include.path}' is not in the tree")
            elif not include.quoted:
                yield Violation(name, include.line, f"<{include.path}> is ours: use quotes")
            elif target not in MAY_INCLUDE[home]:
                yield Violation(name, include.line, f"{home} must not include {target}")


def check_links(tree: Tree) -> Iterator[Violation]:
    """A library links only libraries of folders that its own folder may include."""
    for name, text in tree.files.items():
        home = owner(name, MAY_INCLUDE)
        if home is None or not name.endswith("CMakeLists.txt"):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for target in re.findall(r"\blarder_\w+", line.partition("#")[0]):
                folder = TARGET_FOLDERS.get(target)
                if folder is not None and folder not in MAY_INCLUDE[home]:
                    yield Violation(name, number, f"{home} must not link {target}")


def check_libevent(tree: Tree) -> Iterator[Violation]:
    """libevent is known to the folders that do I/O and to nobody else."""
    for name, text in tree.cpp_files():
        for include in includes(text):
            if LIBEVENT_HEADERS.fullmatch(include.path) and not is_under(name, LIBEVENT_FOLDERS):
                yield Violation(name, include.line, f"no place for libevent's <{include.path}>")


def check_purity(tree: Tree) -> Iterator[Violation]:
    """The folders that run without sockets include no header of theirs."""
    for name, text in tree.cpp_files():
        if not is_under(name, PURE_FOLDERS):
            continue
        for include in includes(text):
            if SOCKET_HEADERS.fullmatch(include.path):
                yield Violation(name, include.line, f"<{include.path}>: no sockets here")


def check_banned_headers(tree: Tree) -> Iterator[Violation]:
    for name, text in tree.cpp_files():
        for include in includes(text):
            if include.path in BANNED_HEADERS:
                yield Violation(name, include.line,
                                f"<{include.path}> is banned: {BANNED_HEADERS[include.path]}")


_BANNED_CALL = re.compile(r"(?<![\w.>:])(?:std::|::)?(" + "|".join(BANNED_FUNCTIONS) + r")\s*\(")


def check_banned_functions(tree: Tree) -> Iterator[Violation]:
    for name, text in tree.cpp_files():
        code = code_only(text)
        for match in _BANNED_CALL.finditer(code):
            banned = match.group(1)
            yield Violation(name, line_of(code, match.start(1)),
                            f"{banned}() is banned: use {BANNED_FUNCTIONS[banned]}")


def check_clock_reads(tree: Tree) -> Iterator[Violation]:
    """One place reads the clock and hands the time on."""
    for name, text in tree.cpp_files():
        if is_under(name, CLOCK_FOLDERS):
            continue
        code = code_only(text)
        for match in CLOCK_READS.finditer(code):
            yield Violation(name, line_of(code, match.start()),
                            "the clock is read elsewhere: time is an argument")


def check_headers(tree: Tree) -> Iterator[Violation]:
    for name, text in tree.cpp_files():
        if not name.endswith(".h"):
            continue
        code = code_only(text)
        if not re.search(r"^#pragma once$", code, re.MULTILINE):
            yield Violation(name, 0, "a header needs #pragma once")
        match = re.search(r"^\s*using namespace\b", code, re.MULTILINE)
        if match:
            yield Violation(name, line_of(code, match.end()), "using namespace in a header")


def check_length(tree: Tree) -> Iterator[Violation]:
    for name, text in tree.files.items():
        lines = text.count("\n")
        is_code = pathlib.PurePosixPath(name).suffix in CODE_SUFFIXES
        if is_code and lines > LINES_MAX:
            yield Violation(name, 0, f"{lines} lines, at most {LINES_MAX}")


# Bracketed, so that this file does not find itself.
_UNFINISHED = re.compile(r"\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")


def check_unfinished(tree: Tree) -> Iterator[Violation]:
    """What is unfinished is an issue, not a comment."""
    for name, text in tree.files.items():
        for match in _UNFINISHED.finditer(text):
            yield Violation(name, line_of(text, match.start()), f"{match.group()} in the tree")


def check_readmes(tree: Tree) -> Iterator[Violation]:
    folders = {folder_of(name) for name, _ in tree.cpp_files()}
    folders |= {folder_of(name) for name in tree.files if name.startswith("scripts/")}
    for folder in sorted(folders):
        if folder + "/README.md" not in tree.files:
            yield Violation(folder, 0, "a folder of sources needs a README.md")


def check_top_level(tree: Tree) -> Iterator[Violation]:
    for name in tree.top_level:
        if name not in TOP_LEVEL_NAMES | IGNORED_FOLDERS and not name.startswith("."):
            yield Violation(name, 0, "not a name of the top level")


_TABLE_OF_CLAIMS = re.compile(r"^\|[^\n]*\| *tested by *\|\n\|[-:| ]+\|\n((?:\|[^\n]*\|\n)*)", re.M)
_TEST_DECLARED = re.compile(r"\b(?:NAME|client_test\()\s*(\w+)")


def check_claims(tree: Tree) -> Iterator[Violation]:
    """A row of a README's table with a column "tested by" names tests that ctest runs."""
    tests = {("client_" if "client" in match.group() else "") + match.group(1)
             for name, text in tree.files.items() if name.endswith("CMakeLists.txt")
             for match in _TEST_DECLARED.finditer(text)}
    # Where every file of a folder is a test.
    tests |= {pathlib.PurePath(name).stem for name in tree.files if name.endswith("_test.cc")}
    for name, text in tree.files.items():
        if not name.endswith("README.md"):
            continue
        for table in _TABLE_OF_CLAIMS.finditer(text):
            first = line_of(text, table.start(1))
            for i, row in enumerate(table.group(1).splitlines()):
                named = re.findall(r"`(\w+)`", row.rstrip("| ").rpartition("|")[2])
                if not named:
                    yield Violation(name, first + i, "a claim that no test is named for")
                for test in sorted(set(named) - tests):
                    yield Violation(name, first + i, f"there is no test {test}")


RULES = (
    check_arrows,
    check_links,
    check_libevent,
    check_purity,
    check_banned_headers,
    check_banned_functions,
    check_clock_reads,
    check_headers,
    check_length,
    check_unfinished,
    check_readmes,
    check_claims,
    check_top_level,
)


def violations(root: pathlib.Path) -> list[Violation]:
    """All that is wrong with the tree at `root`, in the order of its files."""
    tree = Tree(root)
    found = [violation for rule in RULES for violation in rule(tree)]
    return sorted(found, key=lambda violation: (violation.path, violation.line))
