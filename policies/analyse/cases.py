"""What the tests of a policy leave open: a case that would pass for the wrong reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from policies.analyse.finding import Finding, Severity
from policies.yamlfile import read_yaml


def unpinned(tests: Mapping[str, str]) -> Iterator[Finding]:
    """Cases that expect something, whichever rule brings it. A file that cannot be read is told elsewhere."""
    for name, text in tests.items():
        file, _ = read_yaml(name, text)
        cases = file.value.get("cases") if isinstance(file.value, Mapping) else None
        for i, case in enumerate(cases if isinstance(cases, list) else ()):
            expect = case.get("expect") if isinstance(case, Mapping) else None
            if isinstance(expect, Mapping) and expect and not {"because", "fired"} & expect.keys():
                yield Finding(
                    "unpinned-case",
                    Severity.WARNING,
                    name,
                    file.line(("cases", i, "expect")),
                    f"case '{case.get('name')}' does not say because of which rule",
                    "add because: and the id of the rule that must decide",
                )
