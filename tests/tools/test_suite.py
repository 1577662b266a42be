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
