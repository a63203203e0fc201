"""Lines between noises, and a strip of pictures over the epochs."""

import torch

from lightning_modules.tasks.generated_media import ROWS, Strip, between_noises


def test_a_line_begins_and_ends_at_its_noises_and_an_arc_keeps_its_length() -> None:
    start, end = torch.randn(2, 3, 50, generator=torch.Generator().manual_seed(0))
    for on_sphere in (True, False):
        line = between_noises(start, end, 7, on_sphere)
        assert line.shape == (3, 7, 50)
        torch.testing.assert_close(line[:, 0], start, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(line[:, -1], end, atol=1e-4, rtol=1e-4)
    start, end = (noise / noise.norm(dim=1, keepdim=True) for noise in (start, end))
    torch.testing.assert_close(between_noises(start, end, 5, True).norm(dim=2), torch.ones(3, 5))
    assert between_noises(start, end, 5, False).norm(dim=2).min() < 0.9


def test_noises_that_are_equal_have_a_line() -> None:
    noise = torch.randn(1, 4)
    torch.testing.assert_close(between_noises(noise, noise, 3, True), noise[:, None].expand(1, 3, 4))


def test_between_opposite_noises_the_line_is_straight() -> None:
    noise = torch.tensor([[2.0], [-1.5]])
    line = between_noises(noise, -noise, 5, True)
    torch.testing.assert_close(line[..., 0], torch.tensor([[2.0, 1.0, 0.0, -1.0, -2.0], [-1.5, -0.75, 0.0, 0.75, 1.5]]))


def test_a_strip_keeps_few_rows_of_many_epochs_and_the_last() -> None:
    strip = Strip()
    for epoch in range(70):
        strip.add(epoch, torch.full((2, 1, 1, 1), epoch, dtype=torch.uint8))
        assert len(strip.rows) <= ROWS
        assert list(strip.rows)[-1] == epoch
    assert list(strip.rows) == [0, 8, 16, 24, 32, 40, 48, 56, 64, 69]
    assert strip.images()[:, 0, 0, 0].tolist()[:4] == [0, 0, 8, 8]


def test_a_strip_that_is_taken_up_goes_on_as_if_nothing_had_been() -> None:
    whole, strip = Strip(), Strip()
    for epoch in range(40):
        picture = torch.full((1, 1, 1, 1), epoch, dtype=torch.uint8)
        whole.add(epoch, picture)
        strip = Strip.of(strip.state_dict())
        strip.add(epoch, picture)
    assert list(strip.rows) == list(whole.rows)
    strip.add(20, picture)  # a run that goes through epochs again
    assert list(strip.rows)[-1] == 20
