"""The running stack: starts the services in order, obeys its control socket, ends all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from integration.infra import topics
from integration.servers import prometheus
from integration.servers.obtain import NotObtainableError
from integration.servers.process import Process
from integration.servers.server import NotReadyError, Server, StartError
from integration.stack import folder, services
from integration.stack.control import Answer, ControlError, ControlServer
from integration.stack.folder import StateError
from integration.stack.logs import Logs
from integration.stack.plan import DATABASE, WORKERS

_SCHEMA = Path(topics.__file__).with_name('schema.sql')
_WATCH_SECONDS = 0.5
_POLL_SECONDS = 0.05


class Stack:
    """Owns everything it started. A context manager that ends it all.

    Args:
        state: folder for the socket, the logs and the workers' files; made anew.
        ports: of all services, by name.
        extra: further environment variables by service.
        load: the programs that make load: started with the rest.
        web_uis: whether the web UIs are.

    All of it is used by one thread, for the servers end with the thread that started them.
    """

    def __init__(
        self,
        state: Path,
        ports: Mapping[str, int],
        extra: Mapping[str, Mapping[str, str]],
        load: tuple[str, ...],
        *,
        web_uis: bool = True,
    ) -> None:
        data = folder.make_anew(state)
        try:
            self._control = ControlServer(state, self._act)
        except OSError as error:
            folder.remove_data(state)
            raise StateError(f'{state}: no socket can be made there: {error}') from error
        # Each server's keeper removes the server's folder when this process is killed; this one,
        # what those leave behind who do not run then.
        self._keeper = Process(['sleep', 'infinity'], data, data / 'keeper.log')
        self._state = state
        self.ports = ports
        self._load = load
        self._web_uis = web_uis
        self._services = services.make(services.places(ports, state), extra)
        self._all = self._services.all
        for name, service in self._all.items():
            service.parent = data
            service.log = state / 'logs' / f'{name}.log'
        self._expected: set[str] = set()
        self._started = False
        self._logs = Logs({name: service.log for name, service in self._all.items()})

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def start(self) -> None:
        """Start all, each as soon as what it needs answers.

        Raises NotObtainableError, StartError.
        """
        servers: dict[str, Server] = {'kafka': self._services.kafka, **self._services.servers}
        for service in servers.values():
            service.obtain()
        self._start('servers', servers)
        made = topics.create(self._services.kafka.address)
        self.say(f'topics: {", ".join(f"{name} ({count})" for name, count in made.items())}')
        self._prepare_database()
        scraped = [f'localhost:{self.ports[f"{w.name}-metrics"]}' for w in WORKERS]
        server: prometheus.Prometheus = self._services.servers['prometheus']
        server.scrape(*scraped)
        self._start('workers', self._services.workers)
        if self._web_uis:
            self._start('web UIs', dict(self._obtainable(self._services.web_uis)))
        self._start('load', {name: self._services.load[name] for name in self._load})
        self._started = True

    def watch(self, done: Callable[[], bool] = lambda: False) -> None:
        """Serve the control socket and tell of services that ended, until `done()`."""
        while not done():
            self._control.serve(_WATCH_SECONDS)
            for name in [n for n in self._expected if not self._all[n].running]:
                self._expected.discard(name)
                self.say(f'{name} has ended')

    def say(self, text: str) -> None:
        """Write a line of the stack itself."""
        self._logs.say(text)

    def close(self) -> None:
        """End all: first what makes load, then the workers, then the servers."""
        for group in (self._services.load, self._services.workers):
            running = [program for program in group.values() if program.running]
            if running:
                self.say(f'stopping {", ".join(program.label for program in running)}')
            for program in running:
                program.ask_to_stop()
            for program in running:
                program.wait_ended()
        self.say('stopping the servers')
        for service in self._all.values():
            service.close()
        self._keeper.kill()
        folder.remove_data(self._state)
        self._control.close()
        self._logs.close()

    def _start(self, what: str, group: Mapping[str, Server]) -> None:
        begin = time.monotonic()
        self.say(f'starting {what}: {", ".join(group)}')
        for name, service in group.items():
            service.launch()
            self._expected.add(name)
        for service in group.values():
            service.wait_ready(wait=self._control.serve)
        self.say(f'{what} ready after {time.monotonic() - begin:.1f} s')

    def _obtainable(self, group: Mapping[str, Server]) -> Iterator[tuple[str, Server]]:
        """Yield those that can be had on this machine; the others are said and left out."""
        for name, service in group.items():
            try:
                service.obtain()
            except NotObtainableError as error:
                self.say(f'without {name}: {error}')
            else:
                yield name, service

    def _prepare_database(self) -> None:
        server = self._services.servers['postgres']
        server.execute(f'CREATE DATABASE {DATABASE}')
        server.execute(_SCHEMA.read_text(encoding='utf-8'), DATABASE)

    # What is asked by the control socket

    def _act(self, action: str, name: str, variables: dict[str, str]) -> Answer:
        if action == 'status':
            return self._status()
        if action == 'ready':
            return {'services': self._ready()}
        if not self._started:
            raise ControlError('the stack is starting; it takes orders when it is ready')
        service = self._all.get(name)
        if service is None:
            raise ControlError(f'no service {name!r}; there are: {", ".join(self._all)}')
        match action:
            case 'start':
                self._launch(service, variables)
            case 'stop' | 'kill' if not service.running:
                raise ControlError(f'{name} does not run')
            case 'stop':
                service.ask_to_stop()
            case 'kill':
                service.kill()
            case _:
                raise ControlError(f'no action {action!r}; there are: start, stop, kill')
        with contextlib.suppress(KeyError):
            self._expected.remove(name)
        if action == 'start':
            self._expected.add(name)
        self.say(f'{action} {name}')
        return {'done': action}

    def _launch(self, service: Server, variables: dict[str, str]) -> None:
        if service.running:
            raise ControlError(f'{service.label} runs already')
        if variables:
            if not isinstance(service, services.Program):
                raise ControlError(f'{service.label} takes no variables')
            service.variables.update(variables)
        try:
            service.launch()
        except (NotObtainableError, StartError, OSError) as error:
            raise ControlError(str(error)) from error

    def _status(self) -> Answer:
        found = {
            name: {'running': service.running, 'pids': service.pids, 'log': str(service.log)}
            for name, service in self._all.items()
        }
        return {'services': found, 'ports': dict(self.ports)}

    def _ready(self) -> dict[str, bool]:
        """Ask all that run at once, for one that hangs takes seconds to say so."""
        running = {name: service for name, service in self._all.items() if service.running}
        with ThreadPoolExecutor(len(running) or 1) as pool:
            return dict(zip(running, pool.map(_answers, running.values()), strict=True))


def _answers(service: Server) -> bool:
    try:
        service.ping()
    except (OSError, NotReadyError):
        return False
    return True
