"""The wrapper with the real ripgrep, and what its output means."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import drakkar.api as dk
from drakkar_handler_ripgrep.program import (
    EXIT_BAD_REQUEST,
    EXIT_SIMULATED,
    WRAPPER,
    Matches,
    arguments,
    find_ripgrep,
)

try:
    RIPGREP = find_ripgrep()
except dk.ConfigError as error:
    RIPGREP, MISSING = '', str(error)
else:
    MISSING = ''

needs_ripgrep = pytest.mark.skipif(not RIPGREP, reason=MISSING)


def run(pattern: str, path: Path | str, repeat: int = 1, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(WRAPPER), *arguments(pattern, str(path), repeat)],
        env={'PATH': os.environ['PATH'], 'RUN_RG_PROGRAM': RIPGREP} | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / 'a:1.txt').write_text('one needle\nnothing\nneedle: two\n', encoding='utf-8')
    (tmp_path / 'b.txt').write_text('needle\n', encoding='utf-8')
    return tmp_path


def test_wrapper_is_executable() -> None:
    assert os.access(WRAPPER, os.X_OK)


@needs_ripgrep
def test_lines_and_files(files: Path) -> None:
    done = run('needle', files)
    assert (done.returncode, done.stderr) == (0, '')
    found = Matches.parse(done.stdout)
    assert sorted(found.lines) == [
        f'{files}/a:1.txt:1:one needle',
        f'{files}/a:1.txt:3:needle: two',
        f'{files}/b.txt:1:needle',
    ]
    assert found.files == {f'{files}/a:1.txt', f'{files}/b.txt'}
    assert found.count == 3


@needs_ripgrep
def test_no_match_is_a_success(files: Path) -> None:
    done = run('nowhere', files)
    assert (done.returncode, done.stdout) == (0, '')
    assert Matches.parse(done.stdout).count == 0


@needs_ripgrep
@pytest.mark.parametrize(
    ('pattern', 'path', 'said'),
    [('(', '.', 'regex parse error'), ('x', 'no/such/file', 'No such file')],
)
@pytest.mark.parametrize('repeat', [1, 3])
def test_bad_requests_fail(pattern: str, path: str, said: str, repeat: int, files: Path) -> None:
    done = run(pattern, files / path, repeat)
    assert done.returncode == EXIT_BAD_REQUEST
    assert said in done.stderr
    assert done.stderr.count(said) == 1


@needs_ripgrep
@pytest.mark.parametrize('pattern', ['-needle', '--files', '$(id)', '"', "it's"])
def test_no_pattern_is_taken_for_an_option_or_for_shell(pattern: str, tmp_path: Path) -> None:
    (tmp_path / '-file').write_text(f'{pattern}\n', encoding='utf-8')
    escaped = ''.join(f'\\{c}' if c in '$()' else c for c in pattern)
    done = subprocess.run(
        [str(WRAPPER), *arguments(escaped, '-file', 1)],
        env={'RUN_RG_PROGRAM': RIPGREP},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert Matches.parse(done.stdout).lines == [f'-file:1:{pattern}'], done.stderr


@needs_ripgrep
def test_repeat_runs_the_search_so_often_and_prints_once(files: Path, tmp_path: Path) -> None:
    counter = tmp_path / 'counter'
    counter.write_text(f'#!/bin/sh\necho run >> {tmp_path}/runs\nexec {RIPGREP} "$@"\n')
    counter.chmod(0o755)
    done = run('needle', files / 'b.txt', 4, RUN_RG_PROGRAM=str(counter))
    assert Matches.parse(done.stdout).count == 1
    assert (tmp_path / 'runs').read_text() == 'run\n' * 4


@needs_ripgrep
def test_a_user_s_own_settings_do_not_change_the_output(files: Path, tmp_path: Path) -> None:
    settings = tmp_path / '.ripgreprc'
    settings.write_text('--json\n', encoding='utf-8')
    done = run('needle', files / 'b.txt', RIPGREP_CONFIG_PATH=str(settings))
    assert Matches.parse(done.stdout).lines == [f'{files}/b.txt:1:needle']


@needs_ripgrep
def test_long_lines_are_cut_and_still_count(tmp_path: Path) -> None:
    (tmp_path / 'long.js').write_text('needle' * 10_000, encoding='utf-8')
    found = Matches.parse(run('needle', tmp_path).stdout)
    assert found.count == 1
    assert len(found.lines[0]) < 2000


def test_simulated_failure(files: Path) -> None:
    done = run('needle', files, RUN_RG_FAIL='1')
    assert done.returncode == EXIT_SIMULATED
    assert done.stderr == 'run-rg: simulated failure\n'


@needs_ripgrep
def test_ripgrep_beside_python_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(RIPGREP, tmp_path / 'rg')
    monkeypatch.setenv('PATH', str(tmp_path / 'empty'))
    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'python'))
    assert find_ripgrep() == str(tmp_path / 'rg')


def test_missing_ripgrep_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(sys, 'executable', str(tmp_path / 'python'))
    with pytest.raises(dk.ConfigError, match='the program rg is neither on PATH nor in'):
        find_ripgrep()
