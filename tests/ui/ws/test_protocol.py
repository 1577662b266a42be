import io
import os
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drakkar.ui.ws import protocol as p


def masked(opcode, payload=b'', head=0x80, size=None):
    """Return a frame as a browser sends it."""
    size = len(payload) if size is None else size
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = b'\xfe' + struct.pack('!H', size)
    else:
        length = b'\xff' + struct.pack('!Q', size)
    key = os.urandom(4)
    body = bytes(b ^ key[i % 4] for i, b in enumerate(payload))
    return bytes([head | opcode]) + length + key + body


def read(data):
    return p.read_frame(io.BytesIO(data).read)


@given(st.sampled_from([p.TEXT, p.BINARY, p.CONTINUATION]), st.binary(max_size=p.MAX_FRAME_BYTES))
def test_what_a_browser_sends_is_read_back(opcode, payload):
    assert read(masked(opcode, payload)) == (opcode, payload)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_an_end_or_a_mistake(data):
    mistakes: list[p.ProtocolError] = []
    frame = None
    try:
        frame = read(data)
    except p.ProtocolError as error:
        mistakes.append(error)
    assert all(error.code in (p.PROTOCOL_ERROR, p.TOO_BIG) for error in mistakes)
    assert frame is None or len(frame.payload) <= p.MAX_FRAME_BYTES


@given(st.integers(0, 200_000))
def test_lengths_of_what_is_sent(size):
    frame = p.encode(p.TEXT, bytes(size))
    short = frame[1]
    head = {126: 4, 127: 10}.get(short, 2)
    said = int.from_bytes(frame[2:head], 'big') if head > 2 else short
    assert (said, len(frame)) == (size, head + size)
    assert frame[0] == 0x81


@pytest.mark.parametrize(
    ('data', 'code'),
    [
        (b'\x81\x01x', p.PROTOCOL_ERROR),
        (masked(p.TEXT, b'x', head=0xC0), p.PROTOCOL_ERROR),
        (masked(0x3, b'x'), p.PROTOCOL_ERROR),
        (masked(p.PING, b'x', head=0), p.PROTOCOL_ERROR),
        (masked(p.PING, b'x' * 126), p.PROTOCOL_ERROR),
        (masked(p.TEXT, b'', size=p.MAX_FRAME_BYTES + 1), p.TOO_BIG),
        (masked(p.BINARY, b'', size=2**63), p.TOO_BIG),
    ],
    ids=['unmasked', 'reserved bit', 'opcode', 'fragment', 'long ping', 'long', 'huge'],
)
def test_mistakes_have_their_codes(data, code):
    with pytest.raises(p.ProtocolError) as caught:
        read(data)
    assert caught.value.code == code


@pytest.mark.parametrize('cut', range(9))
def test_a_connection_that_ends_anywhere_is_no_frame(cut):
    assert read(masked(p.TEXT, b'abc')[:cut]) is None


@pytest.mark.parametrize('code', [1000, 1001, 1003, 1007, 1011, 3000, 4999])
def test_a_close_is_answered_with_its_code(code):
    assert p.close_answer(struct.pack('!H', code) + b'bye') == (code, '')


@pytest.mark.parametrize('code', [0, 999, 1004, 1005, 1006, 1015, 1100, 2000, 2999, 5000])
def test_codes_that_may_not_be_sent(code):
    with pytest.raises(p.ProtocolError) as caught:
        p.close_answer(struct.pack('!H', code))
    assert caught.value.code == p.PROTOCOL_ERROR


def test_odd_closes():
    assert p.close_answer(b'') == (p.NORMAL, '')
    for payload, code in ((b'\x03', p.PROTOCOL_ERROR), (b'\x03\xe8\xff', p.NOT_UTF8)):
        with pytest.raises(p.ProtocolError) as caught:
            p.close_answer(payload)
        assert caught.value.code == code


def test_a_reason_is_cut_to_what_fits():
    frame = p.close_frame(1000, 'é' * 100)
    assert frame[1] <= 125
    assert frame[4:].decode() == 'é' * 61
