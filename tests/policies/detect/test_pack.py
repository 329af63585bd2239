import pytest

from policies.detect.read import read_pack
from policies.load import policy_from_files
from policies.problems import PolicyErrors
from policies.schema import PackSchema, check
from policies.yamlfile import read_yaml

PACK = """\
pack: en
lists:
  human: [agent, manager]
guards:
  negated: {before: ["not {filler:0-2}"], unless: ["not just"]}
rules:
  - id: ask
    label: explicit_request
    any: ["{human}"]
    unless: [negated]
    not_near: [travel agent]
    tests:
      fire: [an agent please]
      quiet: [not an agent]
"""


def problems(text):
    file, wrong = read_yaml("phrases/en.yml", text)
    data, unfit = check(PackSchema(), file)
    return [str(p) for p in (*wrong, *unfit, *(read_pack(file)[1] if data else ()))]


def test_a_sound_pack_is_read():
    assert problems(PACK) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("fire: [an agent please]", "fire: [a person please]", 13, "rule 'ask' does not fire on its example"),
        ("fire: [an agent please]", "fire: [not an agent]", 13, "does not fire on its example (negated)"),
        ("quiet: [not an agent]", "quiet: [the agent]", 14, "rule 'ask' fires on its example"),
        ("quiet: [not an agent]", "quiet: []", 14, "'quiet' is empty"),
        ('any: ["{human}"]', 'any: ["{humans}"]', 9, "there is no list 'humans'"),
        ("unless: [negated]", "unless: [negatd]", 10, "unknown guard 'negatd'\n    did you mean 'negated'?"),
        ("not_near:", "not_neer:", 11, "unknown key 'not_neer'\n    did you mean 'not_near'?"),
        ('before: ["not', 'before: ["(not', 5, "a bracket is not closed"),
        ("label: explicit_request", "label: 3", 8, "'label' must be text"),
    ],
)
def test_a_pack_that_does_not_prove_itself_is_refused_with_the_line(old, new, line, expected):
    (told,) = problems(PACK.replace(old, new))

    assert told.startswith(f"phrases/en.yml:{line}: ")
    assert expected in told


def test_a_sentence_that_must_leave_all_quiet_does():
    (told,) = problems(PACK + "quiet: [hello, an agent]\n")

    assert told == "phrases/en.yml:15: rule 'ask' fires on a sentence that should leave all quiet"


def test_a_broken_pack_does_not_blame_the_rules_that_use_its_labels(files, rule):
    broken = PACK.replace("[an agent please]", "[a person please]")

    with pytest.raises(PolicyErrors) as wrong:
        policy_from_files(files({"phrases/en.yml": broken, "r.yml": rule(when="{topic: explicit_request}")}))

    assert [problem.file for problem in wrong.value.problems] == ["phrases/en.yml"]


def test_two_packs_of_one_language_are_refused(files):
    with pytest.raises(PolicyErrors, match="there is another pack 'en'"):
        policy_from_files(files({"phrases/extra.yml": PACK}))
