"""What customers say of a kind: the examples the phrase packs of a policy carry, for people and for test cases."""

from __future__ import annotations

from policies.model import PolicySet
from policies.yamlfile import read_yaml


def said_of(label: str, language: str, policy: PolicySet) -> list[str]:
    """Sentences that must fire for the label in one language, of rules that are switched on; shortest first."""
    for name, text in policy.files.items():
        file, _ = read_yaml(name, text) if name.startswith("phrases/") else (None, [])
        if file and file.value["pack"] == language:
            rules = [r for r in file.value["rules"] if r["label"] == label and r.get("enabled", True)]
            return sorted((said for rule in rules for said in rule["tests"]["fire"]), key=len)
    return []
