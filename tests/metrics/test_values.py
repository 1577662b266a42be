from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from drakkar.metrics.values import CounterFamily, HistogramFamily

BUCKETS = (0.001, 0.01, 0.5, 1, 30)
seconds = st.floats(min_value=0, max_value=1e6) | st.sampled_from(BUCKETS)


def exposed(registry):
    """The text of a registry, without the creation times that only prometheus_client has."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if '_created' not in line]


@given(st.lists(st.tuples(st.sampled_from('abc'), seconds)))
def test_a_histogram_is_exposed_as_prometheus_client_does_it(observations):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = HistogramFamily('run_seconds', 'Runs.', ('hook',), ours, BUCKETS)
    reference = Histogram('run_seconds', 'Runs.', ['hook'], registry=theirs, buckets=BUCKETS)
    for hook, value in observations:
        mine.children[hook].observe(value)
        reference.labels(hook).observe(value)
    assert exposed(ours) == exposed(theirs)


@given(st.lists(st.tuples(st.sampled_from('ab'), st.sampled_from('xy'), st.integers(0, 9))))
def test_a_counter_is_exposed_as_prometheus_client_does_it(additions):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = CounterFamily('sent_total', 'Sent.', ('type', 'name'), ours)
    reference = Counter('sent_total', 'Sent.', ['type', 'name'], registry=theirs)
    for kind, name, amount in additions:
        mine.children[kind, name].value += amount
        reference.labels(kind, name).inc(amount)
    assert exposed(ours) == exposed(theirs)


def test_a_metric_without_labels_is_there_before_its_first_event():
    registry = CollectorRegistry()
    CounterFamily('sent_total', 'Sent.', (), registry)
    HistogramFamily('run_seconds', 'Runs.', (), registry, BUCKETS)
    assert registry.get_sample_value('sent_total') == 0
    assert registry.get_sample_value('run_seconds_bucket', {'le': '+Inf'}) == 0
