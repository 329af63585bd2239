"""
The Attachment API, for files on incidents.
source: ServiceNow documentation, "Attachment API", read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.routing import Rule
from werkzeug.wrappers import Response

from connectors.sandbox.answers import Request, rule
from connectors.sandbox.servicenow import query, refusals
from connectors.sandbox.servicenow.instance import File, Instance
from connectors.sandbox.servicenow.refusals import Refusal
from connectors.sandbox.servicenow.spelling import number_of, result


class AttachmentCalls:
    """The calls under /attachment; all are made as one user."""

    def __init__(self, instance: Instance, user_id: str) -> None:
        self._instance = instance
        self._own_id = user_id

    def rules(self) -> list[Rule]:
        """Which call is done by which method; paths behind /api/now."""
        return [
            rule("POST", "/attachment/file", self._attach_file),
            rule("POST", "/attachment/upload", self._attach_upload),
            rule("GET", "/attachment", self._list_files),
            rule("GET", "/attachment/<file_id>", self._show_file),
            rule("GET", "/attachment/<file_id>/file", self._download),
        ]

    def _attach_file(self, request: Request) -> Response:
        arguments = request.args
        content_type = request.headers.get("Content-Type", "application/octet-stream")
        name = arguments.get("file_name")
        if not name:
            raise refusals.bad_request("Invalid attachment", "Missing file_name")
        where = (arguments.get("table_name"), arguments.get("table_sys_id"))
        return self._attach(request, where, name, content_type, request.get_data())

    def _attach_upload(self, request: Request) -> Response:
        upload = next(iter(request.files.values()), None)
        if upload is None:
            raise refusals.bad_request("Failed to create the attachment", "File part might be missing in the request.")
        where = (request.form.get("table_name"), request.form.get("table_sys_id"))
        return self._attach(request, where, upload.filename or "file", upload.mimetype, upload.read())

    def _attach(
        self, request: Request, where: tuple[str | None, str | None], name: str, content_type: str, content: bytes
    ) -> Response:
        row = self._instance.incidents.get(where[1] or "") if where[0] == "incident" else None
        if row is None:
            return refusals.no_record()
        file = self._instance.attach(row["sys_id"], name, content_type, content, self._own_id, request.base)
        headers = {"Location": f"{request.base}/api/now/attachment/{file.row['sys_id']}"}
        return result(file.row, 201, headers)

    def _all_files(self) -> list[File]:
        return [file for files in self._instance.files.values() for file in files]

    def _file(self, file_id: str) -> File:
        for file in self._all_files():
            if file.row["sys_id"] == file_id:
                return file
        raise Refusal(refusals.no_record())

    def _list_files(self, request: Request) -> Response:
        rows: list[Mapping[str, str]] = [file.row for file in self._all_files()]
        known = rows[0].keys() if rows else ()
        found = query.parse(request.args.get("sysparm_query", ""), list(known)).run(rows)
        return result(found[: number_of(request, "sysparm_limit", 1000)])

    def _show_file(self, request: Request, file_id: str) -> Response:
        return result(self._file(file_id).row)

    def _download(self, request: Request, file_id: str) -> Response:
        file = self._file(file_id)
        return Response(file.content, content_type=file.row["content_type"])
