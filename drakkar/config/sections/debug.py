"""The `[debug]` section: the flight recorder and the debug UI."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class DebugOptions(OptionSchema):
    """The flight recorder, and the debug UI that shows what it knows."""

    enabled = option.Bool(
        default=True, description='Whether the worker records events and serves the debug UI.'
    )
    host = option.Str(
        default='127.0.0.1', description='Address of the UI; `0.0.0.0` for all of this machine.'
    )
    port = option.Int(
        default=8080, min=0, max=65535, description='Port of the UI. 0: any free one.'
    )
    debug_url = option.Str(
        default='',
        description='URL under which others reach this UI, behind a proxy for example. Empty: '
        '`http://HOST:PORT`.',
    )
    auth_token = option.Secret(
        default='',
        description='Token that every page, API route, download and WebSocket needs. Empty: none.',
    )
    allowed_ws_origins = option.List(
        default=(),
        description='Origins that may open the WebSocket beside the own one, as '
        '`https://ops.example.org`.',
    )
    prometheus_url = option.Str(
        default='', description='Prometheus that metric cards link to, as `http://localhost:9099`.'
    )
    max_ui_rows = option.Int(
        default=5000, min=100, unit='rows', description='Most rows that a page or a query returns.'
    )
    custom_links = option.Mapping(
        description='Links on the dashboard, by their titles. `{worker_id}`, `{cluster_name}`, '
        '`{metrics_port}` and `{debug_port}` are filled in.'
    )

    db_dir = option.Path(
        default='',
        description='Folder of the recorded events, shared by all workers that see each other. '
        'Empty: the last events are kept in memory only.',
    )
    max_buffer = option.Int(
        default=50_000,
        min=100,
        unit='events',
        description='Most events that wait to be written, and that are kept without `db_dir`.',
    )
    flush_interval_seconds = option.Float(
        default=1, min=0.05, unit='seconds', description='How often events are written.'
    )
    rotation_interval_minutes = option.Float(
        default=60, min=0.01, unit='minutes', description='How long one file is written to.'
    )
    retention_hours = option.Float(
        default=24, min=0, unit='hours', description='How long files are kept. 0: for ever.'
    )
    retention_max_events = option.Int(
        default=2_000_000,
        min=0,
        unit='events',
        description='Most events kept of this worker, in whole files. 0: any number.',
    )

    log_min_duration_ms = option.Int(
        default=500,
        min=0,
        unit='milliseconds',
        description='Tasks that took at least this long are logged. Failures always are.',
    )
    ws_min_duration_ms = option.Int(
        default=500,
        min=0,
        unit='milliseconds',
        description='Tasks of at least this length are shown on the live page. Failures always.',
    )
    event_min_duration_ms = option.Int(
        default=0,
        min=0,
        unit='milliseconds',
        description='Tasks of at least this length are recorded. Failures always.',
    )
    output_min_duration_ms = option.Int(
        default=500,
        min=0,
        unit='milliseconds',
        description='Output of tasks of at least this length is recorded. Of failures always.',
    )
    output_max_bytes = option.Int(
        default=65_536,
        min=0,
        unit='bytes',
        description='Most bytes of stdout, of stderr, and of a request that are recorded each.',
    )
