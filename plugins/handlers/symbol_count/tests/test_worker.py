"""The handler in a whole worker, with its program."""

from __future__ import annotations

from drakkar.testing import WorkerHarness, run_handler
from drakkar_handler_symbol_count import SymbolCountHandler
from drakkar_sink_filesystem import FilePayload
from drakkar_sink_kafka import KafkaPayload


def test_every_message_is_counted() -> None:
    run = run_handler(SymbolCountHandler, ['äö', b'plain', None], sinks=[FilePayload])
    counts = {payload.data['offset']: payload.data['symbols'] for payload in run.payloads}
    assert counts == {0: 4, 1: 5, 2: 0}  # the first is JSON: its quotes count too
    assert {payload.path for payload in run.payloads if isinstance(payload, FilePayload)} == {
        'symbol-counts.jsonl'
    }
    assert run.committed == {0: 3}


def test_a_kafka_record_is_keyed_by_its_message() -> None:
    (payload,) = run_handler(SymbolCountHandler, [b'plain'], sinks=[KafkaPayload]).payloads
    assert isinstance(payload, KafkaPayload)
    assert (payload.key, payload.data['symbols']) == (b'messages:0:0', 5)


def test_a_probe_counts_nothing() -> None:
    def total() -> float:
        (family,) = SymbolCountHandler.symbols.collect()
        return family.samples[0].value

    before = total()
    with WorkerHarness(SymbolCountHandler, sinks=[FilePayload]) as run:
        report = run.probe(b'plain')
    assert report['hooks'][-1]['payloads'][0]['value']['data']['symbols'] == 5
    assert total() == before
