"""The client-credentials token: fetched once, kept, renewed, never shown."""

from __future__ import annotations

import json
import threading

import pytest
import requests
import responses

from connectors.errors import Unauthorized, Unavailable
from connectors.http import HardenedSession
from connectors.oauth import ClientCredentials, Token, fetch_token


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
