"""Every way in which a plugin can be broken gives one line that names it and the cause."""

from __future__ import annotations

import sys

import pytest

from drakkar.errors import EXIT_USAGE, PluginError
from drakkar.plugins import PluginManager, Status
from tests.plugins.distributions import SINK, Installer

BROKEN = {
    'import error': (
        'import no_such_module_anywhere',
        "its import raised ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    ),
    'syntax error': ('def broken(:', 'its import raised SyntaxError: invalid syntax'),
    'hook raises': (
        """
        @hookimpl
        def drakkar_register_sinks():
            raise OSError('disk\\nfull')
        """,
        'drakkar_register_sinks raised OSError: disk full',
    ),
    'not a list': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return SinkSpec('line', LineSink, LinePayload, Schema)
        """,
        'drakkar_register_sinks must return a list of SinkSpec, not SinkSpec',
    ),
    'wrong items': (
        """
        @hookimpl
        def drakkar_register_handlers():
            return ['search']
        """,
        "drakkar_register_handlers must return a list of HandlerSpec, this one holds 'search'",
    ),
    'bad name': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('Line.File', LineSink, LinePayload, Schema)]
        """,
        "sink name 'Line.File' must be lower case letters and digits",
    ),
    'name that the environment could not express': (
        """
        @hookimpl
        def drakkar_register_handlers():
            return [HandlerSpec('a__b', Search)]
        """,
        "handler name 'a__b' must be",
    ),
    'sink class': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', dict, LinePayload, Schema)]
        """,
        "sink 'line': sink_class must be a subclass of Sink, not <class 'dict'>",
    ),
    'path of the sink class': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', 'lines.sink', LinePayload, Schema)]
        """,
        "sink 'line': sink_class 'lines.sink' must be an import path package.module:Class",
    ),
    'options': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', LineSink, LinePayload, {})]
        """,
        "sink 'line': options must be a subclass of Schema, not {}",
    ),
    'abstract sink': (
        """
        class Unfinished(Sink):
            def close(self):
                pass

        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', Unfinished, LinePayload, Schema)]
        """,
        "sink 'line': Unfinished does not define deliver",
    ),
    'sink type': (
        """
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('lines', LineSink, LinePayload, Schema)]
        """,
        "sink 'lines': LinePayload.sink_type is 'line', but the spec names 'lines'",
    ),
    'handler without arrange': (
        """
        class Idle(Handler):
            pass

        @hookimpl
        def drakkar_register_handlers():
            return [HandlerSpec('idle', Idle)]
        """,
        "handler 'idle': Idle does not define arrange(self, messages, pending)",
    ),
    'command of the core': (
        """
        @hookimpl
        def drakkar_register_commands():
            return [click.Command('serve')]
        """,
        "command 'serve': drakkar has a command of this name itself",
    ),
    'twice in one plugin': (
        """
        @hookimpl
        def drakkar_register_handlers():
            return [HandlerSpec('same', Search), HandlerSpec('same', Search)]
        """,
        "it registers handler 'same' twice",
    ),
    'misspelled hook': (
        """
        @hookimpl
        def drakkar_register_sink():
            return []
        """,
        'there is no hook drakkar_register_sink; did you mean drakkar_register_sinks?',
    ),
    'unknown hook': (
        """
        @hookimpl
        def zzz():
            return []
        """,
        'there is no hook zzz; known: drakkar_register_sinks, ',
    ),
    'unknown argument': (
        """
        @hookimpl
        def drakkar_on_startup(configuration):
            pass
        """,
        "Argument(s) {'configuration'} are declared in the hookimpl",
    ),
    'no hook': (
        """
        def drakkar_register_sinks():
            return []
        """,
        'it implements no hook; mark them with @drakkar.api.hookimpl',
    ),
}


@pytest.mark.parametrize(('source', 'reason'), BROKEN.values(), ids=BROKEN)
def test_broken_plugin_is_named_with_its_cause(
    installer: Installer, source: str, reason: str
) -> None:
    installer.install('culprit', source, version='0.7')
    with pytest.raises(PluginError) as caught:
        PluginManager.load({})
    lines = str(caught.value).splitlines()
    culprit = [line for line in lines if 'culprit' in line]
    assert culprit[0].startswith("plugin 'culprit' of culprit 0.7 is broken: ")
    assert reason in culprit[0]
    assert 'DK_BLOCK_PLUGINS=' in culprit[1]
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.__cause__ is not None


def test_broken_plugin_registers_nothing_and_leaves_the_others_alone(installer: Installer) -> None:
    installer.install('good', SINK)
    installer.install(
        'partly',
        """
        @hookimpl
        def drakkar_register_handlers():
            return [HandlerSpec('half', Search)]

        @hookimpl
        def drakkar_register_commands():
            return [42]

        @hookimpl
        def drakkar_on_startup(config):
            config.append('called')
        """,
    )
    manager = PluginManager.scan({})
    status = {info.name: info.status for info in manager.infos}
    assert (status['good'], status['partly']) == (Status.LOADED, Status.BROKEN)
    assert 'line' in manager.sinks
    assert 'half' not in manager.handlers
    called: list[str] = []
    manager.hook.drakkar_on_startup(config=called)
    assert called == []


def test_second_plugin_with_the_same_type_is_broken_and_names_the_first(
    installer: Installer,
) -> None:
    installer.install('first', SINK)
    installer.install('second', SINK)
    with pytest.raises(PluginError, match='second') as caught:
        PluginManager.load({})
    expected = (
        "plugin 'second' of second 1.2 is broken: sink 'line' is registered by "
        "plugin 'first' of first 1.2 already"
    )
    assert expected in str(caught.value).splitlines()


def test_two_distributions_with_one_plugin_name(installer: Installer) -> None:
    installer.install('first', SINK)
    other = installer.install('second', '@hookimpl\ndef drakkar_on_shutdown(): pass')
    entry_points = installer.folder / 'second-1.2.dist-info' / 'entry_points.txt'
    entry_points.write_text(f'[drakkar]\nfirst = {other}\n')
    with pytest.raises(PluginError, match='first has a plugin of this name already'):
        PluginManager.load({})


def test_one_module_under_two_names(installer: Installer) -> None:
    module = installer.install('first', SINK)
    entry_points = installer.folder / 'first-1.2.dist-info' / 'entry_points.txt'
    entry_points.write_text(f'[drakkar]\nfirst = {module}\nagain = {module}\n')
    with pytest.raises(PluginError, match='is broken: it is the same as plugin'):
        PluginManager.load({})


def test_all_broken_plugins_are_reported_at_once(installer: Installer) -> None:
    installer.install('one', 'import nothing_here_one')
    installer.install('two', 'import nothing_here_two')
    with pytest.raises(PluginError) as caught:
        PluginManager.load({})
    lines = str(caught.value).splitlines()
    assert [line for line in lines if 'nothing_here_' in line] == [
        "plugin 'one' of one 1.2 is broken: its import raised ModuleNotFoundError: "
        "No module named 'nothing_here_one'",
        "plugin 'two' of two 1.2 is broken: its import raised ModuleNotFoundError: "
        "No module named 'nothing_here_two'",
    ]
    assert 'one,two' in lines[-1]


LATER = {
    'import error': (
        'import no_such_driver',
        "raised ModuleNotFoundError: No module named 'no_such_driver'",
    ),
    'no such class': ('class Other:\n    pass', 'raised AttributeError: '),
    'no sink': (
        'class LineSink:\n    pass',
        "sink 'line': sink_class must be a subclass of Sink, not <class ",
    ),
    'abstract sink': (
        'from drakkar.api import Sink\nclass LineSink(Sink):\n    pass',
        "sink 'line': LineSink does not define deliver",
    ),
}


@pytest.mark.parametrize(('module', 'reason'), LATER.values(), ids=LATER)
def test_sink_class_that_can_not_be_imported_breaks_the_plugin_for_its_users(
    installer: Installer, module: str, reason: str
) -> None:
    path = installer.module('driver', module)
    installer.install('fine', '@hookimpl\ndef drakkar_register_handlers(): return []')
    installer.install(
        'culprit',
        f"""
        @hookimpl
        def drakkar_register_sinks():
            return [SinkSpec('line', '{path}:LineSink', LinePayload, Schema)]
        """,
        version='0.7',
    )
    manager = PluginManager.load({})
    assert path not in sys.modules
    manager.require_sinks(name for name in manager.sinks if name != 'line')
    with pytest.raises(PluginError) as caught:
        manager.require_sinks(['line'])
    told, advice = str(caught.value).splitlines()
    assert told.startswith("plugin 'culprit' of culprit 0.7 is broken: sink 'line': ")
    assert reason in told
    assert advice.endswith('DK_BLOCK_PLUGINS=culprit')
    assert caught.value.__cause__ is not None
