"""Losses of adversarial networks, of the scores that a discriminator gives to real and to generated pictures.

A score is the logit of being real; that of a critic has no scale. `original` and `non_saturating`: Ian Goodfellow et
al., "Generative Adversarial Nets", 2014, arXiv:1406.2661; `least_squares`: Xudong Mao et al., 2017, arXiv:1611.04076;
`hinge`: Jae Hyun Lim and Jong Chul Ye, 2017, arXiv:1705.02894; `wasserstein`: Martin Arjovsky et al., 2017,
arXiv:1701.07875, who bound the critic's slope by clipping its weights, in place of which a penalty or spectral norms
are needed here. Penalties: Ishaan Gulrajani et al., 2017, arXiv:1704.00028 (gradient penalty); Lars Mescheder et al.,
2018, arXiv:1801.04406 (R1).
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

AdversarialLoss = Literal["original", "non_saturating", "least_squares", "hinge", "wasserstein"]


def discriminator_loss(kind: AdversarialLoss, real: Tensor, generated: Tensor, real_target: float = 1.0) -> Tensor:
    """Returns what a discriminator minimises.

    Args:
        kind: The loss. `original` and `non_saturating` differ in the generator's alone.
        real: Scores of real pictures, float32 [B].
        generated: Scores of generated pictures, float32 [B].
        real_target: What real pictures are to be taken for; below 1 in one-sided label smoothing. Hinge and Wasserstein
            losses have no targets.
    """
    if kind in ("original", "non_saturating"):
        targets = torch.full_like(real, real_target)
        return binary_cross_entropy_with_logits(real, targets) + softplus(generated).mean()
    if kind == "least_squares":
        return ((real - real_target).square().mean() + generated.square().mean()) / 2
    if kind == "hinge":
        return relu(1 - real).mean() + relu(1 + generated).mean()
    return generated.mean() - real.mean()


def generator_loss(kind: AdversarialLoss, generated: Tensor) -> Tensor:
    """Returns what a generator minimises, given the scores of its pictures, float32 [B]."""
    if kind == "original":
        return -softplus(generated).mean()  # log(1 - D), which is flat where the discriminator is sure
    if kind == "non_saturating":
        return softplus(-generated).mean()  # -log D
    if kind == "least_squares":
        return (generated - 1).square().mean() / 2
    return -generated.mean()


def squared_gradients(scores: Tensor, images: Tensor) -> Tensor:
    """Returns the squared norm of each score's gradient with respect to its image, float32 [B].

    It can itself be differentiated.

    Args:
        scores: [B], computed from the images. No score may depend on another's image, as in a batch norm.
        images: [B, C, H, W], with gradients.
    """
    (gradients,) = torch.autograd.grad(scores.sum(), images, create_graph=True)
    return gradients.float().flatten(1).square().sum(1)


def r1_penalty(scores: Tensor, images: Tensor) -> Tensor:
    """Returns half the mean squared gradient of the scores of real pictures; arguments as in `squared_gradients`."""
    return squared_gradients(scores, images).mean() / 2


def gradient_penalty(scores: Tensor, images: Tensor) -> Tensor:
    """Returns the mean squared distance of gradient norms from 1, of scores of pictures between real and generated."""
    norms = (squared_gradients(scores, images) + 1e-12).sqrt()  # the root of 0 has no derivative
    return (norms - 1).square().mean()


def between(real: Tensor, generated: Tensor) -> Tensor:
    """Returns a random point between each real picture and a generated one, [B, C, H, W]."""
    share = torch.rand(len(real), 1, 1, 1, device=real.device, dtype=real.dtype)
    return torch.lerp(real, generated.to(real.dtype), share)
