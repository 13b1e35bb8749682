# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `recording`: writes down everything that is said, as raw bytes.

Subscriptions are not served by the executor: at the contract's rates, many times real time, waking
it for each message would cost more than all the rest. A timer empties their queues instead.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from tenacious_interfaces.msg import Event
from tenacious_rover import ros
from tenacious_rover.node import RoverNode, run
from tenacious_rover.recording import metadata
from tenacious_rover.recording.clock import Ticks, clock_ns
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.facts import gathered
from tenacious_rover.recording.pipeline import Item, Pipeline
from tenacious_rover.recording.topics import Wanted, wanted, worth
from tenacious_rover.recording.writer import BagWriter
from tenacious_rover.rover import contract
from tenacious_rover.rover.contract import Quality, Topic

if TYPE_CHECKING:
    from rclpy.subscription import Subscription

_DISCOVER_S = 1.0
_REPORT_S = 2.0
_MB = 1_000_000


class Parked(CallbackGroup):
    """Entities that the executor leaves alone."""

    def can_execute(self, entity: Any) -> bool:
        """Never."""
        del entity
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never."""
        del entity
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing ends that did not begin."""


class RecordingNode(RoverNode):
    """One bag, from configuration to the end of the process."""

    config: RecordingConfig

    def __init__(self) -> None:
        super().__init__("recording", RecordingConfig)

    def build(self) -> None:
        """Bag, subscriptions, timers."""
        run_folder = self.get_parameter("run_folder").value
        self.simulated = bool(self.get_parameter("use_sim_time").value)
        self.folder = _fresh(self.config.output, run_folder)
        facts = gathered(Path(run_folder) if run_folder else None, self.rover, self.config)
        writer = BagWriter(self.folder, self.config, facts)
        self.parked = Parked()
        self.heard: dict[str, tuple[Subscription, int]] = {}
        self.early: list[tuple[int, Item]] = []
        self.ticks = Ticks()
        self.said = ""
        self.began = time.monotonic()
        self.written = 0
        self.pipeline = Pipeline(writer, int(self.config.queue_mb * _MB))
        self.clock_name = self.resolve_topic_name(contract.CLOCK.name)
        for topic in wanted(self.config.profile, self.rover.temperatures, self.simulated):
            self._listen(topic)
        self.diagnostics = ros.publisher(self, contract.DIAGNOSTICS)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(self.config.poll_ms * 1e-3, self._drain, clock=steady)
        self.create_timer(_REPORT_S, self._report, clock=steady)
        if self.config.profile == "everything":
            self.create_timer(_DISCOVER_S, self._discover, clock=steady)

    def shut_down(self) -> None:
        """Take what still waits, end the bag."""
        if hasattr(self, "pipeline"):
            self._drain()
            self._hand(self.early)
            self.pipeline.close()
            if self.pipeline.failure:
                self.get_logger().error(self.pipeline.failure)

    # -- topics -------------------------------------------------------------------------------

    def _listen(self, item: Wanted) -> None:
        topic = item.topic
        name = self.resolve_topic_name(topic.name)
        if topic is contract.CLOCK:
            name = "/clock"
        if name in self.heard:
            return
        asked = ros.profile(topic.quality)
        profile = QoSProfile(
            depth=item.depth, reliability=asked.reliability, durability=asked.durability
        )
        subscription = self.create_subscription(
            ros.message_class(topic.type),
            name,
            lambda message: None,
            profile,
            raw=True,
            callback_group=self.parked,
        )
        self.heard[name] = (subscription, item.worth)
        self.pipeline.add_topic(name, topic.type, (metadata.of_quality(topic.quality),))

    def _discover(self) -> None:
        """Topics outside the contract that somebody publishes."""
        for name, types in self.get_topic_names_and_types(no_demangle=False):
            if name in self.heard or len(types) != 1:
                continue
            try:
                ros.message_class(types[0])
            except (ImportError, AttributeError, ValueError):
                continue
            self._listen(Wanted(Topic(name, types[0], self._offered(name)), worth(name), 200))

    def _offered(self, name: str) -> Quality:
        """The strictest quality that all publishers of a topic offer."""
        profiles = [info.qos_profile for info in self.get_publishers_info_by_topic(name)]
        if any(p.reliability != ReliabilityPolicy.RELIABLE for p in profiles):
            return Quality.SENSOR
        kept = profiles and all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles)
        return Quality.LOG if kept else Quality.STATE

    # -- messages -----------------------------------------------------------------------------

    def _drain(self) -> None:
        """Everything that waits in DDS, in the order of reception, to the writer."""
        batch: list[tuple[int, Item]] = []
        drops = self.pipeline.drops
        for name, (subscription, value) in self.heard.items():
            handle, kind = subscription.handle, subscription.msg_type
            with handle:
                while (taken := handle.take_message(kind, True)) is not None:
                    data, info = taken
                    number = info["publication_sequence_number"] or 0
                    publisher = (info.get("publisher_gid") or {}).get("data")
                    if number and publisher:
                        drops.seen(name, publisher, number)
                    received = info["received_timestamp"] or time.time_ns()
                    sent = info["source_timestamp"] or received
                    sequence = number & 0xFFFFFFFF
                    batch.append((received, Item(name, value, received, sent, sequence, data)))
                    if name == "/clock":
                        self.ticks.tick(received, clock_ns(data))
        batch.sort(key=lambda entry: entry[0])
        if self.simulated and not self.ticks:
            self.early += batch
            return
        if self.early:
            batch, self.early = self.early + batch, []
        self._hand(batch)

    def _hand(self, batch: list[tuple[int, Item]]) -> None:
        if self.simulated:
            at = self.ticks.at if self.ticks else lambda _received: 0
            items = [item._replace(log_ns=at(received)) for received, item in batch]
        else:
            items = [item for _, item in batch]
        self.written += len(items)
        self.pipeline.put(items)

    # -- words --------------------------------------------------------------------------------

    def _report(self) -> None:
        """Size, rate and losses on `/diagnostics`; an event when the disk guard acts."""
        pipeline, verdict = self.pipeline, self.pipeline.verdict
        lost = pipeline.drops.total()
        status = DiagnosticStatus(name="recording: bag", hardware_id=str(self.folder))
        level = DiagnosticStatus.OK
        if lost or verdict.warn:
            level = DiagnosticStatus.WARN
        if verdict.stop or pipeline.failure:
            level = DiagnosticStatus.ERROR
        status.level = level
        size = pipeline.writer.size / _MB
        status.message = pipeline.failure or (verdict.words if verdict.warn else "recording")
        facts = {
            "messages": self.written,
            "megabytes": round(size, 1),
            "dropped": lost,
            "drops": json.dumps(pipeline.drops.facts()),
            "wall_s": round(time.monotonic() - self.began, 1),
        }
        status.values = [KeyValue(key=key, value=str(value)) for key, value in facts.items()]
        message = DiagnosticArray(status=[status])
        message.header.stamp = ros.to_stamp(self.now)
        self.diagnostics.publish(message)
        key = pipeline.failure or (f"{verdict.floor} {verdict.stop}" if verdict.warn else "")
        if key and key != self.said:
            self.said = key
            bad = verdict.stop or bool(pipeline.failure)
            severity = Event.WARNING_HI if bad else Event.WARNING_LO
            self.say("recording_space", pipeline.failure or verdict.words, severity)


def _fresh(output: str, run_folder: str) -> Path:
    """A folder for a bag that does not exist yet."""
    if output:
        return Path(output)
    if not run_folder:
        return Path(f"bag_{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    folder, number = Path(run_folder) / "bag", 1
    while folder.exists():
        number += 1
        folder = Path(run_folder) / f"bag_{number}"
    return folder


def main() -> None:
    """Entry point."""
    run(RecordingNode)


if __name__ == "__main__":
    main()
