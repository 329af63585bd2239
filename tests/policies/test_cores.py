"""The same verdicts in the same order, however many processes judge."""

import json

import pytest

from policies import cores
from policies.cores import judged
from policies.corpus import CorpusError, Line


def entry(number, text="an agent please"):
    turns = [{"role": "customer", "text": f"{text} {number}"}]
    return Line(f"x.jsonl:{number}", json.dumps({"id": f"d-{number}", "turns": turns}).encode())


@pytest.fixture
def asking(policy, rule):
    return policy({"ask.yml": rule("ask", "{customer_asked_for: human}")})


def test_two_processes_give_what_one_gives_in_the_order_of_the_corpus(asking):
    corpus = [entry(n) for n in range(180)]

    alone = list(judged(corpus, (asking,), jobs=1))
    shared = list(judged(corpus, (asking,), jobs=2))

    assert shared == alone
    assert [verdict.conversation for _, (verdict,) in shared] == [f"d-{n}" for n in range(180)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_stands_before_a_wrong_line_is_judged_and_then_the_line_is_named(asking, jobs):
    corpus = [entry(1), entry(2), Line("x.jsonl:3", b"{}"), entry(4)]
    found = judged(corpus, (asking,), jobs=jobs)

    assert [next(found)[1][0].conversation, next(found)[1][0].conversation] == ["d-1", "d-2"]
    with pytest.raises(CorpusError, match=r"x\.jsonl:3"):
        next(found)


def test_the_corpus_is_read_only_a_little_ahead_of_the_verdicts(asking, monkeypatch):
    monkeypatch.setattr(cores, "CHUNK", 2)
    taken = []

    def corpus():
        for n in range(1_000):
            taken.append(n)
            yield entry(n)

    ahead = judged(corpus(), (asking,), jobs=2)
    next(ahead)
    ahead.close()

    assert len(taken) <= 2 * 2 * cores.AHEAD


def test_each_of_several_policies_gives_its_verdict(asking, policy, rule):
    other = policy({"law.yml": rule("law", "{topic: legal}")})

    ((_, (first, second)),) = judged([entry(1)], (asking, other), jobs=1)

    assert first.first.rules == ("ask",)
    assert second.first is None
