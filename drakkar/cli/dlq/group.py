"""The commands of `drakkar dlq`."""

from __future__ import annotations

import click

from drakkar.cli.dlq.listing import list_command
from drakkar.cli.dlq.replay import replay_command
from drakkar.cli.dlq.show import show_command


@click.group('dlq')
def dlq_group() -> None:
    """List dead letters, show one, or replay the messages behind them."""


dlq_group.add_command(list_command)
dlq_group.add_command(show_command)
dlq_group.add_command(replay_command)
