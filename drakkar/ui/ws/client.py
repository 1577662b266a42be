"""One connected browser: a bounded queue of frames, and the greenlet that writes them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

import gevent
from gevent.event import Event

from drakkar.ui.ws import protocol

MAX_FRAMES = 16
PING_SECONDS = 20.0
# A browser that takes nothing for this long, or answers no ping, is not there any more.
WRITE_SECONDS = 60.0
# A browser sends a pong now and then; whoever sends many frames only keeps the worker busy.
MAX_HEARD_PER_SECOND = 50
_PING = protocol.encode(protocol.PING, b'')
# A script can not see pings; this tells a quiet page that its worker lives.
_ALIVE = protocol.encode(
    protocol.TEXT, b'{"topic":"","kind":"alive","seq":0,"dropped":0,"data":null}'
)


class Client:
    """Never makes the sender wait: what does not fit into its queue is dropped and counted.

    After a loss nothing more is queued until the writer has caught up; then it
    sends `resync(topic, dropped)` of each topic, which is a fresh snapshot.
    """

    def __init__(
        self,
        topics: Iterable[str],
        sendall: Callable[[bytes], None],
        resync: Callable[[str, int], bytes],
    ) -> None:
        self.topics = tuple(topics)
        self.dropped = 0
        self.heard = True
        self._sendall = sendall
        self._resync = resync
        self._frames: deque[bytes] = deque()
        self._control: deque[bytes] = deque(maxlen=4)
        self._awake = Event()
        self._closing: bytes | None = None
        self._lost = False

    def offer(self, frame: bytes) -> None:
        """Queue a frame, or count it as dropped; never waits."""
        if self._lost or len(self._frames) >= MAX_FRAMES:
            self.dropped += len(self._frames) + 1
            self._frames.clear()
            self._lost = True
        else:
            self._frames.append(frame)
        self._awake.set()

    def control(self, frame: bytes) -> None:
        """Queue a pong; the oldest goes where there are too many."""
        self._control.append(frame)
        self._awake.set()

    def close(self, code: int, reason: str = '') -> None:
        """Let the writer end with this code, after what it is writing now."""
        if self._closing is None:
            self._closing = protocol.close_frame(code, reason)
        self._awake.set()

    def write(self) -> None:
        """Write until closed. Raises OSError or gevent.Timeout where the browser is gone."""
        while self._closing is None:
            self._awake.clear()
            for frame in self._pending():
                self._send(frame)
                if self._closing is not None:
                    break
            if self._idle() and not self._awake.wait(PING_SECONDS):
                self._ping()
        self._send(self._closing)

    def _pending(self) -> Iterable[bytes]:
        while self._control:
            yield self._control.popleft()
        if self._lost:
            # From here on frames are queued again, behind the snapshot that is made now.
            dropped, self.dropped, self._lost = self.dropped, 0, False
            for topic in self.topics:
                yield self._resync(topic, dropped)
        while self._frames:
            yield self._frames.popleft()

    def _idle(self) -> bool:
        return self._closing is None and not (self._frames or self._control or self._lost)

    def _ping(self) -> None:
        if not self.heard:
            raise TimeoutError('no answer to a ping')
        self.heard = False
        self._send(_ALIVE + _PING)

    def _send(self, frame: bytes) -> None:
        with gevent.Timeout(WRITE_SECONDS, TimeoutError('nothing is read')):
            self._sendall(frame)


def listen(client: Client, read: Callable[[int], bytes]) -> None:
    """Hear a browser out until it leaves or breaks the rules; then close with the right code."""
    lately: deque[float] = deque(maxlen=MAX_HEARD_PER_SECOND)
    try:
        while (frame := protocol.read_frame(read)) is not None:
            client.heard = True
            now = time.monotonic()
            if len(lately) == lately.maxlen and now - lately[0] < 1.0:
                raise protocol.ProtocolError(protocol.POLICY, 'too many frames')
            lately.append(now)
            if frame.opcode == protocol.PING:
                client.control(protocol.encode(protocol.PONG, frame.payload))
            elif frame.opcode == protocol.CLOSE:
                client.close(*protocol.close_answer(frame.payload))
                return
            elif frame.opcode != protocol.PONG:
                raise protocol.ProtocolError(protocol.UNSUPPORTED, 'this socket only sends')
        client.close(protocol.NORMAL)
    except protocol.ProtocolError as error:
        client.close(error.code, error.reason)
    except OSError:
        client.close(protocol.NORMAL)
