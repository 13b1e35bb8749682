# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""Where the rover is in map, from `odometry` and the transform map to odom: for nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tenacious_rover import ros
from tenacious_rover.rover import contract, frames
from tenacious_rover.rover.located import Located

if TYPE_CHECKING:
    from geometry_msgs.msg import TransformStamped
    from nav_msgs.msg import Odometry
    from numpy.typing import NDArray
    from rclpy.node import Node
    from tf2_msgs.msg import TFMessage


class PoseListener:
    """Keeps the newest pose; `latest` is `None` until there is one."""

    def __init__(self, node: Node) -> None:
        self.latest: Located | None = None
        self._map_T_odom: NDArray[np.float64] | None = None
        ros.subscription(node, contract.TF, self._transformed)
        ros.subscription(node, contract.ODOMETRY, self._located)

    def _transformed(self, message: TFMessage) -> None:
        for item in message.transforms:
            if item.header.frame_id == frames.MAP and item.child_frame_id == frames.ODOM:
                self._map_T_odom = _matrix(item)

    def _located(self, message: Odometry) -> None:
        in_map = message.header.frame_id == frames.MAP
        if self._map_T_odom is None and not in_map:
            return
        try:
            a_T_base = ros.from_pose(message.pose.pose)
        except ros.MessageError:
            return
        map_T_odom = np.eye(4) if self._map_T_odom is None else self._map_T_odom
        twist = message.twist.twist
        self.latest = Located(
            ros.to_seconds(message.header.stamp),
            map_T_odom,
            frames.inverse(map_T_odom) @ a_T_base if in_map else a_T_base,
            np.asarray(message.pose.covariance, float).reshape(6, 6),
            float(np.hypot(twist.linear.x, twist.linear.y)),
            abs(float(twist.angular.z)),
        )


def _matrix(item: TransformStamped) -> NDArray[np.float64]:
    t, q = item.transform.translation, item.transform.rotation
    return frames.transform(np.array([t.x, t.y, t.z]), np.array([q.w, q.x, q.y, q.z]))
