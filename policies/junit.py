"""
The results of a policy's tests as JUnit XML, which build servers show beside those of the code.

There is no standard; this is what Jenkins, GitLab and GitHub reporters read: testsuites > testsuite > testcase, with a
`failure` where a case failed. One suite for each test file. Times are left out: the clock of a case is its own, and the
same results give the same bytes.
source: https://github.com/testmoapp/junitxml, read 2026-11-21.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import PurePosixPath
from xml.etree import ElementTree as xml

from policies.casebook import CaseReport, CaseResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: CaseReport) -> str:
    """A whole document, ending in a line break."""
    top = xml.Element("testsuites", {"name": f"policy {report.policy.revision}", **_counts(report.results)})
    for file, results in groupby(report.results, key=lambda result: result.file):
        found = tuple(results)
        suite = xml.SubElement(top, "testsuite", {"name": file, **_counts(found)})
        for result in found:
            _case(suite, result)
    xml.indent(top)
    return xml.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: xml.Element, result: CaseResult) -> None:
    told = {
        "classname": _class(result.file),
        "name": _sound(result.name),
        "file": result.file,
        "line": str(result.line),
    }
    case = xml.SubElement(suite, "testcase", told)
    if not result.passed:
        failure = xml.SubElement(case, "failure", type="decision", message=_sound("; ".join(result.differences)))
        failure.text = _sound(str(result))


def _counts(results: tuple[CaseResult, ...]) -> dict[str, str]:
    failed = sum(not result.passed for result in results)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0", "skipped": "0"}


def _class(file: str) -> str:
    """`triggers/vip.test.yml` → `triggers.vip`: reports group by it."""
    return ".".join(PurePosixPath(file.removesuffix(".test.yml")).parts)


def _sound(text: str) -> str:
    """Without the characters no XML may hold (XML 1.0, section 2.2): one in a test must not break the whole report."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
