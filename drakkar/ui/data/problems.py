"""What an operator must know first: everything that is not as it should be."""

from __future__ import annotations

from typing import Any

from drakkar.models.snapshot import WorkerSnapshot
from drakkar.ui.context import UiContext
from drakkar.ui.schema import TEXT, listing, record

PROBLEM = record(key=TEXT, state=TEXT, title=TEXT, text=TEXT, url=TEXT)
PROBLEMS = listing(PROBLEM)

_NAMED = 8  # partitions that a warning names


def problems(context: UiContext, state: WorkerSnapshot) -> list[dict[str, Any]]:
    """Return what is wrong now, worst first. `state` is `bad` or `warning`."""
    found = [*_stalls(state), *_circuits(state), *_readiness(context), *_pause(state)]
    return [*found, *_recorder(context), *_cache(state)]


def _problem(key: str, state: str, title: str, text: str, url: str = '') -> dict[str, Any]:
    return {'key': key, 'state': state, 'title': title, 'text': text, 'url': url}


def _stalls(state: WorkerSnapshot) -> list[dict[str, Any]]:
    if not state.stalled:
        return []
    stalled = [str(p.partition) for p in state.partitions if p.stalled]
    where = ', '.join(stalled[:_NAMED]) + (', …' if len(stalled) > _NAMED else '')
    text = (
        f'{state.stalled} messages can be neither delivered nor dead-lettered ({where}). '
        'They go on when the sink or the dead letter queue is back.'
    )
    return [_problem('stalled', 'bad', 'Stalled', text, '/partitions')]


def _circuits(state: WorkerSnapshot) -> list[dict[str, Any]]:
    return [
        _problem(
            f'circuit {sink.sink}',
            'bad' if sink.breaker == 1 else 'warning',
            'Circuit open' if sink.breaker == 1 else 'Circuit half open',
            f'{sink.sink} failed too often; its payloads go to the dead letter queue.',
            '/sinks',
        )
        for sink in state.sinks
        if sink.breaker
    ]


def _readiness(context: UiContext) -> list[dict[str, Any]]:
    return [
        _problem(f'not ready: {reason}', 'warning', 'Not ready', reason)
        for reason in context.not_ready()
        if 'neither delivered nor dead-lettered' not in reason  # said above, with its partitions
    ]


def _pause(state: WorkerSnapshot) -> list[dict[str, Any]]:
    if not state.paused:
        return []
    text = (
        f'{state.total_queued:,} messages are queued or in flight; the source is paused until '
        'there is room. Nothing is lost.'
    )
    return [_problem('paused', 'warning', 'Paused by backpressure', text, '/partitions')]


def _recorder(context: UiContext) -> list[dict[str, Any]]:
    recorder = context.recorder
    if recorder is None or not recorder.state.problem:
        return []
    problem = recorder.state.problem
    text = f'{problem}. The pipeline goes on; events of this time are missing from the history.'
    return [_problem('recorder', 'warning', 'Recorder', text)]


def _cache(state: WorkerSnapshot) -> list[dict[str, Any]]:
    cache = state.cache
    if cache is None or not cache.problem:
        return []
    text = (
        f'{cache.problem}. The pipeline goes on; {cache.pending:,} changes wait in memory, '
        f'{cache.dropped:,} are lost.'
    )
    return [_problem('cache', 'warning', 'Cache', text, '/debug?tab=cache')]
