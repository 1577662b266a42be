"""Programs are found, or it is said what is missing and what to do."""

from __future__ import annotations

import pytest

from tools import provision


@pytest.fixture
def envdir(tmp_path, monkeypatch):
    """An environment with an empty bin, alone on PATH, on a system without packages."""
    (tmp_path / 'bin').mkdir()
    monkeypatch.setenv('PATH', str(tmp_path / 'bin'))
    return tmp_path


def add_program(envdir, name, body='exit 0'):
    path = envdir / 'bin' / name
    path.write_text(f'#!/bin/sh\n{body}\n')
    path.chmod(0o755)
    return str(path)


def test_what_is_there_is_used(envdir, capsys):
    path = add_program(envdir, 'rg')
    assert provision.provide(provision.PROGRAMS['rg'], envdir)
    assert capsys.readouterr().out == f'ripgrep: {path}\n'


def test_a_second_name_will_do(envdir):
    path = add_program(envdir, 'clang')
    assert provision.find(provision.PROGRAMS['cc'], envdir) == [path]


def test_a_program_that_does_not_run_is_not_there(envdir):
    add_program(envdir, 'rg', body='exit 1')
    assert provision.find(provision.PROGRAMS['rg'], envdir) is None


def test_compose_is_a_plugin_of_docker(envdir, capsys):
    docker = add_program(envdir, 'docker', body='[ "$*" = "compose version" ]')
    add_program(envdir, 'docker-compose')
    assert provision.find(provision.PROGRAMS['compose'], envdir) == [docker, 'compose']
    assert provision.provide(provision.PROGRAMS['compose'], envdir)
    assert capsys.readouterr().out == f'Docker Compose: {docker} compose\n'


def test_compose_is_a_program_where_docker_has_no_plugin(envdir):
    # As docker does: asked so, it tells its own version.
    add_program(envdir, 'docker', body='[ "$*" = "compose --version" ]')
    assert provision.find(provision.PROGRAMS['compose'], envdir) is None
    alone = add_program(envdir, 'docker-compose')
    assert provision.find(provision.PROGRAMS['compose'], envdir) == [alone]


@pytest.mark.parametrize(('require', 'fine'), [('', True), ('1', False)])
@pytest.mark.parametrize('name', ['chromium', 'chromedriver', 'compose', 'curl'])
def test_what_is_optional_may_be_missing_unless_it_is_required(
    envdir, monkeypatch, capsys, name, require, fine
):
    monkeypatch.setenv('DRAKKAR_TEST_REQUIRE', require)
    assert provision.provide(provision.PROGRAMS[name], envdir) is fine
    assert 'MISSING' in capsys.readouterr().out


def test_browser_comes_from_the_distribution(envdir, monkeypatch, capsys):
    monkeypatch.setattr('os.geteuid', lambda: 0)
    installed = envdir / 'bin' / 'chromium'
    made = f'echo "#!/bin/sh" > {installed}; /bin/chmod +x {installed}'
    add_program(envdir, 'env', body='shift; "$@"')
    add_program(envdir, 'apt-get', body=f'[ "$1" = update ] || {{ {made}; }}')
    assert provision.provide(provision.PROGRAMS['chromium'], envdir)
    assert capsys.readouterr().out.endswith(f'Chromium: {installed}\n')


@pytest.mark.parametrize('name', ['rg', 'cc'])
def test_what_is_missing_is_said(envdir, capsys, name):
    program = provision.PROGRAMS[name]
    assert not provision.provide(program, envdir)
    out = capsys.readouterr().out
    assert f'{program.label}: MISSING' in out
    assert f'apt-get install {" ".join(program.debian)}' in out


def test_the_wheel_comes_before_the_distribution(envdir, capsys):
    # A python whose pip "installs" the program, beside an apt-get that must not be asked.
    rg = envdir / 'bin' / 'rg'
    add_program(envdir, 'python', body=f'echo "#!/bin/sh" > {rg}; /bin/chmod +x {rg}')
    add_program(envdir, 'apt-get', body=f': > {envdir}/asked')
    assert provision.provide(provision.PROGRAMS['rg'], envdir)
    assert not (envdir / 'asked').exists()
    assert 'wheel' in capsys.readouterr().out


@pytest.mark.parametrize(('code', 'fine'), [(0, True), (1, False)])
def test_servers_are_fetched_by_the_environment(envdir, code, fine):
    add_program(envdir, 'python', body=f'echo "$@" > {envdir}/asked; exit {code}')
    assert provision.provide_servers(['kafka', 'redis'], envdir) is fine
    assert (envdir / 'asked').read_text() == '-m integration.servers fetch kafka redis\n'
