"""The client-credentials token: fetched once, kept, renewed, never shown."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest
import requests
import responses

from connectors.errors import Unauthorized, Unavailable
from connectors.http import HardenedSession
from connectors.oauth import ClientCredentials, MemoryTokens, Token, fetch_token, token_name
from connectors.ports import HelpdeskAccount


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Issuer:
    """Gives out t1, t2, … and counts."""

    def __init__(self, lives=600.0):
        self.given = 0
        self.lives = lives

    def __call__(self):
        self.given += 1
        return Token(f"t{self.given}", self.lives)


def bearer(auth):
    return auth(requests.Request("GET", "http://desk.example/").prepare()).headers["Authorization"]


def test_a_token_is_fetched_once_and_kept():
    issuer = Issuer()
    auth = ClientCredentials(issuer)

    told = [bearer(auth), bearer(auth)]

    assert told == ["Bearer t1", "Bearer t1"]
    assert issuer.given == 1


def test_a_token_is_fetched_anew_shortly_before_it_ends():
    clock = Clock()
    auth = ClientCredentials(Issuer(lives=600), clock)
    bearer(auth)

    clock.now = 539
    early = bearer(auth)
    clock.now = 540
    late = bearer(auth)

    assert (early, late) == ("Bearer t1", "Bearer t2")


def test_a_token_that_lives_less_than_a_minute_is_still_used_for_half_its_life():
    clock = Clock()
    auth = ClientCredentials(Issuer(lives=20), clock)
    bearer(auth)

    clock.now = 9
    assert bearer(auth) == "Bearer t1"


def test_only_the_refused_token_is_forgotten():
    auth = ClientCredentials(Issuer())
    old = auth(requests.Request("GET", "http://desk.example/").prepare())

    auth.renew(old)
    newer = bearer(auth)
    auth.renew(old)  # another thread's 401 for the same old token

    assert (newer, bearer(auth)) == ("Bearer t2", "Bearer t2")


def test_threads_that_start_together_fetch_one_token():
    issuer = Issuer()
    auth = ClientCredentials(issuer)
    threads = [threading.Thread(target=bearer, args=(auth,)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert issuer.given == 1


class Canned(HardenedSession):
    """A session whose one answer is given."""

    def __init__(self, status, body):
        super().__init__("Desk", "http://desk.example")
        self._canned = (status, body)

    def call(self, *args, **kwargs):
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            mock.post("http://desk.example/oauth/tokens", status=self._canned[0], body=json.dumps(self._canned[1]))
            return super().call(*args, **kwargs)


@pytest.mark.parametrize("status", [400, 401, 403, 422])
def test_a_refused_client_is_unauthorized(status):
    with pytest.raises(Unauthorized, match="check the OAuth client"):
        fetch_token(Canned(status, {"error": "invalid_client"}), "/oauth/tokens", json={"client_secret": "x"})


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": 5}, {"access_token": "a\r\nb"}, []])
def test_an_answer_without_a_token_is_unavailable(body):
    with pytest.raises(Unavailable, match="without an access token"):
        fetch_token(Canned(200, body), "/oauth/tokens", json={})


def test_an_issued_token_is_read_with_its_life_and_never_shown():
    token = fetch_token(Canned(200, {"access_token": "hush", "expires_in": 7200}), "/oauth/tokens", json={})

    assert (token.value, token.lives) == ("hush", 7200)
    assert "hush" not in repr(token)


# One pair for several processes


class Rotating:
    """A system that gives pairs; a refresh token works once, and its use ends the pair it came with."""

    def __init__(self):
        self.asked = []
        self.live = None

    def fetch(self):
        self.asked.append("client")
        return self._pair()

    def refresh(self, old):
        self.asked.append(old)
        if old != self.live:
            raise Unauthorized("Desk", "the refresh token is spent")
        return self._pair()

    def _pair(self):
        self.live = f"r{len(self.asked)}"
        return Token(f"t{len(self.asked)}", 600.0, self.live)


def shared(system, store, clock):
    return ClientCredentials(system.fetch, clock, refresh=system.refresh, store=store, name="desk")


def test_a_second_process_takes_the_stored_pair_and_one_of_them_renews_it():
    system, store, clock = Rotating(), MemoryTokens(), Clock()
    one, other = shared(system, store, clock), shared(system, store, clock)
    first = [bearer(one), bearer(other)]

    clock.now = 590.0
    later = [bearer(other), bearer(one)]

    assert (first, later) == (["Bearer t1"] * 2, ["Bearer t2"] * 2)
    assert system.asked == ["client", "r1"]


def test_a_refresh_whose_answer_was_lost_begins_anew_with_the_clients_own_credential():
    system, store, clock = Rotating(), MemoryTokens(), Clock()
    auth = shared(system, store, clock)
    bearer(auth)
    system.live = "a pair nobody received"

    clock.now = 590.0
    told = bearer(auth)

    assert told == "Bearer t3"
    assert system.asked == ["client", "r1", "client"]


def test_the_pair_is_stored_before_it_is_used():
    system, clock = Rotating(), Clock()

    class Forgetful(MemoryTokens):
        def save(self, name, token, lease):
            return False

    with pytest.raises(Unavailable, match="somebody else fetches one"):
        bearer(shared(system, Forgetful(), clock))


def test_a_failed_renewal_gives_the_lease_back():
    store = MemoryTokens()

    def away():
        raise Unavailable("Desk", "never reached")

    with pytest.raises(Unavailable, match="never reached"):
        bearer(ClientCredentials(away, store=store, name="desk"))

    assert store.lease("desk", 10) is not None


def test_a_token_that_was_refused_is_not_taken_from_the_store_again():
    system, store, clock = Rotating(), MemoryTokens(), Clock()
    auth = shared(system, store, clock)
    request = auth(requests.Request("GET", "http://desk.example/").prepare())

    auth.renew(request)

    assert bearer(auth) == "Bearer t2"


def test_another_client_or_address_has_a_token_of_its_own():
    account = HelpdeskAccount("desk", "zendesk", "https://a.example", {"client_id": "one", "client_secret": "s3cret"})
    others = [replace(account, base_url="https://b.example"), replace(account, credentials={"client_id": "two"})]

    names = {token_name(a) for a in (account, *others)}

    assert len(names) == 3
    assert all(len(name) <= 100 and "s3cret" not in name for name in names)
