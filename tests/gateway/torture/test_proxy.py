"""The proxy that cuts: what passes, what does not, and where a cut is worth making."""

import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from gateway.torture.cuts import HELPDESK, REDIS, all_cuts, interesting, postgres_target
from gateway.torture.proxy import Cut, Direction, Flow, Traffic, proxy


@contextmanager
def parrot():
    """Says back, once, whatever it is told in one connection after the other; `heard` has it all."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            while True:
                try:
                    one, _ = listener.accept()
                except OSError:
                    return
                with one, suppress(OSError):
                    while piece := one.recv(1024):
                        heard.append(piece)
                        one.sendall(piece)

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname(), heard
        listener.shutdown(socket.SHUT_RDWR)


def ask(port, words):
    """Everything that comes back until the connection ends, however it ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as one:
        one.sendall(words)
        got = b""
        with suppress(OSError):
            one.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            while piece := one.recv(1024):
                got += piece
        return got


def test_without_a_cut_everything_passes_and_is_counted():
    with parrot() as (target, _), proxy(target) as hop:
        answer = ask(hop.port, b"hello")

        assert answer == b"hello"
        assert [(one.asking.total, one.answering.total) for one in hop.traffic] == [(5, 5)]
        assert hop.traffic[0].asking.head == b"hello"
        assert not hop.was_cut


def test_a_cut_of_the_question_lets_only_so_many_bytes_arrive():
    with parrot() as (target, heard), proxy(target) as hop:
        hop.begin(Cut(1, Direction.ASKING, 2))

        ask(hop.port, b"hello")

        assert hop.was_cut
        assert b"he".startswith(b"".join(heard))


def test_a_cut_of_the_answer_lets_the_whole_question_arrive():
    with parrot() as (target, heard), proxy(target) as hop:
        hop.begin(Cut(1, Direction.ANSWERING, 3))

        answer = ask(hop.port, b"hello")

        assert hop.was_cut
        assert b"".join(heard) == b"hello"
        assert b"hel".startswith(answer)


def test_only_the_connection_that_is_meant_is_cut():
    with parrot() as (target, _), proxy(target) as hop:
        hop.begin(Cut(2, Direction.ASKING, 0))

        answers = [ask(hop.port, b"hello") for _ in range(3)]

        assert answers == [b"hello", b"", b"hello"]


def test_an_http_call_is_cut_around_its_headers_and_its_body():
    head = b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"

    assert interesting(Flow([len(head) + 100], head), is_http=True) == [0, 1, 28, 78, 127]


def test_a_conversation_of_messages_is_cut_around_each_of_them():
    assert interesting(Flow([10, 30], b""), is_http=False) == [0, 1, 5, 10, 11, 20]


@pytest.mark.parametrize("is_http", [True, False])
def test_where_nothing_passed_there_is_nothing_to_cut(is_http):
    assert interesting(Flow(), is_http=is_http) == []


def test_every_connection_is_cut_in_both_directions():
    traffic = [Traffic(Flow([2], b"ab"), Flow([1], b"a")), Traffic(Flow([1], b"a"), Flow())]

    places = [(cut.connection, cut.direction.value, cut.after) for _, cut in all_cuts(REDIS, traffic)]

    assert places == [(1, "asking", 0), (1, "asking", 1), (1, "answering", 0), (2, "asking", 0)]
    assert all_cuts(HELPDESK, []) == []


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("postgresql+psycopg://u:p@db.example:6432/x", ("db.example", 6432)),
        ("postgresql+psycopg://u@db.example/x", ("db.example", 5432)),
        ("postgresql+psycopg://u:@/x?host=/tmp/pg", "/tmp/pg/.s.PGSQL.5432"),
    ],
)
def test_a_proxy_finds_the_way_to_postgresql(address, target):
    assert postgres_target(address) == target
