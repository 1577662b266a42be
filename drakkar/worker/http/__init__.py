"""HTTP requests in the pipeline: the same tasks, hooks and sinks as those of messages."""

from drakkar.worker.http.codec import Codec, RequestError
from drakkar.worker.http.run import HttpRun
from drakkar.worker.http.runs import HttpRuns
from drakkar.worker.http.stats import HttpStats
from drakkar.worker.http.watch import SinkWatch

__all__ = ['Codec', 'HttpRun', 'HttpRuns', 'HttpStats', 'RequestError', 'SinkWatch']
