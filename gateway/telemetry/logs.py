"""
Logs as one JSON object a line: a constant event name and allow-listed fields. What is not on the list is not written,
so a stray object with a customer's words in it cannot slip out. Tracebacks keep their frames and lose their messages.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

ALLOWED = frozenset({
    "action", "address", "by", "child", "clock", "conversation", "count", "detail", "due_at", "duplicate", "error",
    "event_id", "exit_code", "fields", "final", "handoff", "helpdesk", "key_number", "kind", "ladder", "lag_seconds",
    "late_seconds", "method", "metric", "notice", "outcome", "packet", "path", "pid", "policy", "problems", "queue",
    "route", "rule", "rules", "source", "state", "status", "step", "threshold", "ticket", "tickets", "tier",
    "took_ms", "tries", "wait_seconds", "was", "webhook", "where", "work",
})  # fmt: skip


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        ours = record.name.split(".")[0] in ("gateway", "connectors", "policies", "packets")
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # Other libraries format values into their messages; we take only their template.
            "event": record.getMessage() if ours and not record.args else str(record.msg)[:200],
        }
        line.update({k: v for k, v in record.__dict__.items() if k in ALLOWED and v is not None})
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["frames"] = [f"{f.filename.rsplit('/', 3)[-1]}:{f.lineno}:{f.name}" for f in frames[-12:]]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: str = "INFO") -> None:
    """JSON lines on standard error for this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("urllib3", "zenpy", "rq", "werkzeug"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
