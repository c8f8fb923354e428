"""Whose container it is: a world's alone, whoever built the image."""

from docker.errors import ImageNotFound

from sim.docker.labels import labels, only

COMPOSE = {"com.docker.compose.project": "mine", "com.docker.compose.service": "gateway"}


class Images:
    def __init__(self, found):
        self._found = found

    def inspect_image(self, image):
        if image not in self._found:
            raise ImageNotFound(image)
        return {"Config": {"Labels": self._found[image]}}


def test_what_an_image_has_is_overridden_and_ours_is_kept():
    made = labels(Images({"gw": COMPOSE}), "gw", {"sim.world": "w"})
    emptied = dict.fromkeys(COMPOSE, "")
    assert made == {**emptied, "sim.world": "w"}


def test_a_label_of_ours_wins():
    assert only({"sim.world": "w"}, {"sim.world": "another"}) == {"sim.world": "w"}


def test_an_image_without_labels_or_none_at_all():
    images = Images({"plain": None})
    assert labels(images, "plain", {"a": "b"}) == {"a": "b"}
    assert labels(images, "missing", {"a": "b"}) == {"a": "b"}
