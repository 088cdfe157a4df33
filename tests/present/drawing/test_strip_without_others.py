"""A strip of dots on which nobody else's number is shown is drawn without dots."""

import math

import pytest

from mpg_research.present.drawing.chart import Chart
from mpg_research.present.drawing.layout import lay_out
from mpg_research.present.figures.strip import _dots


@pytest.mark.parametrize("others", [[], [math.nan, math.nan], [0.4], [0.4, 0.4, 0.7]])
def test_any_number_of_others_can_be_drawn(others: list[float]) -> None:
    chart = Chart([60.0])
    panel = chart.panel()
    panel.x.see([0.0, 1.0])
    panel.y.low, panel.y.high = -1.0, 1.0
    _dots(panel, others, 0.0)
    assert lay_out(chart, title="Strip", mark="") is not None
