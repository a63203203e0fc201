"""Drawn pictures show what their captions say, and are the same for the same seed."""

import torch

from datamodules.captioned.synthetic import COLOURS, synthetic_captions


def test_pictures_follow_their_seed() -> None:
    pictures, captions = synthetic_captions(6, 1, 16)
    again, words = synthetic_captions(6, 1, 16)
    assert torch.equal(pictures, again)
    assert captions == words
    assert synthetic_captions(6, 2, 16)[1] != captions
    assert pictures.shape == (6, 16, 16, 3)
    assert all(len(several) == 5 for several in captions)


def test_the_first_shape_is_where_its_caption_says() -> None:
    """A colour that no other shape has is found in the half of the picture that the caption names."""
    pictures, captions = synthetic_captions(60, 0, 32)
    checked = 0
    for picture, several in zip(pictures.float(), captions, strict=True):
        words = several[0].split()
        colours = [word for word in words if word in COLOURS]
        if len(colours) < 2 or colours[0] == colours[1]:
            continue
        near = [(picture - torch.tensor(COLOURS[colour])).abs().sum(2) < 60 for colour in colours]
        if not (near[0].any() and near[1].any()):
            continue
        down, right = ((near[0].nonzero().float().mean(0) - near[1].nonzero().float().mean(0)) > 0).tolist()
        says = {"above": not down, "below": down, "left": not right, "right": right}
        assert says[next(word for word in words if word in says)], several[0]
        checked += 1
    assert checked > 20
