"""Labels of containers: a world's own, and none of anybody else's.

A container inherits the labels of its image. Those that Compose writes into an image that it builds
(`com.docker.compose.project`, …) have it take every container of that image for one of its own: the
crash of a machine ends its `up`, and its `down` removes machines. A label that is given when a
container is made wins over the image's, and an empty one takes it out of Compose's sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from docker.errors import ImageNotFound


def only(own: Mapping[str, str], inherited: Mapping[str, str] | None) -> dict[str, str]:
    """Our labels, and an empty one for each that an image has."""
    return {**dict.fromkeys(inherited or (), ""), **own}


def labels(api: Any, image: str | None, own: Mapping[str, str]) -> dict[str, str]:
    """The labels of a container of this image. Blocks. Raises APIError.

    An image that is not there is for the engine to say, when the container is made.
    """
    try:
        found = api.inspect_image(image)
    except ImageNotFound:
        return dict(own)
    return only(own, found["Config"].get("Labels"))
