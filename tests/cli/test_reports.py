from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from ckit_daemon.cli.reports import to_github, to_junit, to_sarif
from ckit_daemon.wire.common import Finding, Location, Position, Range, Related, SeverityName


def finding(
    message: str = "Broken",
    severity: SeverityName = "error",
    path: str = "contexts/features/a b.yaml",
    start: tuple[int, int] = (2, 4),
    end: tuple[int, int] = (2, 9),
    related: list[Related] | None = None,
) -> Finding:
    place = Range(start=Position(line=start[0], character=start[1]), end=Position(line=end[0], character=end[1]))
    return Finding(
        code="schema.enum",
        severity=severity,
        message=message,
        location=Location(path=path, range=place),
        related=related or [],
    )


def test_sarif_has_what_its_schema_requires() -> None:
    log = json.loads(to_sarif([finding()], ""))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert run["tool"]["driver"]["name"] == "ckit"
    assert run["tool"]["driver"]["rules"] == [{"id": "schema.enum"}]
    (result,) = run["results"]
    assert result["message"] == {"text": "Broken"}
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_counts_lines_and_columns_from_one_and_encodes_paths() -> None:
    (result,) = json.loads(to_sarif([finding()], "docs/"))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "docs/contexts/features/a%20b.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 10},
    }


@pytest.mark.parametrize(
    ("severity", "level", "command"),
    [
        ("error", "error", "error"),
        ("warning", "warning", "warning"),
        ("information", "note", "notice"),
        ("hint", "note", "notice"),
    ],
)
def test_severities_become_the_levels_of_the_format(severity: SeverityName, level: str, command: str) -> None:
    item = finding(severity=severity)
    assert json.loads(to_sarif([item], ""))["runs"][0]["results"][0]["level"] == level
    assert to_github([item], "").startswith(f"::{command} ")


def test_sarif_tells_related_places() -> None:
    related = Related(location=finding().location, message="first claimed here")
    (result,) = json.loads(to_sarif([finding(related=[related])], ""))["runs"][0]["results"]
    assert result["relatedLocations"][0]["message"] == {"text": "first claimed here"}


def test_a_report_without_findings_is_still_a_report() -> None:
    assert json.loads(to_sarif([], ""))["runs"][0]["results"] == []
    assert to_github([], "") == ""
    root = ET.fromstring(to_junit([], "", {"error"}))
    assert root.get("failures") == "0"
    assert len(root.findall("testsuite/testcase")) == 1


def test_github_messages_cannot_begin_a_command_of_their_own() -> None:
    text = to_github([finding("100%\n::error::forged", path="a,b:c.yaml")], "")
    assert text.count("\n") == 1
    assert "file=a%2Cb%3Ac.yaml," in text
    assert text.endswith("::100%25%0A::error::forged\n")


def test_github_leaves_columns_out_of_findings_over_several_lines() -> None:
    assert "col=5,endColumn=10" in to_github([finding()], "")
    assert "col=" not in to_github([finding(end=(4, 1))], "")


def test_junit_fails_a_file_on_what_counts_and_prints_the_rest() -> None:
    items = [finding("bad <&>"), finding("meh", "hint"), finding("so so", "warning", "z.yaml")]
    root = ET.fromstring(to_junit(items, "docs/", {"error"}))
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    broken, passing = root.findall("testsuite/testcase")
    failure = broken.find("failure")
    assert failure is not None
    assert failure.get("message") == "bad <&>"
    assert (failure.text or "").startswith("docs/contexts/features/a b.yaml:3:5: error: bad <&>")
    assert "meh" in (broken.findtext("system-out") or "")
    assert passing.find("failure") is None


def test_junit_is_xml_whatever_a_message_holds() -> None:
    root = ET.fromstring(to_junit([finding("nul \x00 bell \x07")], "", {"error"}))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "nul \ufffd bell \ufffd"
