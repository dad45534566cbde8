"""Writes the generated part of the protocol reference: schemas, types, golden messages and blocks of the pages.

Usage:
    python protocol/generate.py            write what has changed
    python protocol/generate.py --check    write nothing; exit with 1 where a file is not what the code says
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.contract import index_file, schema_files
from tools.golden import golden_files
from tools.reference import pages
from tools.typescript import package_file, types_file

from ckit_daemon.wire.methods import METHODS
from ckit_daemon.wire.schema import schema_hash

HERE = Path(__file__).resolve().parent
COMMAND = "python protocol/generate.py"
PAGES = ("README.md", "REFERENCE.md")
"""Pages with blocks that are generated."""
OWNED = ("schema", "ts", "golden")
"""Folders in which every file is generated."""

CONTRACT_FILE = '''\
"""What initialize says about the contract; generated, because the models would double the time to start."""

from __future__ import annotations

from ckit_daemon.wire.summary import MethodSummary

SCHEMA_HASH = "{hash}"
METHODS: tuple[MethodSummary, ...] = (
{rows}
)
'''


def expected_files() -> dict[Path, str]:
    """Return the text of every generated file by path; spawns daemons to record the golden messages."""
    golden = golden_files()
    files = schema_files() | golden
    files["ts/index.d.ts"] = types_file()
    files["ts/package.json"] = package_file()
    files["index.json"] = index_file()
    files |= pages({name: (HERE / name).read_text("utf-8") for name in PAGES}, golden)
    texts = {HERE / name: text for name, text in files.items()}
    texts[HERE.parent / "ckit_daemon" / "wire" / "contract.py"] = contract_file()
    return texts


def contract_file() -> str:
    """Return the text of the module that initialize answers from."""
    rows = [[m.name, m.kind, m.direction, m.stability, m.feature] for m in METHODS]
    calls = [", ".join("None" if value is None else f'"{value}"' for value in row) for row in rows]
    return CONTRACT_FILE.format(hash=schema_hash(), rows="\n".join(f"    MethodSummary({call})," for call in calls))


def main() -> int:
    """Write or check the files; return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the protocol reference.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a file is out of date")
    check: bool = parser.parse_args().check
    expected = expected_files()
    changed = [path for path, text in expected.items() if not path.is_file() or path.read_bytes() != text.encode()]
    stale = [
        path
        for folder in OWNED
        for path in sorted((HERE / folder).rglob("*"))
        if path.is_file() and path not in expected and "node_modules" not in path.parts
    ]
    if check:
        for path in changed + stale:
            sys.stderr.write(f"out of date: {path.relative_to(HERE.parent).as_posix()}\n")
        if changed or stale:
            sys.stderr.write(f"The code and the protocol reference differ. Mend it with: {COMMAND}\n")
        return int(bool(changed or stale))
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(expected[path].encode())
    for path in stale:
        path.unlink()
    sys.stdout.write(f"{len(changed)} of {len(expected)} files written, {len(stale)} removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
