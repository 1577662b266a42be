"""The Message Probe: one pasted message through the handler, without a trace."""

from drakkar.worker.probe.probe import Probe, ProbeBusyError, ProbeUnavailableError
from drakkar.worker.probe.request import ProbeRequest, ProbeRequestError

__all__ = [
    'Probe',
    'ProbeBusyError',
    'ProbeRequest',
    'ProbeRequestError',
    'ProbeUnavailableError',
]
