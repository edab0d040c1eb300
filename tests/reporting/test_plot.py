import io

import matplotlib.image
import pytest

from mmst.reporting.plot import accuracy_plot


@pytest.mark.parametrize("accuracy", [0.0, 0.4, 1.0])
def test_a_plot_is_a_picture_with_something_on_it(accuracy):
    cell = {"n": 10, "accuracy": accuracy, "low": max(0.0, accuracy - 0.1), "high": min(1.0, accuracy + 0.1)}
    arms = {arm: dict.fromkeys(("text", "code"), cell) for arm in ("base", "multi")}
    image = matplotlib.image.imread(io.BytesIO(accuracy_plot(arms)))
    assert image.shape[0] > 300
    assert image[..., :3].min() < 0.9


def test_names_are_plain_text():
    cell = {"n": 10, "accuracy": 0.5, "low": 0.4, "high": 0.6}
    assert accuracy_plot({r"$\frac{a$": {"$5 and $6": cell}}).startswith(b"\x89PNG")
