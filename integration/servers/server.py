"""What every server can do: be found or fetched, start, stop, die, pause, start again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from integration.servers import ports
from integration.servers.obtain import NotObtainableError, one_at_a_time
from integration.servers.process import Process

_POLL_SECONDS = 0.02
_PORT_TRIES = 3
_TAIL_LINES = 25

Self = TypeVar('Self', bound='Server')


class StartError(Exception):
    """A server did not start; the text ends with the last lines of its log."""


class NotReadyError(Exception):
    """A server answers, but not yet as it should."""


class Server:
    """A program on ports of 127.0.0.1 that keeps its data in a folder of its own.

    Args:
        session: it serves many tests, so no single test is to blame for its processes.

    A context manager: started on entry; killed, and its folder removed, at the end. It also ends
    when this process dies, however that happens.
    """

    label: ClassVar[str]
    ports_needed: ClassVar[int] = 1
    ready_seconds: ClassVar[float] = 30
    stop_seconds: ClassVar[float] = 15
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    user: str = ''

    def __init__(self, *, session: bool = False) -> None:
        self.session = session
        self.parent: Path | None = None
        self._folder: Path | None = None
        self._log: Path | None = None
        self.ports: list[int] = []
        self._process: Process | None = None
        self._initialised = False
        self.paused = False

    # What a server's own module says

    @classmethod
    def find(cls) -> str | None:
        """Return the program that would be run, or None; asks no network."""
        raise NotImplementedError

    @classmethod
    def fetch(cls) -> None:
        """Bring the program onto this machine. Raises NotObtainableError."""
        raise NotImplementedError

    def initialise(self) -> None:
        """Make the data folder, once, before the first start."""

    def command(self) -> list[str]:
        """Return the command line; the ports are known, configuration may be written here."""
        raise NotImplementedError

    def ping(self) -> None:
        """Talk to the server. Raises OSError or NotReadyError while it is not ready."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Return environment variables for the program, beside this process' own."""
        return {}

    # What all have

    @property
    def folder(self) -> Path:
        """Its folder, made when it is first asked for: who never starts leaves none.

        It is made in `parent`, else in the system's folder for temporary files.
        """
        if self._folder is None:
            prefix = f'drakkar-{self.label.lower().split()[0]}-'
            self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.parent))
        return self._folder

    @property
    def log(self) -> Path:
        """The file that its output goes to: of its folder, if no other was given."""
        return self._log or self.folder / 'server.log'

    @log.setter
    def log(self, path: Path) -> None:
        self._log = path

    @classmethod
    def obtain(cls) -> str:
        """Return the program, fetched if it is missing. Raises NotObtainableError."""
        found = cls.find()
        if found is None:
            with one_at_a_time():
                found = cls.find()
                if found is None:
                    cls.fetch()
                    found = cls.find()
        if found is None:
            raise NotObtainableError(f'{cls.label}: fetched, but still not found')
        return found

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self.ports[0]

    @property
    def address(self) -> str:
        """HOST:PORT for clients."""
        return f'{ports.HOST}:{self.port}'

    @property
    def running(self) -> bool:
        """Whether the program runs, ready or not, paused or not."""
        return self._process is not None and self._process.running

    @property
    def pids(self) -> list[int]:
        """The pids of the program (first) and of all that it started."""
        return self._process.pids if self._process else []

    def start(self: Self) -> Self:
        """Start and wait until it is ready; the first time on ports of its choice, then the same.

        Raises NotObtainableError, StartError.
        """
        first = not self.ports
        for _ in range(_PORT_TRIES):
            try:
                self.launch()
                self.wait_ready()
                return self
            except StartError:
                self.kill()
                # Someone else was faster to take a port: no fault of the server.
                if not first or all(ports.is_free(port) for port in self.ports):
                    raise
                self.ports = []
        raise StartError(f'{self.label}: {_PORT_TRIES} times a port was taken before it started')

    def launch(self) -> None:
        """Start without waiting."""
        if self.running:
            raise RuntimeError(f'{self.label} runs already')
        self.obtain()
        self.ports = self.ports or ports.pick(self.ports_needed)
        if not self._initialised:
            self.initialise()
            self._initialised = True
        self._process = self.process(self.command())
        self.paused = False

    def process(self, command: list[str]) -> Process:
        """Start a command in the server's folder, as its user, with its log."""
        environment = self.environment()
        return Process(
            command,
            self.folder,
            self.log,
            user=self.user,
            environment=environment,
            session=self.session,
        )

    def run(self, *command: str, timeout: float = 60) -> None:
        """Run a command of the server to its end. Raises StartError when it fails."""
        process = self.process(list(command))
        code = process.wait(timeout)
        if code is None:
            process.kill()
        if code != 0:
            raise StartError(f'{self.label}: {command[0]} ended with {code}\n{self.log_tail()}')

    def wait_ready(
        self,
        timeout: float | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Wait until it answers, for `ready_seconds` or so many seconds. Raises StartError.

        `wait` spends the seconds between two questions.
        """
        limit = self.ready_seconds if timeout is None else timeout
        deadline = time.monotonic() + limit
        while True:
            if not self.running:
                raise StartError(f'{self.label} ended while starting\n{self.log_tail()}')
            try:
                return self.ping()
            except (OSError, NotReadyError) as error:
                if time.monotonic() > deadline:
                    raise StartError(
                        f'{self.label} not ready within {limit} s: {error}\n{self.log_tail()}'
                    ) from error
            wait(_POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end and wait; kill it when it takes longer than `stop_seconds`."""
        if self._process is not None and self.running:
            self._process.stop(self.stop_signal, self.stop_seconds)

    def ask_to_stop(self) -> None:
        """Ask it to end, as `stop` does, without waiting."""
        if self._process is not None and self.running:
            self._process.ask(self.stop_signal)

    def kill(self) -> None:
        """End it and all that it started at once, with SIGKILL."""
        if self._process is not None and self.running:
            self._process.kill()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        if self._process is not None:
            self._process.pause()
            self.paused = True

    def resume(self) -> None:
        """Let it go on after `pause`."""
        if self._process is not None:
            self._process.resume()
        self.paused = False

    def restart(self) -> None:
        """Stop it if it runs and start it on the same ports and data."""
        self.stop()
        self.start()

    def heal(self) -> None:
        """Bring it back as a test that stopped, killed or paused it may have left it."""
        if self.paused:
            self.resume()
        if not self.running:
            self.start()

    def log_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last lines of its log."""
        with contextlib.suppress(FileNotFoundError):
            return '\n'.join(self.log.read_text(errors='replace').splitlines()[-lines:])
        return ''

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self: Self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exc_info: object) -> None:
        self.close()
