"""Which captions a picture is shown with is a function of seed and epoch; padding counts where it is to."""

import torch

from datamodules.captioned.splits import CaptionDraws, CaptionedImages
from datamodules.images.augmentation import Augmentation
from datamodules.text.special_symbols import END

COUNTS = torch.tensor([5, 2, 1])


def split() -> CaptionedImages:
    """Returns two pictures with two captions and one."""
    captions = torch.tensor([[[5, 6, END, 0], [7, END, 0, 0]], [[8, 9, 10, END], [0, 0, 0, 0]]], dtype=torch.int32)
    images = torch.arange(2, dtype=torch.uint8).view(2, 1, 1, 1)
    return CaptionedImages(images, captions, torch.tensor([[3, 2], [4, 0]], dtype=torch.int32))


def test_a_batch_has_all_captions_or_those_drawn() -> None:
    index = torch.tensor([1, 0])
    whole = split().batch(split().images[index], index, {})
    assert whole.captions.tolist() == [[[8, 9, 10, END], [0, 0, 0, 0]], [[5, 6, END, 0], [7, END, 0, 0]]]
    assert whole.lengths.tolist() == [[4, 0], [3, 2]]
    assert whole.tokens == 9
    drawn = split().batch(split().images[:1], index[1:], {"captions": torch.tensor([[1]]), "flip": torch.ones(1)})
    assert drawn.captions.tolist() == [[[7, END]]], "no wider than the longest"
    assert list(drawn.draws) == ["flip"]


def test_padding_counts_as_symbols_where_a_caption_is_worn() -> None:
    draws = {"captions": torch.tensor([[0], [0]]), "padded": torch.tensor([[True], [False]])}
    batch = split().batch(split().images, torch.arange(2), draws)
    assert batch.captions.tolist() == [[[5, 6, END, END]], [[8, 9, 10, END]]]
    assert batch.lengths.tolist() == [[4], [4]]


def test_drawn_captions_differ_and_follow_seed_and_epoch() -> None:
    draws = CaptionDraws(None, COUNTS, 2)
    one, again, other = (draws.draw(3, 0, epoch, epoch)["captions"] for epoch in (4, 4, 5))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one[0, 0] != one[0, 1]
    assert set(one[1].tolist()) == {0, 1}
    assert one[2].tolist() == [0, 0], "again where there are too few"
    assert list(CaptionDraws(Augmentation(flip="random"), COUNTS, None).draw(3, 0, 0, 0)) == ["flip"]


def test_a_caption_is_worn_from_its_second_draw_on() -> None:
    draws = CaptionDraws(None, COUNTS, 1, worn=True)
    drawn: list[set[int]] = [set(), set(), set()]
    for epoch in range(6):
        found = draws.draw(3, 7, epoch, epoch)
        for before, caption, padded in zip(drawn, found["captions"].tolist(), found["padded"].tolist(), strict=True):
            assert padded == [caption[0] in before]
            before.add(caption[0])
    assert drawn[1] == {0, 1}
