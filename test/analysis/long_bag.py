# SPDX-FileCopyrightText: tenacious_rover contributors
# SPDX-License-Identifier: Apache-2.0
"""A long bag for figures: the made-up drive, with pictures of full size. Arguments: folder, s."""

import sys
from pathlib import Path

import numpy as np
import synthetic
from synthetic import STORE, Recipe

from tenacious_rover.recording import metadata
from tenacious_rover.recording.config import RecordingConfig
from tenacious_rover.recording.schema import Schema
from tenacious_rover.recording.writer import BagWriter
from tenacious_rover.rover.contract import Quality


class LongMaker(synthetic.Maker):
    """Through our own writer: chunked, compressed, split."""

    def __init__(self, path, recipe):
        self.recipe = recipe
        self.bag = BagWriter(path, RecordingConfig(sync=False, flush_s=1.0), {"rover": "made up"})
        self.rng = np.random.default_rng(0)
        self.T = STORE.types
        self.picture = None

    def say(self, topic, kind, message, t):
        name = topic if topic.startswith("/") else f"/{topic}"
        if name not in self.bag.counts:
            text, _ = STORE.generate_msgdef(kind, ros_version=2)
            known = Schema(kind, "ros2msg", text, STORE.hash_rihs01(kind))
            self.bag.add_topic(name, kind, (metadata.of_quality(Quality.STATE),), known)
        self.bag.write(name, round(t * 1e9), bytes(STORE.serialize_cdr(message, kind)))
        if name == "/imu/data_raw":
            # The made-up drive speaks at 10 Hz, the contract at 100.
            for n in range(1, 10):
                self.bag.write(
                    name, round((t + 0.01 * n) * 1e9), bytes(STORE.serialize_cdr(message, kind))
                )
        if name == "/odometry" and round(t * 10) % 5 == 0:
            self.pictures(t)
        self.bag.tick()

    def pictures(self, t):
        kind = "sensor_msgs/msg/Image"
        if self.picture is None:
            shade = self.rng.normal(0.0, 1.0, (480, 640, 1)).cumsum(axis=1)
            noise = self.rng.normal(0.0, 2.0, (480, 640, 3))
            self.picture = (110.0 + shade + noise).clip(0, 255).astype(np.uint8).ravel()
        for eye in ("left", "right"):
            image = self.T[kind](
                header=self.header(t, "camera"),
                height=480,
                width=640,
                encoding="rgb8",
                is_bigendian=0,
                step=1920,
                data=self.picture,
            )
            self.say(f"camera/{eye}/image_raw", kind, image, t)


def main():
    maker = LongMaker(Path(sys.argv[1]), Recipe(duration_s=float(sys.argv[2]), images=False))
    synthetic._fill(maker, 0.0)
    maker.bag.close()


if __name__ == "__main__":
    main()
