"""The reference page: complete, and the one in docs/ is the one of this code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from drakkar.config.docs import reference_page
from drakkar.config.jsonschema import json_schema
from drakkar.config.sections import SECTIONS
from drakkar.plugins import BLOCK_VARIABLE, PluginManager
from drakkar.plugins.candidates import find_candidates

ROOT = Path(__file__).parents[2]


def own_distributions() -> set[str]:
    """Names of the packages of this repository, by their folders under plugins/."""
    folders = (ROOT / 'plugins').glob('*/*/setup.py')
    found = re.compile(r"\bname='([^']+)'")
    names = (found.search(setup.read_text(encoding='utf-8')) for setup in folders)
    return {match[1] for match in names if match} | {'drakkar'}


def test_the_page_in_docs_is_current() -> None:
    own = own_distributions()
    candidates = list(find_candidates())
    missing = own - {found.distribution for found in candidates}
    assert not missing, f'not installed: {missing}; run `make install`'
    foreign = [found.name for found in candidates if found.distribution not in own]
    plugins = PluginManager.load({BLOCK_VARIABLE: ','.join(foreign)})
    handlers = {n: spec.handler_class.options_schema for n, spec in plugins.handlers.items()}
    page = reference_page(plugins.sinks, plugins.sources, handlers)
    stored = (ROOT / 'docs' / 'configuration.md').read_text(encoding='utf-8')
    if page != stored:
        pytest.fail(
            'docs/configuration.md is stale; renew it with '
            '`drakkar config docs > docs/configuration.md` (or `make docs`)'
        )


def test_every_section_and_option_is_on_the_page(
    plugins: dict[str, Any], handlers: dict[str, Any]
) -> None:
    page = reference_page(plugins['sinks'], plugins['sources'], handlers)
    headings = re.findall(r'^## `\[(.*)\]`', page, re.MULTILINE)
    for expected in (*SECTIONS, 'executor.env', 'executor.limits', 'sinks.TYPE.NAME'):
        assert expected in headings
    assert headings[-3:] == ['broker', 'log', 'handler']
    assert '## `[handler]` of `search`' in page
    for schema in SECTIONS.values():
        for name in schema().fields:
            assert any(f'{form}`' in page for form in (f'`{name}', f'.{name}]', f'.{name}.NAME]'))
    assert '## `[sinks.db.NAME.statements]`' in page
    assert '| `path` | a path | **required** | File that receives one line a payload. |' in page
    assert 'it has its own `linger_ms`.' in page


def test_every_option_of_the_core_is_described() -> None:
    for section, schema in SECTIONS.items():
        assert schema.__doc__, section
        for name, field in schema().fields.items():
            assert getattr(field, 'description', ''), f'[{section}] {name}'


def test_the_json_schema_knows_sections_ranges_and_secrets(
    plugins: dict[str, Any], handlers: dict[str, Any]
) -> None:
    schema = json_schema(plugins['sinks'], plugins['sources'], handlers)
    sections = schema['properties']
    assert schema['additionalProperties'] is False
    assert {*SECTIONS, 'log', 'broker', 'handler'} == set(sections)
    assert sections['metrics']['properties']['port'] == {
        'type': 'integer',
        'description': 'Port to listen on. 0: any free one.',
        'default': 9090,
        'minimum': 0,
        'maximum': 65535,
    }
    assert sections['drakkar']['required'] == ['handler']
    assert sections['executor']['properties']['env']['additionalProperties'] == {'type': 'string'}
    instance = sections['sinks']['properties']['db']['additionalProperties']
    assert instance['required'] == ['dsn']
    assert instance['properties']['password']['writeOnly'] is True
    assert instance['properties']['batch_max']['default'] == 500
    assert sections['source']['properties']['on_parse_error']['enum'] == ['dlq', 'skip', 'pass']
    assert sections['handler']['properties']['depth']['minimum'] == 1
