# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Both serial protocols against bytes that lie."""

import struct
from binascii import crc_hqx

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenacious_rover.hardware import framed, roboclaw
from tenacious_rover.hardware.error import CorruptFrameError, HardwareError

frames = st.builds(framed.Frame, st.integers(0, 255), st.integers(0, 255), st.binary(max_size=72))


@given(st.lists(frames, max_size=5), st.binary(max_size=40))
def test_frames_survive_noise_before_them(sent, noise):
    receiver = framed.Receiver()
    receiver.feed(noise + b"\0")
    wire = b"".join(framed.encode(frame) for frame in sent)
    assert receiver.feed(wire) == sent


@given(frames, st.data())
def test_a_changed_byte_is_never_accepted_as_another_frame(frame, data):
    wire = bytearray(framed.encode(frame))
    where = data.draw(st.integers(0, len(wire) - 1))
    wire[where] ^= data.draw(st.integers(1, 255))
    receiver = framed.Receiver()
    found = receiver.feed(bytes(wire) + b"\0")
    assert frame not in found
    assert not found


@given(frames, st.integers(1, 60))
def test_a_truncated_frame_is_thrown_away_and_the_next_one_read(frame, cut):
    wire = framed.encode(frame)
    receiver = framed.Receiver()
    receiver.feed(wire[: max(len(wire) - 1 - cut, 0)] + b"\0")
    assert receiver.feed(framed.encode(frame)) == [frame]


def test_checksum_is_the_published_one():
    # CRC-16/XMODEM of "123456789".
    assert crc_hqx(b"123456789", 0) == 0x31C3


class Wire:
    """A RoboClaw on a wire: answers by the manual, or as a test wants."""

    def __init__(self, spoil=lambda answer: answer):
        self.spoil, self.out, self.speeds, self.encoders = spoil, b"", {}, {}
        self.timeout_s, self.closed = None, False

    in_waiting = property(lambda self: len(self.out))

    def reset_input_buffer(self):
        self.out = b""

    def read(self, size=1):
        data, self.out = self.out[:size], self.out[size:]
        return data

    def write(self, packet):
        address, command, rest = packet[0], packet[1], packet[2:]
        reads = {
            roboclaw.READ_VERSION: b"USB Roboclaw 2x15a v4.2.8\n\0",
            roboclaw.READ_ENCODERS: struct.pack(">II", *self.encoders.get(address, (0, 0))),
            roboclaw.READ_ISPEEDS: struct.pack(">ii", *self.speeds.get(address, (0, 0))),
            roboclaw.READ_CURRENTS: struct.pack(">hh", 25, -50),
            roboclaw.READ_MAIN_VOLTAGE: struct.pack(">H", 118),
            roboclaw.READ_STATUS: struct.pack(">H", 0x2000),
        }
        if command in reads:
            data = reads[command]
            answer = data + struct.pack(">H", crc_hqx(packet[:2] + data, 0))
        else:
            body, crc = packet[:-2], struct.unpack(">H", packet[-2:])[0]
            if crc != crc_hqx(body, 0):
                return len(packet)
            if command == roboclaw.DRIVE_M1_M2_SPEED:
                self.speeds[address] = struct.unpack(">ii", rest[:-2])
            elif command == roboclaw.SET_SERIAL_TIMEOUT:
                self.timeout_s = rest[0] / 10
            answer = b"\xff"
        self.out += self.spoil(answer)
        return len(packet)

    def close(self):
        self.closed = True


def motors(wire):
    return roboclaw.RoboClawMotors(
        wire,
        (0x80, 0x81),
        ((0, 0), (0, 1), (1, 0), (1, 1)),
        (1, -1, 1, -1),
        roboclaw.Gearing(2.0 * np.pi * 100.0),
    )


def test_wheel_speeds_reach_the_right_motor_the_right_way_round():
    wire = Wire()
    made = motors(wire)
    made.drive(np.array([1.0, 2.0, -3.0, 4.0]))
    assert wire.speeds == {0x80: (100, -200), 0x81: (-300, -400)}
    assert wire.timeout_s == pytest.approx(0.3)
    assert made.read().velocity == pytest.approx([1.0, 2.0, -3.0, 4.0])
    made.close()
    assert wire.speeds == {0x80: (0, 0), 0x81: (0, 0)}
    assert wire.closed


def test_counters_run_over_without_a_jump():
    wire = Wire()
    wire.encoders = {0x80: (2**32 - 50, 0), 0x81: (0, 10)}
    made = motors(wire)
    assert made.read().position == pytest.approx(np.zeros(4))
    wire.encoders = {0x80: (50, 2**32 - 100), 0x81: (0, 10)}
    assert made.read().position == pytest.approx([1.0, 1.0, 0.0, 0.0])


def test_current_voltage_and_trips():
    state = motors(Wire()).read()
    assert state.current == pytest.approx([0.25, 0.5, 0.25, 0.5])
    assert state.voltage_v == pytest.approx(11.8)
    assert state.faults == ("M2 current", "M2 current")


def test_one_corrupt_answer_is_asked_again():
    spoiled = iter([True])

    def spoil(answer):
        if len(answer) > 5 and next(spoiled, False):
            return answer[:-1] + bytes((answer[-1] ^ 1,))
        return answer

    wire = Wire()
    made = motors(wire)
    wire.spoil = spoil
    assert made.read().voltage_v == pytest.approx(11.8)


def test_a_line_that_only_lies_is_an_error_and_never_a_number():
    wire = Wire()
    made = motors(wire)
    wire.spoil = lambda answer: answer[:-1] + bytes((answer[-1] ^ 1,))
    with pytest.raises(CorruptFrameError, match="checksum"):
        made.read()
    wire.spoil = lambda answer: b""
    with pytest.raises(HardwareError, match="powered"):
        made.read()
    with pytest.raises(HardwareError, match="acknowledgement"):
        made.stop()


def test_speeds_that_are_no_numbers_are_refused():
    with pytest.raises(HardwareError, match="not a number"):
        motors(Wire()).drive(np.array([0.0, np.nan, 0.0, 0.0]))
