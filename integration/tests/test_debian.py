"""Installing Debian packages, with another apt-get: no service starts, what began ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from integration.servers import debian
from integration.servers.obtain import NotObtainableError
from integration.stack.program import ROOT
from integration.tests.environment import eventually

# Notes its action and whether services may start; goes on when it is told to.
_APT = """\
#!/bin/sh
for word; do case "$word" in install|update) action="$word";; esac; done
"$POLICY"; echo "$action $?" >> "$NOTES"
while [ -e "$NOTES.wait" ]; do sleep 0.05; done
[ "$action" = update ] || ! [ -e "$NOTES.fail" ] || { rm "$NOTES.fail"; exit 7; }
echo "$action ended" >> "$NOTES"
"""
_INSTALL = """\
import signal
import sys
from pathlib import Path
from integration.servers import debian
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
debian._POLICY = Path(sys.argv[1])
debian.os.geteuid = lambda: 0
debian.install('Test', 'some-package')
"""


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the apt-get on PATH did."""
    apt = tmp_path / 'apt-get'
    apt.write_text(_APT)
    apt.chmod(0o755)
    monkeypatch.setenv('PATH', f'{tmp_path}{os.pathsep}{os.environ["PATH"]}')
    monkeypatch.setenv('NOTES', str(tmp_path / 'notes'))
    monkeypatch.setattr(debian, '_POLICY', tmp_path / 'policy')
    monkeypatch.setattr(os, 'geteuid', lambda: 0)
    return tmp_path / 'notes'


def test_services_do_not_start_while_it_installs(notes: Path) -> None:
    debian.install('Test', 'some-package')
    assert notes.read_text() == 'install 101\ninstall ended\n'
    assert not debian._POLICY.exists()


def test_lists_of_packages_are_updated_where_it_failed(notes: Path) -> None:
    notes.with_suffix('.fail').touch()
    debian.install('Test', 'some-package')
    assert notes.read_text().split('\n')[:-1] == [
        'install 101',
        'update 101',
        'update ended',
        'install 101',
        'install ended',
    ]
    assert not debian._POLICY.exists()


def test_a_policy_of_someone_else_is_kept(notes: Path) -> None:
    debian._POLICY.write_text('#!/bin/sh\nexit 101\n')
    debian._POLICY.chmod(0o755)
    debian.install('Test', 'some-package')
    assert debian._POLICY.exists()
    debian._POLICY.write_text('#!/bin/sh\nexit 0\n')
    with pytest.raises(NotObtainableError, match='lets packages start services'):
        debian.install('Test', 'some-package')


@pytest.mark.parametrize('signum', [signal.SIGKILL, signal.SIGINT])
def test_what_began_ends_when_nobody_waits(notes: Path, signum: signal.Signals) -> None:
    notes.with_suffix('.wait').touch()
    command = [sys.executable, '-c', _INSTALL, str(debian._POLICY)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        eventually(notes.exists, 20, 'it installs')
        process.send_signal(signum)
        if signum == signal.SIGKILL:
            process.wait(10)
        else:
            while b'waiting for the end' not in process.stderr.readline():
                assert process.poll() is None
        assert debian._POLICY.exists()
        notes.with_suffix('.wait').unlink()
        assert process.wait(10) != 0
    eventually(lambda: 'install ended' in notes.read_text(), 20, lambda: notes.read_text())
    eventually(lambda: not debian._POLICY.exists(), 20, 'the policy is removed')
