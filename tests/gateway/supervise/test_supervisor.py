"""Processes that belong together: they start in order, come back when they die, and end together."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gateway.supervise.processes import Child, DidNotStart, Supervisor
from gateway.supervise.redis_server import redis_command, socket_path
from gateway.supervise.up import free_port, rehearsal_config

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]


def until(there, seconds=10):
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def supervisor():
    found = Supervisor()
    yield found
    found.stop(patience=2)


def test_a_child_that_dies_is_started_again(supervisor, tmp_path):
    child = supervisor.start(Child("sleeper", SLEEPS, tmp_path / "sleeper.log"))
    first = child.pid
    threading.Thread(target=supervisor.watch, daemon=True).start()

    os.kill(first, signal.SIGKILL)

    until(lambda: child.pid != first and alive(child.pid))


def test_stopping_ends_every_child_also_one_that_does_not_want_to(supervisor, tmp_path):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
    )
    log = tmp_path / "b.log"
    children = [
        supervisor.start(Child("a", SLEEPS, tmp_path / "a.log")),
        supervisor.start(Child("b", [sys.executable, "-c", stubborn], log, ready=lambda: b"on" in log.read_bytes())),
    ]

    supervisor.stop(patience=0.3)

    assert not any(alive(child.pid) for child in children)


def test_a_child_that_ends_at_once_or_is_never_ready_is_named_with_its_log(supervisor, tmp_path):
    ends = Child("ends", [sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "ends.log", ready=lambda: False)
    never = Child("never", SLEEPS, tmp_path / "never.log", ready=lambda: False)

    with pytest.raises(DidNotStart, match=r"ends ended with 3; see .*ends\.log"):
        supervisor.start(ends)
    with pytest.raises(DidNotStart, match="never was not ready within"):
        supervisor.start(never, timeout=0.2)


def test_children_die_with_a_supervisor_that_is_killed_outright(tmp_path):
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom gateway.supervise.processes import Child, Supervisor\n"
        f"s = Supervisor()\nc = s.start(Child('x', {SLEEPS!r}, Path({str(tmp_path / 'x.log')!r})))\n"
        "print(c.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())

    parent.kill()
    parent.wait()

    until(lambda: not alive(pid))


def test_the_embedded_redis_listens_on_no_port_and_its_folder_is_ours_alone(tmp_path):
    command = redis_command(tmp_path / "var")

    assert command[command.index("--port") + 1] == "0"
    assert (tmp_path / "var" / "redis").stat().st_mode & 0o077 == 0
    assert socket_path(tmp_path / "var").parent.stat().st_mode & 0o077 == 0


def test_a_socket_path_that_would_be_too_long_moves_to_the_temporary_folder(tmp_path):
    deep = tmp_path / ("x" * 120)

    assert len(str(socket_path(deep))) < 100
    assert socket_path(deep) == socket_path(deep)
    assert socket_path(deep) != socket_path(tmp_path / ("y" * 120))


def test_the_rehearsal_configuration_can_be_read_and_its_secrets_are_new_each_time(tmp_path):
    from gateway.settings import load_settings

    texts = [rehearsal_config(), rehearsal_config()]
    (tmp_path / "baton.yml").write_text(texts[0], "utf-8")
    settings = load_settings(tmp_path / "baton.yml", {})

    assert len(settings.sources) == len(settings.helpdesks) == 3
    assert texts[0] != texts[1]


def test_a_free_port_can_be_bound():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", free_port("127.0.0.1")))
