"""A comparison as JUnit XML: a test case for each case, a failure for each that is worse.

The elements and attributes are those of Jenkins' junit-4.xsd, which GitLab reads as well:
testsuites (name, tests, failures, errors), testsuite (skipped too), testcase (classname, name,
time), failure (message, type), and skipped, which has text but no attributes.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from harness.comparison.as_text import change, headline, ratio_text, remarks
from harness.comparison.verdicts import UNDECIDED, WORSE, CaseVerdict, RunComparison

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(comparison: RunComparison) -> bytes:
    """The whole document, in UTF-8."""
    failing = {*WORSE, *UNDECIDED} if comparison.strict else {*WORSE}
    passing = {*UNDECIDED, "skipped"}
    failed = [case for case in comparison.cases if case.word in failing]
    skipped = [case for case in comparison.cases if case.word in passing and case not in failed]
    counts = {
        "name": "ferrybench",
        "tests": str(len(comparison.cases)),
        "failures": str(len(failed)),
        "errors": "0",
    }
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", {**counts, "skipped": str(len(skipped))})
    for case in comparison.cases:
        kind = "failure" if case in failed else "skipped" if case in skipped else ""
        suite.append(_test(case, kind))
    said = ET.SubElement(suite, "system-out")
    said.text = _clean("\n".join((headline(comparison), *remarks(comparison))))
    ET.indent(suites)
    document: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return document


def _test(case: CaseVerdict, kind: str) -> ET.Element:
    scenario, _, rest = case.key.partition("/")
    test = ET.Element("testcase", {"classname": _clean(scenario), "name": _clean(rest)})
    time = next((one for one in case.findings if one.what == "time"), None)
    if time is not None and time.candidate is not None:
        test.set("time", f"{time.candidate:.9f}")
    if kind:
        finding = case.shown
        message = " ".join(filter(None, (change(finding), ratio_text(finding), finding.reason)))
        if kind == "skipped":
            ET.SubElement(test, kind).text = _clean(f"{case.word}: {message}")
        else:
            ET.SubElement(test, kind, {"message": _clean(message), "type": case.word})
    return test


def _clean(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
