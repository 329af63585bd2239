"""
What the intake is measured against: a Flask handler that checks the signature of a Standard Webhooks call and answers.
It parses nothing, decides nothing and keeps nothing. `python -m benchmarks.bare PORT`
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import sys

from flask import Flask, Response, request

from benchmarks.turns import SECRET
from gateway.supervise.gunicorn_server import run_gunicorn


def make_app() -> Flask:
    app = Flask("bare", static_folder=None)
    key = base64.b64decode(SECRET.removeprefix("whsec_"))

    @app.post("/v1/in/<source>")
    def take(source: str) -> Response:
        headers, body = request.headers, request.get_data()
        message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
        if not hmac.compare_digest(expected, headers["webhook-signature"]):
            return Response(status=401)
        return Response('{"ok": true}', content_type="application/json")

    return app


if __name__ == "__main__":
    run_gunicorn(f"127.0.0.1:{sys.argv[1]}", processes=2, threads=8, make_app=make_app)
