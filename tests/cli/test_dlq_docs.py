"""docs/dlq.md names every option of `drakkar dlq`, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import click

from drakkar.cli.dlq import dlq_group
from drakkar.cli.dlq.tally import Tally

PAGE = (Path(__file__).parents[2] / 'docs' / 'dlq.md').read_text()
# Of every command: documented once, elsewhere.
COMMON = {'--config', '-c', '--set'}


def test_options_of_the_page_and_of_the_commands_are_the_same():
    options = {
        name
        for command in dlq_group.commands.values()
        for option in command.params
        for name in option.opts
        if name.startswith('--')
    }
    assert options - COMMON == set(re.findall(r'--[a-z][a-z-]*', PAGE)) - COMMON


def test_every_option_and_command_says_what_it_does():
    for command in dlq_group.commands.values():
        assert command.help
        assert all(x.help for x in command.params if isinstance(x, click.Option))


def test_keys_of_the_summary_are_documented():
    for key in (*Tally().as_dict(), 'dry_run', 'seconds', 'error'):
        assert f'`{key}`' in PAGE
