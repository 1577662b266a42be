"""Folders without tests are named; folders whose tests do not run are an error."""

from __future__ import annotations

import pytest

from tools import suite

pytestmark = pytest.mark.slow  # real processes, or real seconds

PASSING = 'def test_it():\n    assert True\n'


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, 'ROOT', tmp_path)
    return tmp_path


def test_a_folder_that_does_not_exist_is_named(capsys):
    assert suite.main(['tests/services']) == 0
    assert 'nothing matches tests/services' in capsys.readouterr().out


def test_a_folder_without_test_files_is_named(root, capsys):
    (root / 'plugins/sinks/line/tests').mkdir(parents=True)
    assert suite.main(['plugins/*/*/tests']) == 0
    assert 'plugins/sinks/line/tests has no test files' in capsys.readouterr().out


def test_a_run_that_executes_nothing_is_an_error(root):
    (root / 'tests').mkdir()
    (root / 'tests/test_it.py').write_text(PASSING)
    nothing = ['tests', '--', '-k', 'no_such_test', '-p', 'no:cacheprovider']
    assert suite.main(nothing) == suite.PYTEST_RAN_NOTHING
    assert suite.main(['--allow-none', *nothing]) == 0


@pytest.mark.parametrize(('body', 'code'), [(PASSING, 0), ('def test_it():\n    assert 0\n', 1)])
def test_the_exit_code_is_that_of_pytest(root, body, code):
    (root / 'tests').mkdir()
    (root / 'tests/test_it.py').write_text(body)
    assert suite.main(['tests', '--', '-p', 'no:cacheprovider']) == code


def test_tests_run_patched_and_traced_if_asked():
    line = suite.command(['tests'], ['-x'], coverage=True)
    assert line[1:] == [
        *['-m', 'coverage', 'run', '-m', 'gevent.monkey', '--module', 'pytest', 'tests', '-x']
    ]


MEETING = """\
import pathlib, time

def test_the_other_side_runs_meanwhile():
    pathlib.Path({mine!r}).touch()
    while not pathlib.Path({other!r}).exists():
        time.sleep(0.01)
"""
QUIET = ['-q', '-p', 'no:cacheprovider']


def sides(root, left=PASSING, right=PASSING):
    """Write a test file on each side: `tests/left/test_it.py` and `tests/right/test_it.py`."""
    for name, text in (('left', left), ('right', right)):
        (root / 'tests' / name).mkdir(parents=True)
        (root / 'tests' / name / f'test_{name}.py').write_text(text)


def test_what_is_beside_runs_at_the_same_time(root):
    sides(
        root,
        MEETING.format(mine=str(root / 'a'), other=str(root / 'b')),
        MEETING.format(mine=str(root / 'b'), other=str(root / 'a')),
    )
    assert suite.main(['tests/left', '--beside', 'tests/right', '--', *QUIET]) == 0


def test_what_fails_beside_is_shown_and_the_outcome(root, capfdbinary):
    sides(root, right='def test_it():\n    assert 0, "no luck"\n')
    # What one side names is left out of the other's folder: it would fail in both.
    assert suite.main(['tests', '--beside', 'tests/right/test_r*', '--', *QUIET]) == 1
    out = capfdbinary.readouterr().out
    assert out.index(b'1 passed') < out.index(b'beside') < out.index(b'1 failed')
    assert out.count(b'AssertionError: no luck') == 1 + out.count(b'FAILED')


def test_what_several_sides_name_belongs_to_the_last():
    groups = [['a', 'b'], ['a/x', 'c'], ['b']]
    assert suite.sides(groups) == [['a'], ['a/x', 'c'], ['b']]
    assert suite.sides([['a'], [], ['a']]) == [['a']]
    assert suite.left_out(['a'], ['a/x', 'c', 'b', 'ab']) == ['--ignore=a/x']
    assert suite.left_out(['a/x', 'c'], ['a', 'b']) == []


@pytest.mark.parametrize(
    ('codes', 'code'),
    [([0, 0], 0), ([0, 1], 1), ([2, 1], 2), ([5, 0], 0), ([5, 1], 1), ([5, 5], 5)],
)
def test_nothing_ran_where_no_side_ran_anything(codes, code):
    assert suite.verdict(codes, allow_none=False) == code
    assert suite.verdict(codes, allow_none=True) == code % 5


def test_what_runs_beside_can_not_be_traced(root, capsys):
    sides(root)
    with pytest.raises(SystemExit):
        suite.main(['--coverage', 'tests/left', '--beside', 'tests/right'])
    assert '--coverage measures one process' in capsys.readouterr().err
