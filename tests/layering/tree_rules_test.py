"""Shows that a tidy tree passes and that each rule fails on a tree made to break it."""

import pathlib
import tempfile
import unittest

import tree_rules

HEADER = "#pragma once\n"

TIDY = {
    "README.md": "larder\n",
    "CMakeLists.txt": "add_subdirectory(slab)\n",
    ".gitignore": "/build/\n",
    "slab/README.md": "memory\n",
    "slab/CMakeLists.txt": "add_library(larder_slab store.cc)\n",
    "slab/store.h": HEADER + "#include <cstdint>\n",
    "slab/store.cc": '#include "slab/store.h"\n\n#include <vector>\n',
    "protocol/README.md": "bytes\n",
    "protocol/text.h": HEADER,
    "server/README.md": "wiring\n",
    "server/main.cc": '#include "server/net/listener.h"\n',
    "server/engine/README.md": "sessions\n",
    "server/engine/CMakeLists.txt": "target_link_libraries(larder_engine PUBLIC larder_slab)\n",
    "server/engine/session.h": HEADER + '#include "protocol/text.h"\n#include "slab/store.h"\n',
    "server/net/README.md": "sockets\n",
    "server/net/listener.h":
        HEADER + '#include <event2/event.h>\n#include <sys/socket.h>\n'
        '#include "server/engine/session.h"\n',
    "tests/slab/README.md": "tests\n",
    "tests/slab/store_test.cc": '#include "slab/store.h"\n#include "gtest/gtest.h"\n',
    "bench/README.md": "load\n",
    "bench/load.cc": '#include <event2/event.h>\n#include "slab/store.h"\n',
    "scripts/README.md": "scripts\n",
    "scripts/run": "#!/bin/bash\n",
    # What builds leave behind is not read.
    "build/release/slab/generated.h": "// T" "ODO\n",
}


def broken(files: dict[str, str]) -> list[tree_rules.Violation]:
    """What is found in the tidy tree with `files` added or put in place of its own."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in (TIDY | files).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        return tree_rules.violations(root)


class TreeRulesTest(unittest.TestCase):

    def assert_found(self, files: dict[str, str], path: str, line: int, text: str):
        """Exactly one violation is found: at path and line, with text in what it says."""
        found = broken(files)
        self.assertEqual(len(found), 1, [str(violation) for violation in found])
        self.assertEqual((found[0].path, found[0].line), (path, line), str(found[0]))
        self.assertIn(text, found[0].text)

    def assert_line_found(self, path: str, code: str, text: str):
        """As above, for one line of code in an otherwise empty file."""
        source = HEADER + code + "\n" if path.endswith(".h") else "\n" + code + "\n"
        self.assert_found({path: source}, path, 2, text)

    def assert_tidy(self, files: dict[str, str]):
        self.assertEqual([str(violation) for violation in broken(files)], [])

    def test_tidy_tree_passes(self):
        self.assert_tidy({})

    def test_arrows(self):
        for path, include in (
            ("slab/a.h", "protocol/text.h"),
            ("slab/a.h", "server/engine/session.h"),
            ("protocol/a.h", "slab/store.h"),
            ("server/engine/a.h", "server/net/listener.h"),
            ("tests/slab/a.cc", "protocol/text.h"),
            ("tests/slab/a.cc", "server/engine/session.h"),
        ):
            with self.subTest(path=path, include=include):
                self.assert_line_found(path, f'#include "{include}"', "must not include")

    def test_arrows_between_neighbours_on_the_engine(self):
        self.assert_found(
            {
                "server/cluster/README.md": "membership\n",
                "server/cluster/a.h": HEADER,
                "server/net/a.cc": '#include "server/cluster/a.h"\n',
            }, "server/net/a.cc", 1, "must not include server/cluster")

    def test_production_never_includes_tests(self):
        self.assert_found(
            {
                "tests/slab/model.h": HEADER,
                "slab/a.cc": '  #  include "tests/slab/model.h"\n',
            }, "slab/a.cc", 1, "must not include tests/slab")

    def test_includes_start_at_the_top_of_the_tree(self):
        self.assert_line_found("slab/a.cc", '#include "store.h"', "from the top")
        self.assert_line_found("slab/a.cc", '#include "slab/gone.h"', "not in the tree")
        self.assert_line_found("slab/a.cc", "#include <slab/store.h>", "use quotes")

    def test_unknown_folder(self):
        self.assert_found({
            "tests/odd/README.md": "odd\n",
            "tests/odd/a.cc": "\n"
        }, "tests/odd/a.cc", 0, "arrows do not know")

    def test_links(self):
        path = "slab/CMakeLists.txt"
        self.assert_found(
            {path: "add_library(larder_slab)\ntarget_link_libraries(larder_slab larder_engine)\n"},
            path, 2, "must not link larder_engine")

    def test_libevent(self):
        for header in ("event2/event.h", "event.h", "evutil.h", "event2/bufferevent.h"):
            for path in ("slab/a.cc", "server/engine/a.cc", "server/a.cc", "tests/slab/a.cc"):
                with self.subTest(path=path, header=header):
                    self.assert_line_found(path, f"#include <{header}>", "libevent")

    def test_purity(self):
        for path in ("slab/a.h", "protocol/a.cc", "server/engine/a.cc"):
            with self.subTest(path=path):
                self.assert_line_found(path, "#include <sys/socket.h>", "no sockets")
                self.assert_line_found(path, "#include <netinet/tcp.h>", "no sockets")

    def test_banned_headers(self):
        for header in tree_rules.BANNED_HEADERS:
            with self.subTest(header=header):
                self.assert_line_found("server/net/a.cc", f"#include <{header}>", "banned")
                self.assert_line_found("bench/a.cc", f'#include "{header}"', "banned")

    def test_banned_functions(self):
        for function in tree_rules.BANNED_FUNCTIONS:
            with self.subTest(function=function):
                text = f"{function}() is banned"
                self.assert_line_found("bench/a.cc", f"int x = {function}(y);", text)
                self.assert_line_found("slab/a.cc", f"int x = std::{function} (y);", text)

    def test_names_that_only_look_banned(self):
        self.assert_tidy({
            "slab/a.cc": "// rand() and \"atoi(\n/* sprintf(\n */\n"
                         "const char* a = \"strcpy(\\\"\"; char b = '\"'; int c = 1'000;\n"
                         "const char* d = R\"(time(nullptr) \" )\";\n"
                         "static_assert(true); int e = snprintf(a, b); f.random(); G::rand();\n"
        })

    def test_clock_reads(self):
        for code in ("time(nullptr)", "::time(NULL)", "time(0)", "std::time( nullptr )",
                     "clock_gettime(CLOCK_MONOTONIC, &t)", "gettimeofday(&t, nullptr)",
                     "std::chrono::steady_clock::now()", "system_clock::now()"):
            with self.subTest(code=code):
                self.assert_line_found("server/engine/a.cc", f"auto x = {code};", "clock")
                self.assert_tidy({"server/net/a.cc": f"auto x = {code};\n"})
        self.assert_tidy({"server/engine/a.cc": "int a = start_time(0); Time(b); time(c);\n"})

    def test_headers(self):
        self.assert_found({"slab/a.h": "// #pragma once\n"}, "slab/a.h", 0, "#pragma once")
        self.assert_line_found("slab/a.h", "using namespace std;", "using namespace")

    def test_length(self):
        longest = "\n" * tree_rules.LINES_MAX
        self.assert_tidy({"slab/a.cc": longest, "tests/slab/data.json": longest + "\n"})
        for path in ("slab/a.cc", "tests/slab/a.py", "scripts/a"):
            with self.subTest(path=path):
                self.assert_found({path: longest + "\n"}, path, 0, "701 lines")

    def test_unfinished(self):
        for word in ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK"):
            for path in ("slab/a.cc", "slab/README.md", "scripts/a"):
                with self.subTest(word=word, path=path):
                    self.assert_line_found(path, f"# {word}(me): later", word)

    def test_readmes(self):
        self.assert_found({"tests/engine/a.cc": ""}, "tests/engine", 0, "README.md")

    def test_claims(self):
        heading = "# larder\n\n| it has | tested by |\n|---|---|\n| gets | `store_test` |\n"
        tests = {"tests/slab/CMakeLists.txt": "larder_test(NAME store_test SOURCES a.cc)\n",
                 "tests/conformance/CMakeLists.txt": "client_test(dalli PROGRAM ruby a.rb)\n"}
        tidy = tests | {"README.md": heading + "| clients | `client_dalli`, `store_test` |\n"}
        self.assertEqual(broken(tidy), [])
        for row, text in (("| sets | none |", "no test is named"),
                          ("| sets | `lost_test` |", "there is no test lost_test"),
                          ("| clients | `dalli` |", "there is no test dalli")):
            with self.subTest(row=row):
                self.assert_found(tests | {"README.md": f"{heading}{row}\n"}, "README.md", 6, text)

    def test_top_level(self):
        self.assert_found({"docs/a.md": ""}, "docs", 0, "top level")
        self.assert_found({"notes.txt": ""}, "notes.txt", 0, "top level")


class EveryRuleIsTested(unittest.TestCase):

    def test_each_rule_has_a_test_of_its_name(self):
        for rule in tree_rules.RULES:
            test = rule.__name__.replace("check_", "test_")
            self.assertTrue(hasattr(TreeRulesTest, test), test)


if __name__ == "__main__":
    unittest.main()
