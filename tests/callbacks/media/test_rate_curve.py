"""The curve of a range test: what it suggests, and where there is nothing to suggest."""

import math

import pytest
import torch

from callbacks.media.rate_curve import draw_rate_curve, rate_curve, smoothed
from core.errors import RunFailed

RATES = torch.logspace(-6, 1, 200, dtype=torch.float64).tolist()


def loss_at(rate: float) -> float:
    """Returns a loss that falls around a rate of 0.01, is lowest at about 0.1, and explodes beyond."""
    place = math.log10(rate)
    return 2.3 - 1.5 / (1 + math.exp(-4 * (place + 2))) + math.exp(6 * (place + 0.6))


def test_the_loss_falls_fastest_over_the_logarithm_of_the_rate() -> None:
    noise = torch.randn(200, generator=torch.Generator().manual_seed(0)) * 0.02
    curve = rate_curve(RATES, [loss_at(rate) + float(noise[place]) for place, rate in enumerate(RATES)])
    assert 0.005 < curve.steepest < 0.02
    assert curve.steepest < curve.lowest <= curve.longest < 0.3
    assert curve.rises
    assert curve.suggested == pytest.approx(curve.longest / 10, rel=0.05)
    figure = draw_rate_curve(curve, 0.05, "a network")
    assert figure.axes[0].get_xscale() == "log"
    assert f"{curve.suggested:g}" in figure.legends[0].get_texts()[2].get_text()


def test_a_floor_that_is_soon_reached_ends_where_the_loss_rises() -> None:
    """As of a model of characters, whose loss falls to that of the letters' frequencies and stays there."""

    def loss(rate: float) -> float:
        dip = 0.02 * math.exp(-20 * (math.log10(rate) + 2.7) ** 2)
        return 3.2 + 1.1 / (1 + (rate / 5e-4) ** 3) + (rate / 0.1) ** 2 - dip

    curve = rate_curve(RATES, [*map(loss, RATES)])
    assert 0.001 < curve.lowest < 0.004
    assert 0.01 < curve.longest < 0.04


def test_a_loss_that_does_not_rise_leaves_the_last_rate() -> None:
    losses = [2.0 - place / 200 for place in range(200)]
    curve = rate_curve(RATES, losses)
    assert (curve.longest, curve.rises) == (RATES[-1], False)
    texts = [text.get_text() for text in draw_rate_curve(curve, 0.05, "a network").legends[0].get_texts()]
    assert "suggested: 1, a tenth of the last rate" in texts
    assert "does not rise up to: 10" in texts
    assert rate_curve(RATES, [*losses[:150], *[math.nan] * 50]).rises, "to what is no number"
    assert rate_curve(RATES, losses, diverged=True).rises


def test_losses_that_are_not_finite_are_left_out() -> None:
    losses = [loss_at(rate) if rate < 0.5 else math.nan for rate in RATES]
    assert len(rate_curve(RATES, losses).losses) == sum(rate < 0.5 for rate in RATES)


@pytest.mark.parametrize(
    ("losses", "reason"),
    [
        ([2.3] * 5, "ended after 5 steps, of which 10 are needed"),
        ([math.nan] * 200, "not finite at any rate; fit with these settings says where"),
        ([2.3] * 5 + [math.inf] * 195, "finite at 5 rates only"),
        ([2.3] * 200, "no rate from 1e-06 to 10 makes"),
    ],
)
def test_a_curve_without_a_fall_suggests_nothing(losses: list[float], reason: str) -> None:
    with pytest.raises(RunFailed, match=reason):
        rate_curve(RATES[: len(losses)], losses)


def test_smoothing_keeps_a_line_and_its_length() -> None:
    line = torch.arange(50, dtype=torch.float64)
    assert torch.allclose(smoothed(line, 2.0)[10:-10], line[10:-10])
    assert len(smoothed(line, 2.0)) == 50
