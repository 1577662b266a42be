from __future__ import annotations

from drakkar.models.message import TopicPartition
from drakkar.worker.stalls import StallBoard

ZERO, ONE = TopicPartition('t', 0), TopicPartition('t', 1)


def test_it_remembers_the_last_number_of_each_partition() -> None:
    board = StallBoard()
    assert board[ZERO] == 0
    board.stalled(ZERO, 3)
    board.stalled(ONE, 1)
    board.stalled(ZERO, 2)
    assert (board[ZERO], board[ONE]) == (2, 1)
    board.stalled(ZERO, 0)
    assert (board[ZERO], board[ONE]) == (0, 1)


def test_a_revoked_partition_still_stands_still_until_its_end_is_told() -> None:
    board = StallBoard()
    board.stalled(ZERO, 3)
    board.revoked([ZERO], False)
    assert board[ZERO] == 3
    board.stalled(ZERO, 0)
    assert board[ZERO] == 0
