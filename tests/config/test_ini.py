"""The INI reader, beside the standard library's on whatever both can read."""

from __future__ import annotations

import configparser

from hypothesis import given
from hypothesis import strategies as st

from drakkar.config.ini import Entry, parse, render

TEXT = """\
# a comment
; another
[drakkar]
handler = ripgrep

[sinks.db.main]
  dsn = postgresql://h/?a=b # c
query =
    SELECT 1
    # not part of it

    FROM x


[empty]
"""


def test_reads_values_with_their_lines() -> None:
    document = parse(TEXT)
    assert document.problems == []
    assert document.sections == {'drakkar': 3, 'sinks.db.main': 6, 'empty': 15}
    assert document.entries == [
        Entry('drakkar', 'handler', 'ripgrep', 4),
        Entry('sinks.db.main', 'dsn', 'postgresql://h/?a=b # c', 7),
        Entry('sinks.db.main', 'query', '\nSELECT 1\n\nFROM x', 8),
    ]


def test_line_ends_of_any_system_count_the_same() -> None:
    assert parse(TEXT.replace('\n', '\r\n')) == parse(TEXT) == parse(TEXT.replace('\n', '\r'))


def test_all_mistakes_are_collected() -> None:
    text = 'early = 1\n[a]\nx = 1\nno_sign 5\nx = 2\n[a]\n[b\ny = 1\n[]\n= 1\nz\0 = 1\n[c]\nk = 1\n'
    document = parse(text)
    assert document.problems == [
        (1, 'early: stands before the first [section]'),
        (4, 'no_sign: expected `key = value` or a [section]'),
        (5, '[a] x: duplicate key, the first is in line 3'),
        (6, '[a]: duplicate section, the first is in line 2'),
        (7, 'expected a section header: [name] and nothing behind it'),
        (9, 'expected a section header: [name] and nothing behind it'),
        (10, 'expected `key = value` or a [section]'),
        (11, 'a NUL character is not allowed'),
    ]
    assert [(entry.section, entry.key) for entry in document.entries] == [('a', 'x'), ('c', 'k')]


def test_a_line_that_may_be_part_of_a_secret_is_not_quoted() -> None:
    ((_, problem),) = parse('[a]\nkey = begin\nhunter2\n').problems
    assert 'hunter2' not in problem


PLAIN = st.characters(codec='utf-8', exclude_categories=['C', 'Z'])
NAMES = st.text(PLAIN, min_size=1).filter(lambda name: name[0] not in '[#;' and '=' not in name)
LINES = st.text(st.characters(codec='utf-8', exclude_categories=['C', 'Zl', 'Zp'])).map(str.strip)
INNER = LINES.filter(lambda line: not line.startswith(('#', ';')))
VALUES = st.builds(
    lambda first, more: '\n'.join([first, *more]).rstrip(), LINES, st.lists(INNER, max_size=3)
)
SECTIONS = st.text(PLAIN, min_size=1).filter(lambda name: name != 'DEFAULT')
FILES = st.dictionaries(SECTIONS, st.dictionaries(NAMES, VALUES, max_size=4), max_size=4)


def as_mapping(text: str) -> dict[str, dict[str, str]]:
    document = parse(text)
    assert document.problems == []
    found: dict[str, dict[str, str]] = {name: {} for name in document.sections}
    for entry in document.entries:
        found[entry.section][entry.key] = entry.value
    return found


@given(FILES)
def test_what_is_written_is_read_again(sections: dict[str, dict[str, str]]) -> None:
    assert as_mapping(render(sections)) == sections


@given(FILES)
def test_agrees_with_configparser(sections: dict[str, dict[str, str]]) -> None:
    text = render(sections)
    parser = configparser.ConfigParser(interpolation=None, delimiters='=')
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    theirs = {name: dict(parser[name]) for name in parser.sections()}
    assert as_mapping(text) == theirs


@given(st.text(st.sampled_from('[]=#; \t\n\rab$')) | st.text())
def test_any_text_is_read_or_refused_by_line(text: str) -> None:
    document = parse(text)
    lines = text.count('\n') + text.count('\r') + 1
    numbers = [number for number, _ in document.problems]
    numbers += [entry.line for entry in document.entries] + list(document.sections.values())
    assert all(1 <= number <= lines for number in numbers)
