# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The platform over emulated wires: driving, parts that fail, wheels that stop."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from wired_stand import PATIENCE_S, ROVER, Stand

from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.rover.kinematics import wheel_speeds
from tenacious_rover.rover.measurements import Attached, Battery, Imu, Joints, Sun, Temperature


@pytest.fixture(params=["framed", "roboclaw"])
def stand(request, tmp_path):
    made = Stand(tmp_path, request.param)
    yield made
    made.close()


def test_it_drives_and_says_how_far(stand):
    wanted = wheel_speeds(ROVER, 0.08, 0.1, stand.config.track_factor)

    def there(found):
        moved = bool(found) and found[-1].position[:4].all()
        return moved and np.allclose(found[-1].velocity[:4], wanted, atol=1e-3)

    found = stand.turns(PATIENCE_S, (0.08, 0.1), until=there)
    assert stand.body.speeds == pytest.approx(wanted, abs=1e-3)
    assert isinstance(found[-1], Joints)
    assert found[-1].names[:4] == tuple(w.joint for w in ROVER.wheels)
    assert found[-1].velocity[:4] == pytest.approx(wanted, abs=1e-3)
    assert np.sign(found[-1].position[:4]) == pytest.approx(np.sign(wanted))


def test_wheels_stop_without_commands(stand):
    stand.driven(stand.spins, (0.08, 0.0))
    stand.driven(stand.rests)


def stopped_s(stand):
    """How long the wheels turn on from now, s."""
    began = time.monotonic()
    while stand.body.speeds.any() and time.monotonic() < began + 2.0:
        time.sleep(0.002)
    return time.monotonic() - began


def test_controller_stops_by_itself_when_the_loop_dies(stand):
    def once():
        stand.driven(stand.spins, (0.08, 0.0))
        return stopped_s(stand)

    # A machine that stands still for a moment takes longer, but not three times in a row.
    assert min(once() for _ in range(3)) <= 0.5


@pytest.mark.parametrize("bad", [(np.nan, 0.0), (np.inf, 0.0), (0.0, np.nan)])
def test_a_command_that_is_no_number_stops(stand, bad):
    stand.driven(stand.spins, (0.08, 0.0))
    stand.driven(stand.rests, bad)
    assert "command_refused" in dict(stand.said)


def test_unplugged_and_plugged_in_again(stand):
    stand.driven(stand.spins, (0.05, 0.0))
    stand.wire.unplug()
    assert not stand.driven(lambda: stand.platform.health()["motors"], (0.05, 0.0))[2:]
    stand.body.set_wheels(np.zeros(4))
    stand.wire.plug()
    found = stand.turns(PATIENCE_S, (0.05, 0.0), until=lambda f: len(f) > 5)
    assert found
    assert stand.platform.health()["motors"] == ""
    names = [name for name, _ in stand.said]
    assert names.index("part_lost") < names.index("part_back")


def test_a_bad_line_gives_true_numbers_or_none(stand):
    stand.noise.change, stand.noise.lose = 0.01, 0.01
    found = stand.turns(1.5, (0.08, 0.0))
    stand.noise.change = stand.noise.lose = 0.0
    full = wheel_speeds(ROVER, 0.08, 0.0)[0]
    for one in found:
        assert (np.abs(one.velocity[:4]) <= full + 1e-3).all()
        assert (np.abs(one.position[:4]) < 10.0).all()


def stopped(stand):
    return stand.platform.stopped_by(time.monotonic())


def test_a_stuck_wheel_trips(stand):
    stand.body.stuck = {2}
    stand.driven(lambda: stopped(stand) == ("stall or stuck encoder",), (0.08, 0.0))
    stand.driven(stand.rests, (0.08, 0.0))


def test_a_reversed_motor_trips(stand):
    stand.body.reversed = {1}
    stand.driven(lambda: "motor turns the wrong way" in stopped(stand), (0.08, 0.0))


def test_brown_out_trips(stand):
    stand.body.volts = 8.0
    stand.driven(lambda: "under-voltage" in stopped(stand), (0.08, 0.0))


def test_emergency_stop_and_a_silent_one(stand):
    chip = stand.bus.chips[stand.config.expander_address]
    stand.driven(stand.spins, (0.08, 0.0))
    chip.pressed = True
    stand.driven(stand.rests, (0.08, 0.0))
    chip.pressed = False
    stand.driven(stand.spins, (0.08, 0.0))
    stand.bus.gone.add(stand.config.expander_address)
    stand.driven(stand.rests, (0.08, 0.0))


def test_sensors_and_one_that_dies(stand):
    now = time.monotonic()
    (imu,) = stand.platform.inertia(now)
    assert isinstance(imu, Imu)
    assert imu.accel == pytest.approx([0, 0, 9.81], abs=0.15)
    slow = {type(one): one for one in stand.platform.slow(now)}
    assert slow[Battery].voltage_v == pytest.approx(12.0, abs=0.01)
    assert slow[Sun].direction == pytest.approx([0.5, 0.5, np.sqrt(0.5)], abs=0.01)
    stand.bus.gone.add(stand.config.imu_address)
    assert [stand.platform.inertia(now + k / 100) for k in range(5)] == [[]] * 5
    assert "Remote I/O" in stand.platform.health()["imu"]
    stand.bus.gone.clear()
    assert stand.platform.inertia(now + 1.0)


def test_a_hot_part_stops_the_wheels_until_it_has_cooled(stand, tmp_path):
    file, now = tmp_path / "celsius", time.monotonic()

    def felt(celsius):
        file.write_text(f"{celsius * 1000}")
        for _ in range(5):
            found = stand.platform.slow(now)
            if any(isinstance(one, Temperature) for one in found):
                stops = stand.platform.stopped_by(now)
        return stops

    assert felt(60) == ()
    assert felt(95) == felt(88) == ("over-temperature of electronics",)
    assert felt(80) == ()
    assert [words for name, words in stand.said if name == "trip"] == [
        "over-temperature of electronics: 95 degrees C: wheels off"
    ]
    file.write_text("no number")
    for _ in range(5):
        stand.platform.slow(now)
    assert "celsius" in stand.platform.health()["thermometers"]


def test_joints_are_numbers_throughout(stand):
    last = stand.turns(0.3)[-1]
    for values in (last.position, last.velocity, last.effort):
        assert len(values) == len(last.names)
        assert np.isfinite(values).all()


def test_latch_needs_arming_and_forgets_it(stand):
    platform, body = stand.platform, stand.body
    assert platform.payload(0.0) == [Attached(0.0, True)]
    assert not platform.release(1.0).opens
    platform.arm(2.0, True)
    platform.payload(33.0)
    assert not platform.release(33.0).opens
    assert body.on_latch
    platform.arm(40.0, True)
    assert platform.release(41.0).opens
    assert platform.payload(42.0) == [Attached(42.0, False)]


def test_scoop_moves_in_its_time(stand):
    stand.platform.move_scoop(10.0, 0.4, -0.2, 2.0)
    before = stand.platform.scoop.at(10.0)
    middle = stand.platform.scoop.at(11.0)
    assert middle == pytest.approx((before + np.array([0.4, -0.2])) / 2)
    stand.platform.wheels(12.5)
    assert stand.body.servo == pytest.approx([0.4, -0.2], abs=0.01)


def test_a_rover_without_parts_says_so(tmp_path):
    config = HardwareConfig(
        motors_port=str(tmp_path / "nothing"), i2c=str(tmp_path / "no"), estop="expander"
    )
    platform = HardwarePlatform(ROVER, dataclasses.replace(config, cameras="none", latch="none"))
    assert platform.wheels(0.0) == []
    assert "nothing" in platform.health()["motors"]
    assert platform.inertia(0.0) == []
    assert "no" in platform.health()["imu"]


DRIVER = """
import sys, time
import numpy as np
from tenacious_rover.hardware.config import HardwareConfig
from tenacious_rover.hardware.platform import HardwarePlatform
from tenacious_rover.rover.description import load_rover
config = HardwareConfig(motors=sys.argv[1], motors_port=sys.argv[2], i2c="/none", imu="none",
    power="none", servos="none", sun="none", latch="none", estop="none", cameras="none")
platform = HardwarePlatform(load_rover("tenacious"), config)
while True:
    now = time.monotonic()
    platform.drive(now, 0.1, 0.0)
    platform.wheels(now)
    time.sleep(0.02)
"""


def killed_s(stand):
    """How long the wheels turn on when the process that drives them is killed, s."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, stand.config.motors, str(stand.port)],
        env={**os.environ},
    )
    try:
        until = time.monotonic() + PATIENCE_S
        while not stand.body.speeds.all() and time.monotonic() < until:
            time.sleep(0.01)
        assert stand.body.speeds.all()
        process.send_signal(signal.SIGKILL)
        return stopped_s(stand)
    finally:
        process.kill()
        process.wait()


def test_killed_at_speed_the_wheels_stop(stand):
    assert min(killed_s(stand) for _ in range(2)) <= 0.5
