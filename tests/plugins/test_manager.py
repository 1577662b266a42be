"""Loading plugins that are in order, and blocking them."""

from __future__ import annotations

import pytest

from drakkar.plugins import PluginInfo, PluginManager, Status
from drakkar.plugins.candidates import BUILT_IN, find_candidates
from tests.plugins.distributions import SINK, Installer

ALL_KINDS = (
    SINK
    + """
@hookimpl
def drakkar_register_handlers():
    return [HandlerSpec('search', Search)]

@hookimpl
def drakkar_register_commands():
    return [click.Command('greet', callback=lambda: print('hello'))]
"""
)


def info_of(manager: PluginManager, name: str) -> PluginInfo:
    return next(info for info in manager.infos if info.name == name)


def test_plugin_registers_every_kind(installer: Installer) -> None:
    installer.install('everything', ALL_KINDS, version='3.4')
    manager = PluginManager.scan({})
    assert manager.sinks['line'].label == 'Line file'
    assert manager.handlers['search'].handler_class.__name__ == 'Search'
    assert manager.commands['greet'].name == 'greet'
    info = info_of(manager, 'everything')
    assert (info.distribution, info.version, info.status) == ('everything', '3.4', Status.LOADED)
    assert info.registers == ['sink line', 'handler search', 'command greet']


def test_hooks_of_loaded_plugins_are_called(installer: Installer) -> None:
    installer.install(
        'listener',
        """
        @hookimpl
        def drakkar_on_startup(config):
            config.append('started')
        """,
    )
    seen: list[str] = []
    PluginManager.scan({}).hook.drakkar_on_startup(config=seen)
    assert seen == ['started']


def test_built_in_plugins_come_first_and_through_the_same_hooks() -> None:
    names = [candidate.name for candidate in find_candidates()]
    assert names[: len(BUILT_IN)] == list(BUILT_IN)
    manager = PluginManager.load({})
    assert 'log' in manager.sources
    assert info_of(manager, 'log').registers == ['source log']


def test_blocked_plugin_is_not_even_imported(installer: Installer) -> None:
    installer.install('trouble', 'raise SystemExit("imported")')
    manager = PluginManager.scan({'DK_BLOCK_PLUGINS': ' trouble , , trouble'})
    info = info_of(manager, 'trouble')
    assert info.status is Status.BLOCKED
    assert info.reason == 'in DK_BLOCK_PLUGINS'
    assert info.registers == []


def test_blocked_name_that_is_not_installed_is_listed() -> None:
    manager = PluginManager.scan({'DK_BLOCK_PLUGINS': 'ghost'})
    assert info_of(manager, 'ghost').reason == 'in DK_BLOCK_PLUGINS; not installed'


def test_block_list_comes_from_the_process_by_default(
    installer: Installer, monkeypatch: pytest.MonkeyPatch
) -> None:
    installer.install('lines', SINK)
    assert 'line' in PluginManager.scan().sinks
    monkeypatch.setenv('DK_BLOCK_PLUGINS', 'lines')
    assert 'line' not in PluginManager.scan().sinks
