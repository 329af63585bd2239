"""RQ as the bell: only our functions run, a lost bell is rung again, a deep queue is not made deeper."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from gateway.db.work import Work
from gateway.jobs import environment
from gateway.jobs.bell import Bell, bell_redis, queue
from gateway.jobs.queues import ALLOWED_FUNCTIONS, DELIVERY, HIGH_WATER, JOBS
from gateway.jobs.relay import Relay
from gateway.jobs.safe_job import RefusedJob, SafeJob
from gateway.traffic.admit import Seen, after


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'baton.sqlite3'}"


@pytest.fixture
def connection(redis_url):
    return Redis.from_url(redis_url)


def run_all(connection):
    worker = SimpleWorker(
        [queue(DELIVERY, connection)], connection=connection, serializer=JSONSerializer, job_class=SafeJob
    )
    worker.work(burst=True, logging_level="ERROR")


def test_every_kind_of_work_names_a_function_that_exists_and_takes_one_id():
    import inspect

    from rq.utils import import_attribute

    for kind in JOBS.values():
        assert len(inspect.signature(import_attribute(kind.function)).parameters) == 1
        assert kind.lease is None or kind.lease > kind.timeout


@pytest.mark.parametrize("wanted", ["os.system", "subprocess.call", "gateway.cli.main", "builtins.eval"])
def test_a_function_that_is_not_ours_is_refused_whoever_wrote_it_into_redis(connection, wanted, tmp_path):
    trace = tmp_path / "ran"
    evil = queue(DELIVERY, connection).enqueue_call(
        "gateway.jobs.deliver.deliver", args=(f"touch {trace}",), job_id="j1"
    )
    data = json.dumps([wanted, None, [f"touch {trace}"], {}])
    connection.hset("rq:job:j1", "data", __import__("zlib").compress(data.encode()))

    run_all(connection)

    assert not trace.exists()
    found = SafeJob.fetch("j1", connection=connection, serializer=JSONSerializer)
    with pytest.raises(RefusedJob):
        _ = found.func
    assert evil.success_callback is evil.failure_callback is evil.stopped_callback is None


def test_a_ring_holds_nothing_but_the_rows_id(bench, connection):
    secret_words = "my card is 4111 1111 1111 1111 and I want a human"

    bench.say(secret_words)

    dump = b"".join(b"".join(connection.hgetall(k).values()) for k in connection.keys("rq:job:*"))
    assert connection.llen("rq:queue:delivery") == 2
    assert b"human" not in dump
    assert b"4111" not in dump


def test_a_job_that_fails_leaves_no_words_of_its_error_in_redis(bench, connection, monkeypatch):
    def broken(work_id):
        raise ValueError("my card is 4111 1111 1111 1111")

    monkeypatch.setattr("gateway.jobs.deliver.deliver", broken)
    job = queue(DELIVERY, connection).enqueue_call("gateway.jobs.deliver.deliver", args=("wrk_1",), failure_ttl=60)

    run_all(connection)

    found = SafeJob.fetch(job.id, connection=connection, serializer=JSONSerializer)
    assert found.is_failed
    assert "4111" not in found.latest_result().exc_string
    assert "4111" not in (found.exc_info or "")


def test_the_gateway_rings_only_up_to_the_high_water_mark(bench, connection):
    for n in range(HIGH_WATER):
        bench.say("human please", f"c-{n}")

    assert connection.llen("rq:queue:delivery") == HIGH_WATER


def test_an_intake_whose_redis_is_away_answers_all_the_same(bench):
    bench.env.bell = Bell(bell_redis("unix:///nowhere/redis.sock"))

    decision = bench.say("human please")["decision"]

    assert decision["action"] == "escalate"
    assert len(bench.due()) == 2


def test_the_relay_rings_again_for_what_redis_forgot(bench, connection):
    bench.say("human please")
    connection.flushall()

    rung = Relay(bench.env).tick()

    assert rung == 2
    assert connection.llen("rq:queue:delivery") == 2


@pytest.mark.parametrize("lane", ["", "desk"])
def test_work_of_a_newer_version_stands_in_nobodys_way(bench, connection, lane):
    with bench.env.transaction() as tx:
        for number in range(30):
            tx.work.later(Work("of_tomorrow", f"x_{number}", bench.clock.now - timedelta(hours=1), lane=lane), DELIVERY)
    bench.say("human please")
    connection.flushdb()
    bench.clock.forward(minutes=1)

    Relay(bench.env).tick()

    assert connection.llen("rq:queue:delivery") == 2


def test_the_relay_does_not_ring_twice_for_a_bell_that_still_hangs(bench, connection):
    bench.say("human please")
    relay = Relay(bench.env)
    connection.flushall()

    assert [relay.tick(), relay.tick(), relay.tick()] == [2, 0, 0]


def test_the_relay_rings_a_timer_when_its_time_has_come_and_not_before(bench, connection):
    with bench.env.transaction() as tx:
        tx.later(Work("sla_timer", "clk_1", bench.clock.now.replace(hour=10)))
    relay = Relay(bench.env)

    relay.tick()
    before = connection.llen("rq:queue:clock")
    bench.clock.forward(hours=1)
    relay.tick()

    assert (before, connection.llen("rq:queue:clock")) == (0, 1)


def test_the_relay_outlives_a_redis_that_is_away(bench, redis_url):
    bench.say("human please")
    good = bench.env.bell
    bench.env.bell = Bell(bell_redis("unix:///nowhere/redis.sock"))
    relay = Relay(bench.env)

    away = relay.tick()
    bench.env.bell = good
    Redis.from_url(redis_url).flushall()

    assert away == 0
    assert relay.tick() == 2


def test_a_backlog_of_a_helpdesk_that_asked_us_to_wait_is_not_rung_for(bench, connection):
    bench.say("human please")
    connection.flushall()
    limits = bench.env.limits("desk")
    with bench.env.transaction() as tx:
        account = tx.traffic.lock("desk", limits, bench.clock.now)
        tx.traffic.save("desk", after(account, limits, Seen(calls=1, retry_after=60), bench.clock.now))
    relay = Relay(bench.env)

    paused = relay.tick()
    bench.clock.forward(seconds=61)

    assert paused == 0
    assert relay.tick() == 3  # deliver, assign_sla, and by now the poll


def test_the_relay_sees_to_it_that_every_helpdesk_is_polled(bench):
    relay = Relay(bench.env)
    relay.tick()
    bench.clock.forward(seconds=59)
    before = bench.work()
    bench.clock.forward(seconds=61)

    assert before == []
    assert bench.work() == ["poll"]
    bench.clock.forward(seconds=60)
    assert bench.work() == ["poll"]


def test_the_relay_leaves_a_sign_of_life(bench):
    Relay(bench.env).tick()

    assert bench.client.get("/readyz").json["relay"] == "ok"


def test_a_job_whose_row_is_gone_or_done_does_nothing(bench):
    environment.use(bench.env)
    bench.say("human please")
    bench.work()
    before = bench.tickets()

    from gateway.jobs.deliver import deliver

    deliver("wrk_nowhere")

    assert bench.tickets() == before


def test_a_worker_shows_itself_while_it_lives_and_leaves_no_connection_open_for_its_children(bench, connection):
    from gateway.db.heartbeat import worker_name, workers_alive
    from gateway.jobs.worker import HandoffWorker

    def alive():
        with bench.env.reading() as tx:
            return workers_alive(tx.connection, "delivery", bench.clock.now)

    worker = HandoffWorker(["delivery"], connection=connection)
    worker.env, worker.beat_name = bench.env, worker_name("delivery", "host", 1)
    before = alive()
    bench.env.database.close()

    worker.heartbeat()
    left_open = bench.env.database.engine.pool.checkedin() + bench.env.database.engine.pool.checkedout()
    during = alive()
    bench.clock.forward(minutes=3)
    silent = alive()
    worker.heartbeat()
    again = alive()
    worker.register_death()

    assert (before, during, silent, again, alive()) == (0, 1, 0, 1, 0)
    assert left_open == 0


def test_all_allowed_functions_are_jobs_of_ours():
    assert all(name.startswith("gateway.jobs.") for name in ALLOWED_FUNCTIONS)


def test_a_worker_child_dies_with_its_parent(tmp_path):
    """What keeps an orphan from working on: the kernel ends it."""
    program = (
        "import os, sys, time\n"
        "from gateway.supervise.processes import die_with_parent\n"
        "pid = os.fork()\n"
        "if pid == 0:\n"
        "    die_with_parent(); print(os.getpid(), flush=True); time.sleep(60)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()

    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        threading.Event().wait(0.02)
    os.kill(child, signal.SIGKILL)
    raise AssertionError("the child outlived its parent")
