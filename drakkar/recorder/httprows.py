"""Makes rows of HTTP requests; see drakkar/recorder/rows.py."""

from __future__ import annotations

import re

from drakkar import jsonio, redact
from drakkar.models.http import HTTP_ORIGIN
from drakkar.recorder import text
from drakkar.recorder.buffer import RawEvent
from drakkar.recorder.rows import Row
from drakkar.recorder.sinkrows import SinkRows

_REQUESTS_REMEMBERED = 5000
# A field in what is only the beginning of JSON; the text may end in the middle of its value.
_FIELD = re.compile(
    r'"([A-Za-z_][\w-]{0,100})"(\s{0,10}:\s{0,10})("(?:[^"\\]|\\.)*"?|[^"\[{,}\]\s]+)'
)


class HttpRows(SinkRows):
    """Rows of requests, which have a client and an id where messages have a place."""

    def __init__(self, origin: str, output_max_bytes: int) -> None:
        super().__init__(origin)
        self._output_max_bytes = output_max_bytes

    def http_received(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, number, who, label, remote, body, length = event
        if len(self._requests) >= _REQUESTS_REMEMBERED:
            self._requests.clear()
        self._requests[number] = who
        said = (
            f'"label":{text.quoted(label)},"remote":{text.quoted(remote)},'
            f'{self._body("body", body, length)}'
        )
        self._http(rows, 'webapp_request_received', ts, said, who, number)

    def http_arranged(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, number, who, tasks, count, duration = event
        said = f'"count":1,"task_count":{count},"tasks":{text.json(tasks)}'
        self._http(rows, 'arranged', ts, said, who, number, duration)

    def http_timeout(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, number, who, duration = event
        self._http(rows, 'webapp_request_timeout', ts, '', who, number, duration)

    def http_completed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, number, who, status, code, body, length, duration = event
        # Not forgotten yet: what was delivered may be told a moment later.
        said = f'"status":"{status}","code":{code},{self._body("response", body, length)}'
        self._http(rows, 'webapp_request_completed', ts, said, who, number, duration)

    def http_auth_failed(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, remote, reason, before = event
        said = f'"remote":{text.quoted(remote)},"reason":{text.quoted(reason)}'
        said += f',"not_recorded":{before}' if before else ''
        self._http(rows, 'webapp_request_auth_failed', ts, said, ('', ''))

    def http_rate_limited(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, client, rpm, retry_after, before = event
        said = f'"rpm_limit":{rpm},"retry_after_seconds":{retry_after:.3f}'
        said += f',"not_recorded":{before}' if before else ''
        self._http(rows, 'webapp_request_rate_limited', ts, said, (client, ''))

    def http_dropped(self, event: RawEvent, rows: list[Row]) -> None:
        _, ts, number, who, tasks = event
        self._http(
            rows, 'webapp_request_dropped_after_timeout', ts, f'"count":{tasks}', who, number
        )

    def _http(
        self,
        rows: list[Row],
        event: str,
        ts: float,
        said: str,
        who: tuple[str, str],
        number: int | None = None,
        duration: float | None = None,
    ) -> None:
        # The number stands for an offset, so that requests of the same id are told apart.
        self._plain(
            rows,
            event,
            ts,
            f'{{{said}}}',
            offset=number,
            duration=duration,
            origin=HTTP_ORIGIN,
            who=who,
        )

    def _body(self, name: str, body: bytes, length: int) -> str:
        """Return a body as a field of metadata: JSON with secrets masked, or cut text."""
        limit = self._output_max_bytes
        if length <= limit and len(body) == length:
            try:
                return f'"{name}":{text.masked_json(jsonio.loads(body))},"{name}_bytes":{length}'
            except (ValueError, RecursionError):
                pass  # not JSON: empty, say
        whole = _FIELD.sub(_mask_field, body.decode('utf-8', 'replace'))
        shown, cut = text.output(whole, limit)
        more = f',"{name}_truncated":true' if cut or len(body) < length else ''
        return f'"{name}":{text.json(shown)},"{name}_bytes":{length}{more}'


def _mask_field(found: re.Match[str]) -> str:
    name, colon, _ = found.groups()
    return f'"{name}"{colon}"{redact.MASK}"' if redact.is_secret_name(name) else found[0]
