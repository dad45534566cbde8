"""JUnit XML, which most CI services show as tests."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ckit_daemon.wire.common import Finding

_NOT_XML: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def to_junit(findings: Sequence[Finding], prefix: str, failing: Collection[str]) -> str:
    """Write a test per file with findings; those of a severity in `failing` fail it, the others are its output."""
    suite = ET.Element("testsuite", name="ckit validate")
    tests = failures = 0
    for path, group in groupby(findings, key=lambda finding: finding.location.path):
        case = ET.SubElement(suite, "testcase", classname="ckit", name=prefix + path, file=prefix + path)
        lines = list(group)
        broken = [finding for finding in lines if finding.severity in failing]
        tests += 1
        if broken:
            failures += 1
            message = _clean(broken[0].message)
            failure = ET.SubElement(case, "failure", type=broken[0].code, message=message)
            failure.text = "\n".join(_line(finding, prefix) for finding in broken)
        if len(broken) < len(lines):
            others = (_line(finding, prefix) for finding in lines if finding.severity not in failing)
            ET.SubElement(case, "system-out").text = "\n".join(others)
    if not tests:
        tests = 1
        ET.SubElement(suite, "testcase", classname="ckit", name="no findings")
    numbers = {"tests": str(tests), "failures": str(failures), "errors": "0", "skipped": "0"}
    suite.attrib.update(numbers)
    root = ET.Element("testsuites", {"name": "ckit", **numbers})
    root.append(suite)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _line(finding: Finding, prefix: str) -> str:
    start = finding.location.range.start
    where = f"{prefix}{finding.location.path}:{start.line + 1}:{start.character + 1}"
    return _clean(f"{where}: {finding.severity}: {finding.message} [{finding.code}]")


def _clean(text: str) -> str:
    # XML 1.0 can't hold control characters even when they are escaped (section 2.2).
    return _NOT_XML.sub("\ufffd", text)
