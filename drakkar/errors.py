"""Every error Drakkar raises, grouped by what the caller should do about it.

`exit_code` is what the command line ends with when the error reaches it;
`retriable` says whether the same call may succeed later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_CONNECT = 3
EXIT_DRAIN_TIMEOUT = 4


class DrakkarError(Exception):
    """Root of all: its text is one clear message for the user."""

    exit_code = EXIT_FAILURE
    retriable = False


# The user must change something: nothing was started.


class ConfigError(DrakkarError):
    """The configuration is wrong. `problems` holds one line for each mistake."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__('\n'.join(self.problems))


class PluginError(DrakkarError):
    """A plugin is missing, broken or registers something twice."""

    exit_code = EXIT_USAGE


# Something outside could not be reached.


class ConnectError(DrakkarError):
    """A server could not be connected to at start, within the bounded retries."""

    exit_code = EXIT_CONNECT


class AccessRefusedError(ConnectError):
    """A server refused the login, or its certificate is not trusted: no further try helps."""


class DrainTimeoutError(DrakkarError):
    """Shutdown gave up on work that was still running; the text says what was left."""

    exit_code = EXIT_DRAIN_TIMEOUT


# Sources.


class SourceError(DrakkarError):
    """The source could not be read or committed to; the caller tries again.

    `expected` says that this is in the order of things: it passes, and nobody has to act.
    """

    retriable = True
    expected = False


class RebalancingError(SourceError):
    """The group shares its partitions out anew: what is still owned then is committed then."""

    expected = True


class PartitionLostError(SourceError):
    """Another worker owns these partitions now: stop working on them, never commit."""

    retriable = False

    def __init__(self, partitions: Sequence[object]) -> None:
        self.partitions = list(partitions)
        super().__init__('lost ' + ', '.join(str(p) for p in self.partitions))


# Payloads that name no usable sink: raised before anything is sent.


class RoutingError(DrakkarError):
    """A payload can not be assigned to a sink instance."""


class SinkNotConfiguredError(RoutingError):
    """No instance of that type or name is configured."""


class AmbiguousSinkError(RoutingError):
    """Several instances of the type exist and the payload names none."""


# Sinks: raised by `deliver`, decided on in drakkar/delivery/attempt.py.


class SinkError(DrakkarError):
    """A delivery failed."""


class TransientSinkError(SinkError):
    """The sink could not be reached or did not answer; it may a moment later."""

    retriable = True


class NotWrittenError(TransientSinkError):
    """The sink was not reached, and certainly has nothing of these payloads.

    Raise it only where that is sure, as after a refused connection: they are sent
    again at once, whether the sink is idempotent or not.
    """


class RefusedError(SinkError):
    """The sink answered no and nothing of the batch was applied.

    The same payloads will be refused again, so the batch is bisected until only
    the guilty ones remain.
    """


class PartialDeliveryError(SinkError):
    """Some payloads of the batch failed; all others are delivered.

    `failures` maps the index in the batch to its exception, which is judged by
    the same rules as one raised by `deliver` itself.
    """

    def __init__(self, failures: Mapping[int, BaseException]) -> None:
        self.failures = dict(failures)
        super().__init__(f'{len(self.failures)} payloads failed')


class DeadLetterError(DrakkarError):
    """The dead letter queue can not be written."""

    retriable = True


# Handlers.


class HandlerError(DrakkarError):
    """A hook returned something it may not return; the text says what and where."""
