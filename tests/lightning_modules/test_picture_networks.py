"""Pictures become features of the right shape, and published weights find their places."""

import pytest
import torch

from core.errors import InputError
from core.protocols.encoding import EncodesPictures
from lightning_modules import AttentionCaptioner, EfficientNetLite
from lightning_modules.efficientnet_lite import Version
from lightning_modules.picture_networks import Packed, make_picture_network


@pytest.mark.parametrize(
    ("name", "size", "places"), [("convnet", 20, 4), ("efficientnet_lite0", 40, 4), ("efficientnet_lite2", 40, 4)]
)
def test_features_are_places_and_their_means(name: str, size: int, places: int) -> None:
    torch.manual_seed(0)
    made = make_picture_network(name, size)
    network = Packed(made.maps, made.top, True).eval()
    images = torch.randn(2, 3, size, size)
    features = network(images)
    assert features.shape == (2, places * made.channels + made.width)
    maps = made.maps(images)
    torch.testing.assert_close(features[:, : made.channels], maps[:, :, 0, 0])
    torch.testing.assert_close(features[:, -made.width :], made.top(maps).mean((2, 3)))
    alone = Packed(made.maps, made.top, False).eval()
    torch.testing.assert_close(alone(images), features[:, -made.width :])
    assert repr(alone) != repr(network)


def test_pictures_that_are_too_small_are_refused() -> None:
    with pytest.raises(InputError, match=r"model\.network efficientnet_lite0: needs pictures of 32 pixels, not 31"):
        make_picture_network("efficientnet_lite0", 31)


@pytest.mark.parametrize("version", ["lite0", "lite2"])
def test_published_weights_find_their_places(version: Version) -> None:
    captioner = AttentionCaptioner(9, 32, network=f"efficientnet_{version}", hidden=4, embedding=4, attention=4)
    network = EfficientNetLite(7, 3, 32, version)
    renamed = captioner.from_torchvision(network.state_dict())
    own = captioner.state_dict()
    missing = [name for name in own if name.startswith("network.") and name not in renamed]
    assert not missing
    assert all(own[name].shape == value.shape for name, value in renamed.items() if name in own)


def test_kept_features_take_the_place_of_pictures() -> None:
    torch.manual_seed(0)
    captioner = AttentionCaptioner(9, 32, network="convnet", hidden=4, embedding=4, attention=4).eval()
    images = torch.randn(2, 3, 32, 32)
    assert isinstance(captioner, EncodesPictures)
    features = captioner.picture_encoder()(images)
    for ours, theirs in zip(captioner.encode(features), captioner.encode(images), strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(captioner.features(features), features[:, -256:])
    whole = AttentionCaptioner(9, 32, network="convnet", frozen=False, hidden=4, embedding=4, attention=4)
    assert whole.picture_encoder() is None
    assert whole.features is None
