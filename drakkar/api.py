"""All that a plugin or a handler imports: `import drakkar.api as dk`."""

from __future__ import annotations

from drakkar.config import option
from drakkar.config.option import OptionSchema
from drakkar.contracts.cache import Cache, CacheCounts, Scope, counting
from drakkar.contracts.observer import Observer
from drakkar.contracts.sink import Sink, SinkSpec
from drakkar.contracts.source import (
    DeadLetterQueue,
    DeadLetterReader,
    Producer,
    ProducerRecord,
    Source,
    SourceEvents,
    SourceSpec,
    StoredLetter,
)
from drakkar.errors import (
    AccessRefusedError,
    AmbiguousSinkError,
    ConfigError,
    ConnectError,
    DrakkarError,
    NotWrittenError,
    PartialDeliveryError,
    PartitionLostError,
    PluginError,
    RefusedError,
    SinkError,
    SinkNotConfiguredError,
    SourceError,
    TransientSinkError,
)
from drakkar.greenlets import offload
from drakkar.handler import Handler, HandlerSpec, ReadyContext, periodic
from drakkar.hookspecs import hookimpl
from drakkar.kafka_client import KafkaClient, KafkaClientOptions
from drakkar.models.actions import DLQ, RETRY, SKIP, Action
from drakkar.models.delivery import DeadLetter, DeliveryFailure, SinkRef
from drakkar.models.group import MessageGroup
from drakkar.models.http import HttpAnswer, HttpRequest
from drakkar.models.message import SourceMessage, TopicPartition
from drakkar.models.payload import Payload, register_schema
from drakkar.models.task import (
    ExecutorError,
    ExecutorResult,
    ExecutorTask,
    FailureKind,
    PendingContext,
    PrecomputedResult,
)
from drakkar.probing import probing

LOCAL, CLUSTER, GLOBAL = Scope.LOCAL, Scope.CLUSTER, Scope.GLOBAL

__all__ = [
    'CLUSTER',
    'DLQ',
    'GLOBAL',
    'LOCAL',
    'RETRY',
    'SKIP',
    'AccessRefusedError',
    'Action',
    'AmbiguousSinkError',
    'Cache',
    'CacheCounts',
    'ConfigError',
    'ConnectError',
    'DeadLetter',
    'DeadLetterQueue',
    'DeadLetterReader',
    'DeliveryFailure',
    'DrakkarError',
    'ExecutorError',
    'ExecutorResult',
    'ExecutorTask',
    'FailureKind',
    'Handler',
    'HandlerSpec',
    'HttpAnswer',
    'HttpRequest',
    'KafkaClient',
    'KafkaClientOptions',
    'MessageGroup',
    'NotWrittenError',
    'Observer',
    'OptionSchema',
    'PartialDeliveryError',
    'PartitionLostError',
    'Payload',
    'PendingContext',
    'PluginError',
    'PrecomputedResult',
    'Producer',
    'ProducerRecord',
    'ReadyContext',
    'RefusedError',
    'Scope',
    'Sink',
    'SinkError',
    'SinkNotConfiguredError',
    'SinkRef',
    'SinkSpec',
    'Source',
    'SourceError',
    'SourceEvents',
    'SourceMessage',
    'SourceSpec',
    'StoredLetter',
    'TopicPartition',
    'TransientSinkError',
    'counting',
    'hookimpl',
    'offload',
    'option',
    'periodic',
    'probing',
    'register_schema',
]
