"""A trained picture starts from the content, from noise or in between, and keeps what a checkpoint has set."""

import pytest
import torch

from lightning_modules.layers.trained_picture import TrainedPicture

CONTENT = torch.full((1, 3, 40, 60), 200.0)


@pytest.mark.parametrize("noise", [0.0, 0.5, 1.0])
def test_it_starts_with_its_share_of_noise(noise: float) -> None:
    torch.manual_seed(0)
    picture = TrainedPicture(3, (40, 60), noise, noise_mean=100.0, noise_std=20.0)
    picture.initialize_from(CONTENT)
    pixels = picture().detach()
    assert pixels.shape == CONTENT.shape
    assert pixels.mean() == pytest.approx(200 - 100 * noise, abs=1)
    assert pixels.std() == pytest.approx(17.6 * noise, abs=0.5)  # of a normal that is cut at two deviations
    assert (pixels - (200 - 100 * noise)).abs().max() <= 40.001 * noise + 1e-3


def test_noise_can_have_a_mean_for_each_colour() -> None:
    picture = TrainedPicture(3, (40, 60), 1.0, [10.0, 100.0, 200.0], noise_std=0.1)
    picture.initialize_from(CONTENT)
    assert picture().detach().mean((0, 2, 3)).tolist() == pytest.approx([10, 100, 200], abs=0.1)
    grey = TrainedPicture(1, (40, 60), 1.0, [10.0, 100.0, 190.0], noise_std=0.1)
    grey.initialize_from(CONTENT[:, :1])
    assert grey().detach().mean().item() == pytest.approx(100, abs=0.1)


def test_coarse_noise_is_smooth() -> None:
    torch.manual_seed(0)
    fine, coarse = (TrainedPicture(1, (40, 60), 1.0, coarseness=factor) for factor in (1.0, 4.0))
    for one in (fine, coarse):
        one.initialize_from(CONTENT[:, :1])
    steps = [(one().detach()[..., 1:] - one().detach()[..., :-1]).std() for one in (fine, coarse)]
    assert steps[1] < 0.5 * steps[0]


def test_what_a_checkpoint_has_set_is_kept() -> None:
    first = TrainedPicture(3, (40, 60))
    first.initialize_from(CONTENT)
    other = TrainedPicture(3, (40, 60))
    other.load_state_dict(first.state_dict())
    other.initialize_from(torch.zeros_like(CONTENT))
    assert other().detach().mean() == pytest.approx(200, abs=1e-3)
