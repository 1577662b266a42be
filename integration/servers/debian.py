"""Debian's packages, without the services that they start."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from integration.servers.obtain import NotObtainableError, failed, say

_POLICY = Path('/usr/sbin/policy-rc.d')
_POLICY_MARK = '# written by drakkar for the time of one installation'
# By the shell that waits for apt: it is there when this process is not any more.
_THEN_WITHOUT_POLICY = """\
"$@"
code=$?
grep -qs "$MARK" "$POLICY" && rm -f "$POLICY"
exit $code
"""
_LOCK_SECONDS = 300


def install(label: str, *packages: str) -> None:
    """Install packages without starting the services that they bring.

    What has begun ends by itself, also when this process is killed: half an installation would
    leave the machine's packages to be mended by hand. Raises NotObtainableError where this is no
    Debian, or not run as root.
    """
    names = ' '.join(packages)
    apt = shutil.which('apt-get')
    if apt is None or os.geteuid() != 0:
        raise NotObtainableError(
            f'{label}: not found, and only root can install it; on Debian: apt-get install {names}'
        )
    wait = ['-o', f'DPkg::Lock::Timeout={_LOCK_SECONDS}']
    command = [apt, *wait, 'install', '-y', '--no-install-recommends', *packages]
    try:
        _run(label, f'installing the Debian package {names}', command)
    except NotObtainableError:
        # Most likely the lists of packages are missing or old.
        _run(label, "updating Debian's lists of packages", [apt, *wait, 'update'])
        _run(label, f'installing the Debian package {names}', command)


def _run(label: str, text: str, command: list[str]) -> None:
    say(label, text)
    own = {'DEBIAN_FRONTEND': 'noninteractive', 'MARK': _POLICY_MARK, 'POLICY': str(_POLICY)}
    # A file and no pipe: what the command leaves running must not keep this waiting.
    with _no_services(), tempfile.TemporaryFile() as output:
        # In a session of its own: Ctrl-C is for this process, which waits.
        process = subprocess.Popen(
            ['sh', '-c', _THEN_WITHOUT_POLICY, 'sh', *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own},
            start_new_session=True,
        )
        try:
            code = process.wait()
        except BaseException:
            say(label, 'waiting for the end of the installation')
            process.wait()
            raise
        output.seek(0)
        if code != 0:
            raise failed(label, text, command[0], code, output.read().decode(errors='replace'))


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian packages from starting services, as policy-rc.d(8) is meant for."""
    if _POLICY.exists() and _POLICY_MARK not in _POLICY.read_text():
        # Someone's own policy. Where it lets services start, they would be left running.
        verdict = subprocess.call([str(_POLICY), 'drakkar', 'start'], stdin=subprocess.DEVNULL)
        if verdict != 101:
            raise NotObtainableError(f'{_POLICY} lets packages start services; install by hand')
        yield
        return
    _POLICY.write_text(f'#!/bin/sh\n{_POLICY_MARK}\nexit 101\n')
    _POLICY.chmod(0o755)
    yield
