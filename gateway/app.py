"""The web application. `create_app()` reads the configuration; tests hand in an Env of their own."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask

from gateway import problems
from gateway.callbacks.views import blueprint as callbacks
from gateway.handoffs.views import blueprint as handoffs
from gateway.intake.limits import MAX_BODY
from gateway.intake.views import blueprint as intake
from gateway.notify.views import blueprint as notify
from gateway.policy import Watch
from gateway.settings import load_settings
from gateway.status.views import blueprint as status
from gateway.supervise.redis_server import redis_url
from gateway.telemetry.logs import configure_logs
from gateway.telemetry.views import blueprint as telemetry
from gateway.wiring import Env


def create_app(env: Env | None = None) -> Flask:
    """
    The gateway as a WSGI application.

    env: what it works with; None reads BATON_CONFIG (default ./baton.yml). Raises SettingsError, PolicyErrors.
    """
    if env is None:
        configure_logs(os.environ.get("BATON_LOG_LEVEL", "INFO"))
        settings = load_settings(Path(os.environ.get("BATON_CONFIG", "baton.yml")))
        env = Env(settings, redis_url=redis_url(settings))
        Watch(env.policy).start()
    app = Flask("baton", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY + 1
    app.extensions["baton"] = env
    problems.register(app)
    for blueprint in (intake, status, handoffs, callbacks, notify, telemetry):
        app.register_blueprint(blueprint)
    return app
