"""What is said of pictures to predict that look unlike those of training."""

import pytest

from datamodules.images.input_notes import note_negatives, note_ranges


@pytest.mark.parametrize(("learned", "means"), [(0.5, [0.9]), (0.13, [0.1, 0.9]), (0.13, [0.3])])
def test_nothing_is_noted_where_it_is_not_clear(learned: float, means: list[float]) -> None:
    assert note_negatives(means, learned) == []


@pytest.mark.parametrize(("learned", "mean"), [(0.13, 0.9), (0.9, 0.1)])
def test_negatives_are_noted_where_most_are(learned: float, mean: float) -> None:
    (line,) = note_negatives([mean, mean, learned], learned)
    assert line.startswith("note     2 of 3 pictures look ")
    assert line.endswith(": --invert predicts their negatives")
    (line,) = note_negatives([mean, mean, learned], learned, inverted=True)
    assert line.startswith("note     2 of 3 pictures, inverted, look ")
    assert line.endswith(": without --invert they are taken as they are")


@pytest.mark.parametrize(
    ("depths", "bits", "said"),
    [
        ([], 16, None),
        ([16, 9], 16, None),
        ([15], 16, None),  # a dim picture
        ([12, 10, 9], 12, None),
        ([12, 10], 16, "2 pictures of 16 bits use at most 12 of them, and were read with white at 65,535"),
        ([14], 16, "1 picture of 16 bits use at most 14"),
        ([12, 13, 16], 12, "2 pictures of 16 bits have values above 4,095"),
    ],
)
def test_ranges_are_noted_where_they_are_others(depths: list[int], bits: int, said: str | None) -> None:
    lines = note_ranges(depths, bits)
    assert len(lines) == (said is not None)
    assert said is None or said in lines[0]
