"""A picture that is trained."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class TrainedPicture(nn.Module):
    """Pixels, which start from the content, from noise, or in between.

    The parameter is from 0 to 1 and the picture from 0 to 255: torch's L-BFGS takes gradients as small as those of the
    latter for zero.

    Args:
        channels: 3 of colours, 1 of luminance.
        size: Height and width.
        noise: Share of noise at the start: 0 is the content, 1 noise alone.
        noise_mean: Mean of the noise, from 0 to 255, of all channels or of each.
        noise_std: Standard deviation of the noise, which is cut at two of them.
        coarseness: How many times smaller than the picture the noise is drawn.
    """

    def __init__(
        self,
        channels: int,
        size: tuple[int, int],
        noise: float = 0.0,
        noise_mean: float | list[float] = 127.5,
        noise_std: float = 20.0,
        coarseness: float = 1.0,
    ) -> None:
        super().__init__()
        self.noise, self.noise_mean, self.noise_std, self.coarseness = noise, noise_mean, noise_std, coarseness
        # of three dimensions: four would be laid out channels last, which torch's L-BFGS cannot flatten
        self.pixels = nn.Parameter(torch.zeros(channels, *size))
        self.register_buffer("has_begun", torch.tensor(False))

    @torch.no_grad()
    def initialize_from(self, samples: Tensor) -> None:
        """Sets the pixels by the content [1, C, H, W], unless a checkpoint has set them."""
        if self.has_begun:
            return
        start = samples[0].float()
        if self.noise:
            drawn = torch.empty([1, len(start), *(max(1, round(side / self.coarseness)) for side in start.shape[1:])])
            nn.init.trunc_normal_(drawn, 0.0, self.noise_std, -2 * self.noise_std, 2 * self.noise_std)
            means = torch.tensor(self.noise_mean).flatten()
            drawn += (means if len(means) == len(start) else means.mean(0, keepdim=True))[:, None, None]
            if drawn.shape[2:] != start.shape[1:]:
                drawn = interpolate(drawn, tuple(start.shape[1:]), mode="bicubic")
            start = (1 - self.noise) * start + self.noise * drawn[0].to(start)
        self.pixels.copy_(start / 255)
        self.has_begun.fill_(True)

    def forward(self) -> Tensor:
        """Returns the picture, from 0 to 255, [1, C, H, W]."""
        return 255 * self.pixels[None]
