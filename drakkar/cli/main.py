"""The `drakkar` command: finds commands lazily and turns errors into messages and exit codes."""

from __future__ import annotations

import difflib
import importlib
import sys
import traceback
from typing import Any, NoReturn

import click
import gevent

from drakkar._version import __version__
from drakkar.errors import EXIT_FAILURE, DrakkarError

# What a shell reports for a program that Ctrl-C ended.
EXIT_INTERRUPTED = 130

COMMANDS = {
    'config': 'drakkar.cli.config:config_group',
    'demo': 'drakkar.cli.demo:demo_command',
    'dlq': 'drakkar.cli.dlq:dlq_group',
    'merge': 'drakkar.cli.merge:merge_command',
    'new': 'drakkar.cli.new:new_group',
    'plugins': 'drakkar.cli.plugins:plugins_command',
    'produce': 'drakkar.cli.produce:produce_command',
    'serve': 'drakkar.cli.serve:serve_command',
    'trace': 'drakkar.cli.trace:trace_command',
}


class CommandLine(click.Group):
    """The commands of `COMMANDS`, each imported at first use, and those of plugins.

    Plugins are loaded only where they matter here: for the list of commands, and
    for a name that is none of ours.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        from drakkar.plugins import PluginManager

        return sorted({*COMMANDS, *PluginManager.scan().commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            module, _, attribute = COMMANDS[cmd_name].partition(':')
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        from drakkar.plugins import PluginManager

        # A broken plugin may be the one that has the command, so it is an error here.
        commands = PluginManager.load().commands
        if cmd_name not in commands and not ctx.resilient_parsing:
            near = difflib.get_close_matches(cmd_name, [*COMMANDS, *commands], n=1)
            hint = f' Did you mean {near[0]!r}?' if near else ''
            ctx.fail(f'No such command {cmd_name!r}.{hint}')
        return commands.get(cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; end with its exit code and one clear message if it fails."""
        try:
            return super().invoke(ctx)
        except DrakkarError as error:
            fail(str(error).splitlines(), error.exit_code, debug=ctx.params['debug'])
        except KeyboardInterrupt:
            sys.exit(EXIT_INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click knows best
        except Exception as error:
            text = ' '.join(str(error).split())
            fail(
                [f'unexpected {type(error).__name__}: {text}; `drakkar --debug ...` shows more'],
                EXIT_FAILURE,
                debug=ctx.params['debug'],
            )


def fail(lines: list[str], exit_code: int, *, debug: bool) -> NoReturn:
    """Print a line for each problem to stderr, with `debug` the traceback before, and exit."""
    if debug:
        traceback.print_exc()
    for line in lines:
        click.echo(f'error: {line}', err=True)
    sys.exit(exit_code)


@click.command(
    cls=CommandLine,
    context_settings={'help_option_names': ['-h', '--help'], 'max_content_width': 100},
)
@click.version_option(__version__, prog_name='drakkar', message='%(prog)s %(version)s')
@click.option('--debug', is_flag=True, help='Show the traceback of an error.')
def cli(debug: bool) -> None:
    """Run external programs for the messages of a topic, and lose none."""


def main() -> None:
    """Run the command line; the console script `drakkar`."""
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*hub.NOT_ERROR, KeyboardInterrupt)  # it is answered here, not printed there
    cli(prog_name='drakkar')
