"""check_tree.py ROOT: prints what breaks the rules of the tree; exit 1 where anything does."""

import pathlib
import sys

import tree_rules


def main() -> int:
    found = tree_rules.violations(pathlib.Path(sys.argv[1]))
    for violation in found:
        print(violation)
    print(f"{len(tree_rules.RULES)} rules, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
