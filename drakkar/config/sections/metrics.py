"""The `[metrics]` section."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema


class MetricsOptions(OptionSchema):
    """The Prometheus exporter, at `/metrics`."""

    enabled = option.Bool(default=True, description='Whether metrics are served.')
    # All addresses, as exporters usually do: Prometheus scrapes from another machine, and
    # metrics hold no secrets.
    host = option.Str(
        default='0.0.0.0', description='Address to listen on; `127.0.0.1` for this machine only.'
    )
    port = option.Int(
        default=9090, min=0, max=65535, description='Port to listen on. 0: any free one.'
    )
