"""For the tests of plugins: a worker in memory for handlers, a contract suite for sinks.

`run_handler` and `WorkerHarness` are here; the suite is
`drakkar.testing.sink_contract.SinkContract`, which needs pytest. `drakkar.testing.delivery`
puts the real delivery around one sink.
"""

from drakkar.testing.harness import WorkerHarness, run_handler

__all__ = ['WorkerHarness', 'run_handler']
