"""`python -m connectors.sandbox`: one line when ready, and gone when told."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[3]


def started(*arguments):
    command = [sys.executable, "-m", "connectors.sandbox", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_answers_and_ends_in_peace(number):
    process = started("--kind", "zendesk", "--port", "0", "--host", "127.0.0.1")
    try:
        url = process.stdout.readline().strip()
        status = requests.get(url + "/", timeout=5).status_code
        process.send_signal(number)
        code = process.wait(timeout=10)
    finally:
        process.kill()
        rest = process.communicate()

    assert status == 200
    assert (code, rest) == (0, ("", ""))


def test_it_ends_at_once_though_a_call_is_hanging():
    process = started("--kind", "servicenow")
    try:
        url = process.stdout.readline().strip()
        requests.post(url + "/_sandbox/faults", json=[{"kind": "hang_after", "seconds": 60}], timeout=5)
        with pytest.raises(requests.ReadTimeout):
            requests.get(url + "/api/now/table/incident", timeout=0.1)
        process.terminate()
        code = process.wait(timeout=5)
    finally:
        process.kill()
        process.communicate()

    assert code == 0


def test_a_port_that_is_taken_is_named_and_the_exit_code_is_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = started("--kind", "freshdesk", "--port", str(port))
        out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (2, "")
    assert f"127.0.0.1:{port}" in err
