"""Cut connections: a short seeded run over every hop, and proof that it notices broken delivery."""

import random
from dataclasses import replace

import pytest

from gateway.delivery import send
from gateway.delivery.attempt import next_step
from gateway.torture.cuts import DATABASE, HELPDESK, REDIS, STATUS, VENDOR, _measured, _run, torture_cuts, wired_bench
from gateway.torture.proxy import Cut, Direction
from gateway.torture.scratch import scratch_database
from gateway.torture.tally import Tally

SEED = 20261121


@pytest.fixture(scope="module")
def wired(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wired")
    with (
        scratch_database(None, folder) as scratch,
        wired_bench("freshdesk", scratch.url, scratch.empty, folder / "var") as one,
    ):
        yield one


def test_a_seeded_choice_of_cuts_on_every_hop_leaves_exactly_one_whole_ticket(wired):
    tally = Tally("cuts", SEED)

    torture_cuts(wired, tally, "freshdesk", chance=random.Random(SEED), most=3)

    assert (tally.cases, tally.accepted) == (12, 12)
    assert tally.findings == []
    assert tally.is_clean


@pytest.mark.postgres
def test_a_seeded_choice_of_cuts_of_the_database_leaves_exactly_one_whole_ticket(postgres_server, tmp_path):
    tally = Tally("cuts", SEED)

    with (
        scratch_database(postgres_server, tmp_path) as scratch,
        wired_bench("zendesk", scratch.url, scratch.empty, tmp_path / "var") as one,
    ):
        assert DATABASE in one.hops
        torture_cuts(one, tally, "zendesk", chance=random.Random(SEED), most=1)

    assert tally.findings == []
    assert tally.is_clean


def test_without_a_cut_bytes_pass_over_every_hop(wired):
    places = _measured(wired)

    assert {hop for hop, found in places.items() if found} == {VENDOR, HELPDESK, STATUS, REDIS}


def test_sending_again_blindly_after_a_cut_answer_is_noticed_as_doubled(wired, monkeypatch):
    monkeypatch.setattr(
        send, "next_step", lambda delivery, can, now: next_step(replace(delivery, unsure=False), can, now)
    )

    verdict = _run(wired, HELPDESK, Cut(1, Direction.ANSWERING, 0))

    assert "2 tickets" in verdict.doubled
