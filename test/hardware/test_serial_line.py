# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A serial line on a pseudo-terminal: what goes out, a line that is full, one that is gone."""

import contextlib
import os
import time

import pytest

from tenacious_rover.hardware.error import HardwareError
from tenacious_rover.hardware.serial_line import SerialLine


@pytest.fixture
def ends():
    board, rover = os.openpty()
    line = SerialLine(os.ttyname(rover), 115200, 0.02)
    yield board, line
    line.close()
    os.close(rover)
    with contextlib.suppress(OSError):
        os.close(board)


def _flood(line):
    for _ in range(10_000):
        line.write(bytes(64))


def test_what_is_written_arrives_and_what_arrives_is_read(ends):
    board, line = ends
    assert line.write(b"\x00\x11\x13\xff") == 4
    assert os.read(board, 16) == b"\x00\x11\x13\xff"
    os.write(board, b"back")
    assert line.read(4) == b"back"
    assert line.read(4) == b""


def test_a_pause_while_writing_is_no_failure(ends, monkeypatch):
    """As on a busy machine: the bytes are out, and the process comes to run again late."""
    board, line = ends
    write = os.write

    def slow(end, data):
        sent = write(end, data)
        time.sleep(0.15)
        return sent

    monkeypatch.setattr(os, "write", slow)
    assert line.write(b"whole") == 5
    assert os.read(board, 16) == b"whole"


def test_a_line_that_nobody_reads_fails_at_once_and_works_again_when_read(ends):
    board, line = ends
    with pytest.raises(HardwareError, match=r"bytes; nobody reads|unavailable"):
        _flood(line)
    back = False
    while not back:
        os.read(board, 4096)
        with contextlib.suppress(HardwareError):
            back = line.write(b"again") == 5


def test_a_line_that_is_gone_is_named(ends):
    board, line = ends
    os.close(board)
    with pytest.raises(HardwareError, match=line.name):
        line.write(b"anyone")
