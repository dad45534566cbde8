"""Every fault that the generator injects is found at its place, and nothing else but its documented consequences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ckit_daemon.core.snapshot import Snapshot
from ckit_daemon.core.validation import validate

if TYPE_CHECKING:
    from ckit_daemon.core.document import Finding

SHARED = Path(__file__).parents[3] / "shared"
GENERATOR = SHARED / "tools" / "gen_repo.py"
TEMPLATE = SHARED / "reference" / "context-repo"

CODES = {
    ("dangling-checked", None): "reference.unresolved",
    ("dangling-unchecked", None): "reference.unresolved",
    ("schema", "enum"): "schema.enum",
    ("schema", "required"): "schema.required",
    ("schema", "type"): "schema.type",
    ("schema", "format"): "schema.format",
    ("schema", "pattern"): "schema.pattern",
    ("schema", "item-type"): "schema.type",
    ("duplicate-id", None): "entity.duplicate-id",
    ("cycle", None): "cycle.dependency",
    ("parse", "unclosed flow sequence"): "yaml.syntax",
    ("parse", "duplicate map key (YAML 1.2 error; PyYAML takes the last)"): "yaml.duplicate-key",
    ("compliance", None): "constitution.violation",
    ("backref-mismatch", None): "reference.disagrees",
}
OF_THE_TEMPLATE = ("rule.dead", "template.unknown-field")
"""The rules and templates that the generator copies have dead parts of their own."""

Load = Callable[[Path], Snapshot]

pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason="the generator of test repositories is not here")


def generate(out: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(GENERATOR), str(out), "--template", str(TEMPLATE), *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def expected_line(fault: dict[str, Any], lines: list[str]) -> int:
    """The line that a reader would point at."""
    field = (fault["field"] or "").rpartition(".")[2]
    if fault["kind"] == "parse":
        # Both damages are appended: the second `title`, or the bracket that nothing closes.
        return len(lines) - 1
    if fault["kind"] in {"dangling-checked", "dangling-unchecked", "backref-mismatch"}:
        return next(number for number, line in enumerate(lines) if fault["ref"] in line)
    if fault["detail"] == "item-type":
        return lines.index("  - 7")
    if fault["detail"] == "required" or fault["kind"] == "compliance":
        # What is missing is shown at the first key of the mapping that lacks it.
        return 0
    return next(number for number, line in enumerate(lines) if line.strip().startswith(f"{field}:"))


@pytest.mark.parametrize(("features", "faults", "seed"), [(40, 40, 7), (120, 90, 11)])
def test_every_injected_fault_is_found_with_code_file_and_line_and_nothing_else(
    load_folder: Load, tmp_path: Path, features: int, faults: int, seed: int
) -> None:
    manifest = generate(tmp_path / "r", "--features", str(features), "--faults", str(faults), "--seed", str(seed))
    assert {fault["kind"] for fault in manifest["faults"]} == {kind for kind, _ in CODES}
    report = validate(load_folder(tmp_path / "r"))
    remaining = [finding for finding in report.findings if finding.code not in OF_THE_TEMPLATE]

    for fault in manifest["faults"]:
        code = CODES.get((fault["kind"], fault["detail"])) or CODES[fault["kind"], None]
        if fault["kind"] == "cycle":
            found = [one for one in remaining if one.code == code and ring_of(one) == set(fault["cycle"])]
        else:
            lines = (tmp_path / "r" / fault["file"]).read_text(encoding="utf-8").splitlines()
            line = expected_line(fault, lines)
            found = [
                one
                for one in remaining
                if (one.code, one.location.path, one.location.range.start.line) == (code, fault["file"], line)
            ]
        assert len(found) == 1, fault
        # A ring has no beginning of its own: it is reported at the service whose file comes first.
        assert found[0].entity == (min(fault["cycle"]) if fault["kind"] == "cycle" else fault["entity"])
        remaining.remove(found[0])
    # An injected dependency may close longer rings, too, together with dependencies that were there before.
    injected = {
        (one, other)
        for fault in manifest["faults"]
        if fault["kind"] == "cycle"
        for one, other in zip(fault["cycle"], [*fault["cycle"][1:], *fault["cycle"][:1]], strict=True)
    }
    assert all(one.code == "cycle.dependency" and edges_of(one) & injected for one in remaining), remaining


def edges_of(finding: Finding) -> set[tuple[str, str]]:
    ids = [Path(finding.location.path).stem, *(Path(related.location.path).stem for related in finding.related)]
    return set(zip(ids, [*ids[1:], *ids[:1]], strict=True))


def ring_of(finding: Finding) -> set[str]:
    stems = [finding.location.path, *(related.location.path for related in finding.related)]
    return {Path(stem).stem for stem in stems}


def test_a_generated_repository_without_faults_has_no_finding_of_its_own(load_folder: Load, tmp_path: Path) -> None:
    generate(tmp_path / "r", "--features", "30")
    report = validate(load_folder(tmp_path / "r"))
    assert {finding.code for finding in report.findings} == set(OF_THE_TEMPLATE)
    assert report.ok


def test_the_reference_repository_has_two_disagreements_and_the_dead_parts_of_its_rules_and_templates(
    load_folder: Load,
) -> None:
    report = validate(load_folder(TEMPLATE))
    counted = Counter(finding.code for finding in report.findings)
    assert {code: number for code, number in counted.items() if code not in OF_THE_TEMPLATE} == {
        # FEAT-001 lists T-003, which names no feature; FEAT-002 lists US-002, which names FEAT-001.
        "reference.not-listed": 1,
        "reference.disagrees": 1,
    }
    assert report.ok
