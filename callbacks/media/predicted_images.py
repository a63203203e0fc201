"""Images with the classes that a model predicts."""

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from callbacks.media.titles import shortened

COLUMNS, ROWS = 10, 6  # of images
NAME_WIDTH = 12  # letters of a class name above an image


def draw_predictions(
    images: Tensor, targets: Tensor, guesses: Tensor, probabilities: Tensor, class_names: tuple[str, ...]
) -> Figure:
    """Draws images with their predicted classes; wrong ones in red, with the true class.

    Args:
        images: uint8 [N, H, W, C].
        targets: Classes, int64 [N].
        guesses: Predicted classes, int64 [N].
        probabilities: Their probabilities, [N].
        class_names: Names of the classes.

    Returns:
        The figure.
    """
    rows = -(-len(images) // COLUMNS)
    figure = Figure(figsize=(1.35 * COLUMNS, 1.75 * rows), dpi=120, layout="constrained")
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.axis("off")
    names = [shortened(name, NAME_WIDTH) for name in class_names]
    for axes, image, target, guess, probability in zip(
        figure.axes, images, targets, guesses, probabilities, strict=False
    ):
        picture = Image.fromarray(image.squeeze(-1).numpy())
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        right = target == guess
        truth = "" if right else f"\nis {names[target]}"
        title = f"{names[guess]}: {probability:.0%}{truth}"
        axes.set_title(title, fontsize=9, color="black" if right else "tab:red")
    return figure
