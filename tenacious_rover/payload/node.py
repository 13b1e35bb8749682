# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""The node `payload`, the only writer of the latch: `deploy_payload` over ROS."""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Bool, Empty

from tenacious_interfaces.action import DeployPayload
from tenacious_interfaces.msg import Event
from tenacious_rover import ros
from tenacious_rover.field_node import Errand, FieldNode, near
from tenacious_rover.imaging.error import ImagingError
from tenacious_rover.node import run
from tenacious_rover.payload.config import PayloadConfig
from tenacious_rover.payload.deploying import Deploying, Request
from tenacious_rover.payload.error import Code, PayloadError
from tenacious_rover.rover import contract, frames

_GATE_HZ = 10.0


class PayloadNode(FieldNode):
    """One deployment, ever."""

    config: PayloadConfig

    def __init__(self) -> None:
        super().__init__("payload", PayloadConfig)

    def build(self) -> None:
        """Latch, server; the gate watches from now on."""
        super().build()
        self.deploying = Deploying(self.rover, self.config, self.folder)
        self.attached: bool | None = None
        ros.subscription(self, contract.PAYLOAD_ATTACHED, self._latch)
        self.arm = ros.publisher(self, contract.PAYLOAD_ARM)
        self.release = ros.publisher(self, contract.PAYLOAD_RELEASE)
        self.server = self.serve(DeployPayload, contract.DEPLOY_PAYLOAD, self._deploy)
        idle = LatchErrand(self, None)
        self.create_timer(1.0 / _GATE_HZ, lambda: self.deploying.watch(idle))

    def reconfigured(self) -> None:
        """New limits begin with a locked gate."""
        if hasattr(self, "deploying"):
            self.deploying.configure(self.config)

    def _latch(self, message: Bool) -> None:
        self.attached = bool(message.data)

    async def _deploy(self, handle: Any) -> DeployPayload.Result:
        result = DeployPayload.Result()
        asked = handle.request
        try:
            request = Request(bool(asked.confirm), near(asked.near), asked.search_radius_m)
            done = await self.deploying.deploy(LatchErrand(self, handle), request)
            result.place = ros.pose_stamped(self.now, frames.MAP, done.map_T_payload)
            result.upright, result.photograph = done.upright, done.photograph
        except (PayloadError, ImagingError) as error:
            code = error.code if isinstance(error, PayloadError) else Code.NO_PROOF
            result.error_code, result.error_msg = int(code), str(error)
            self.say("deploy_failed", str(error), Event.WARNING_HI)
        if result.error_code == Code.CANCELED:
            handle.canceled()
        elif result.error_code:
            handle.abort()
        else:
            handle.succeed()
        return result


class LatchErrand(Errand):
    """A field with this node's latch."""

    node: PayloadNode

    def __init__(self, node: PayloadNode, handle: Any) -> None:
        feedback = DeployPayload.Feedback
        super().__init__(node, handle, lambda s, p: feedback(state=s, progress=p))

    @property
    def attached(self) -> bool | None:
        """What the latch reports."""
        return self.node.attached

    def arm(self, on: bool) -> None:
        """Power of the latch."""
        self.node.arm.publish(Bool(data=on))

    def release(self) -> None:
        """Open it."""
        self.node.release.publish(Empty())


def main() -> None:
    """Entry point."""
    run(PayloadNode)


if __name__ == "__main__":
    main()
