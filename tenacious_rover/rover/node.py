# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Node `rover_state`: the description as text, its fixed frames, and the moving ones from joints.

Fixed frames go out once on `/tf_static`; each `joint_states` moves the rest on `/tf`. A joint that
nobody measures (rockers without encoders) stays at zero, so that the tree is whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from tenacious_rover import ros
from tenacious_rover.node import RoverNode, run
from tenacious_rover.rover import contract
from tenacious_rover.rover.config import bounded
from tenacious_rover.rover.urdf import MOVING, Urdf

if TYPE_CHECKING:
    from sensor_msgs.msg import JointState


@dataclass(frozen=True)
class RoverStateConfig:
    """Of the node."""

    tf_rate_hz: float = bounded(20.0, 1.0, 100.0, "moving frames are published at most this often")


class RoverStateNode(RoverNode):
    """Publishes what the description says."""

    config: RoverStateConfig

    def __init__(self) -> None:
        super().__init__("rover_state", RoverStateConfig)

    def build(self) -> None:
        """Publish what does not change; listen to the joints."""
        self.model = Urdf(self.rover.urdf, self.rover.name)
        joints = self.model.joints.values()
        self.moving = [joint for joint in joints if joint.kind in MOVING]
        self.positions: dict[str, float] = {}
        self.published_s = -1.0
        self.tf = ros.publisher(self, contract.TF)
        self.tf_static = ros.publisher(self, contract.TF_STATIC)
        self.description = ros.publisher(self, contract.ROBOT_DESCRIPTION)
        self.description.publish(String(data=self.rover.urdf))
        fixed = [joint for joint in joints if joint.kind not in MOVING]
        self.tf_static.publish(self._frames(fixed, self.now))
        ros.subscription(self, contract.JOINT_STATES, self._on_joints)

    def _on_joints(self, message: JointState) -> None:
        self.positions |= dict(zip(message.name, message.position, strict=False))
        stamp = ros.to_seconds(message.header.stamp)
        if 0.0 <= stamp - self.published_s < 1.0 / self.config.tf_rate_hz - 1e-6:
            return
        self.published_s = stamp
        self.tf.publish(self._frames(self.moving, stamp))

    def _frames(self, joints: list[Any], seconds: float) -> TFMessage:
        return TFMessage(
            transforms=[
                ros.transform_stamped(
                    seconds,
                    joint.parent,
                    joint.child,
                    joint.at(self.model.position(joint, self.positions)),
                )
                for joint in joints
            ]
        )


def main() -> None:
    """Entry point."""
    run(RoverStateNode)


if __name__ == "__main__":
    main()
