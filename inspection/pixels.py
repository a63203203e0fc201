"""Which pixels of a picture speak for a class, by Captum's integrated gradients.

Mukund Sundararajan, Ankur Taly and Qiqi Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, arXiv:1703.01365.
"""

from collections.abc import Iterator

from matplotlib.figure import Figure as MatplotlibFigure
from torch import Tensor

from callbacks.media.titles import shortened
from core.code.installed import installs
from core.media import Figure
from inspection.subject import Subject
from inspection.views import NotShown, Shown, View

STEPS = 32  # between the grey picture and the picture
AT_ONCE = 64  # pictures of a batch
NAME_WIDTH = 16  # letters of a class name above a picture


def make(subject: Subject) -> Iterator[Shown]:
    """Draws how much each pixel adds to the score of the predicted class.

    Raises:
        NotShown: Captum is not installed, or the network classifies no pictures.
    """
    images = subject.images()
    guesses = subject.seen.guesses
    values = attributions(subject, images, guesses)
    figure = draw_pixels(subject, values, guesses)
    yield Shown(
        Figure(name="pixels", step=subject.step, figure=figure),
        "Red pixels speak for the predicted class, blue ones against it; each picture has a scale of its own.",
    )


def attributions(subject: Subject, images: Tensor, classes: Tensor) -> Tensor:
    """Returns how much each pixel adds to the score of a class, summed over its channels, float32 [N, H, W].

    Args:
        subject: Has the network.
        images: The pictures, [N, C, H, W]; a picture of zeros, which is grey for most, is where the way to them begins.
        classes: The class of each, int64 [N].

    Raises:
        NotShown: Captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients  # an extra
    except ImportError:
        raise NotShown(f"it takes Captum; {installs('inspect')}") from None
    with subject.explaining():
        method = IntegratedGradients(subject.model)
        chosen = classes.to(images.device)
        found = method.attribute(images, target=chosen, n_steps=STEPS, internal_batch_size=AT_ONCE)
    return found.detach().float().sum(1).cpu()


def draw_pixels(subject: Subject, values: Tensor, classes: Tensor) -> MatplotlibFigure:
    """Draws pictures above what their pixels add to a class's score.

    Args:
        subject: Has the pictures.
        values: Of each pixel, float32 [N, H, W].
        classes: The class of each picture, int64 [N].
    """
    pixels, names = subject.pixels(), [shortened(name, NAME_WIDTH) for name in subject.data.class_names]
    figure = MatplotlibFigure(figsize=(1.45 * len(pixels), 3.3), dpi=120, layout="constrained")
    table = figure.subplots(2, len(pixels), squeeze=False)
    for column, (picture, one) in enumerate(zip(pixels, values, strict=True)):
        above, below = table[:, column]
        above.imshow(picture.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        most = float(one.abs().flatten().quantile(0.995)) or 1.0  # a few pixels would leave the others white
        below.imshow(one.numpy(), cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
        above.set_title(names[int(classes[column])], fontsize=10)
    for axes in figure.axes:
        axes.axis("off")
    return figure


VIEW = View(
    "pixels",
    "Pixels that decide",
    "What each pixel adds to the score of the predicted class, by integrated gradients (of Captum): the gradients at "
    "pictures between a grey one and this one, so that all pixels together make up the score. Finer than Grad-CAM, and "
    "noisier; edges stand out in any case.",
    make,
)
