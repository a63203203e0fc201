"""Ten classes of generated pictures of shapes, so that tests and first runs need no download.

Every picture shows one shape (a disc, a star, a house, ...) at a random position, size and angle, in random colours on
a cloudy background, with clutter and noise. The label depends on the outline only: colours, brightness, position and
left-right direction are independent of the class. A linear model on raw pixels therefore has a low accuracy, a small
convolutional network a much higher one, and a deeper one a higher one still.

Shapes are signed distance functions: maps from a point to its distance from the outline, negative inside. Taking the
minimum of two distances joins two shapes, taking the maximum intersects them, and negating turns a shape inside out.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from core.errors import InputError

CLASS_NAMES: tuple[str, ...] = (
    "disc", "ring", "square", "triangle", "cross", "star", "heart", "moon", "house", "arrow",
)  # fmt: skip

# Pictures are drawn in chunks of this many rounds, one round holding each class once. Chunks bound the memory; drawing
# only whole ones makes picture i the same however many pictures are asked for.
ROUNDS_PER_CHUNK = 25

LEAST_SIZE = 16  # pixels a side
CLUTTER_BEHIND, CLUTTER_IN_FRONT = 3, 3


def synthetic_images(
    n: int, *, seed: int, num_classes: int = 10, image_size: int = 32, in_channels: int = 3
) -> tuple[Tensor, Tensor]:
    """Generates labelled pictures of shapes, the same ones for the same arguments.

    A larger `n` only appends pictures: the first ones are the same. Use different seeds for training and testing.

    Args:
        n: Number of pictures.
        seed: Seed of all the randomness.
        num_classes: Number of classes, the first of `CLASS_NAMES`; 2 to 10.
        image_size: Height and width in pixels; below 16 the shapes cannot be told apart.
        in_channels: Colour channels; 1 gives grey pictures.

    Returns:
        Images, uint8 `[n, image_size, image_size, in_channels]`, and labels, int64 `[n]`, in mixed order with
        class counts that differ by at most one.

    Raises:
        InputError: There are no pictures of so many classes, or so small ones.
    """
    if not 2 <= num_classes <= len(CLASS_NAMES):
        raise InputError(f"data.source synthetic: {num_classes} classes: drawn pictures have 2 to {len(CLASS_NAMES)}")
    if image_size < LEAST_SIZE:
        raise InputError(f"data.source synthetic: {image_size} pixels a side: drawn pictures have {LEAST_SIZE} or more")
    generator = torch.Generator().manual_seed(seed)
    images = torch.empty(n, image_size, image_size, in_channels, dtype=torch.uint8)
    labels = torch.empty(n, dtype=torch.int64)
    for start in range(0, n, ROUNDS_PER_CHUNK * num_classes):
        # Every round is a permutation of the classes, so any prefix of the data is balanced to within one.
        chunk_labels = torch.rand(ROUNDS_PER_CHUNK, num_classes, generator=generator).argsort(dim=1).flatten()
        chunk_images = _draw(chunk_labels, image_size, in_channels, generator)
        stop = min(n, start + len(chunk_labels))
        images[start:stop] = chunk_images[: stop - start]
        labels[start:stop] = chunk_labels[: stop - start]
    return images, labels


def _draw(labels: Tensor, image_size: int, in_channels: int, generator: torch.Generator) -> Tensor:
    """Draws one picture per label.

    Args:
        labels: Classes, `[n]`.
        image_size: Height and width in pixels.
        in_channels: Colour channels.
        generator: Source of the randomness.

    Returns:
        Pictures, uint8 `[n, image_size, image_size, in_channels]`.
    """
    n = len(labels)
    pixel = 2.0 / image_size  # the picture spans -1 to 1 both ways
    axis = (torch.arange(image_size) + 0.5) * pixel - 1.0
    grid_y, grid_x = torch.meshgrid(-axis, axis, indexing="ij")  # [S, S], y pointing up

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(n, *shape, generator=generator) * (high - low) + low

    def colour(level: Tensor) -> Tensor:
        """Returns random colours `[n, C, h, w]` of the given brightness `[n, 1, h, w]`."""
        tint = uniform(-0.3, 0.3, in_channels, *level.shape[2:])
        # Tints cancel over the channels, so that grey pictures, which have none, are about as hard as coloured ones.
        return level + tint - tint.mean(dim=1, keepdim=True)

    def local(size: Tensor, reach: float, tilt: float) -> tuple[Tensor, Tensor]:
        """Returns the coordinates `[n, S, S]` seen by a shape of the given size at a random place and angle."""
        angle = uniform(-tilt, tilt, 1, 1)
        dx, dy = grid_x - uniform(-reach, reach, 1, 1), grid_y - uniform(-reach, reach, 1, 1)
        return (dx * angle.cos() + dy * angle.sin()) / size, (dy * angle.cos() - dx * angle.sin()) / size

    def paint(canvas: Tensor, distance: Tensor, paint_colour: Tensor) -> Tensor:
        # Half a pixel of ramp on either side of the outline is the anti-aliasing.
        cover = (0.5 - distance / pixel).clamp(0.0, 1.0)[:, None]  # [n, 1, S, S]
        return torch.lerp(canvas, paint_colour.expand_as(canvas), cover)

    def clutter(canvas: Tensor) -> Tensor:
        """Paints one small blob, anything from a dot to a bar, in a random colour anywhere."""
        x, y = local(torch.ones(n, 1, 1), reach=1.0, tilt=math.pi)
        half_length = uniform(0.0, 0.35, 1, 1)
        distance = torch.hypot((x.abs() - half_length).clamp(min=0.0), y) - uniform(0.05, 0.13, 1, 1)
        return paint(canvas, distance, colour(uniform(0.1, 0.9, 1, 1, 1)))

    # Clouds: a coarse random picture, blown up smoothly.
    ground_level = uniform(0.2, 0.7, 1, 1, 1)
    clouds = colour(ground_level + uniform(-0.15, 0.15, 1, 4, 4))  # [n, C, 4, 4]
    canvas = interpolate(clouds, size=(image_size, image_size), mode="bicubic")  # [n, C, S, S]
    for _ in range(CLUTTER_BEHIND):
        canvas = clutter(canvas)

    size = uniform(0.3, 0.75, 1, 1)
    x, y = local(size, reach=0.2, tilt=0.5)
    # Mirrored half the time, so that flipping a picture never makes it unusual for its class.
    x = torch.where(uniform(0.0, 1.0, 1, 1) < 0.5, x, -x)
    distance = torch.empty_like(x)
    for label in range(len(CLASS_NAMES)):
        members = labels == label
        distance[members] = signed_distance(label, x[members], y[members])
    # Always lighter than the ground, by little or by much: were it darker half the time, the average picture of every
    # class would be the same and linear models would learn nothing at all.
    canvas = paint(canvas, distance * size, colour(ground_level + uniform(0.15, 0.4, 1, 1, 1)))

    for _ in range(CLUTTER_IN_FRONT):
        canvas = clutter(canvas)
    canvas = canvas + 0.1 * torch.randn(canvas.shape, generator=generator)
    return (canvas.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1)  # [n, S, S, C]


def signed_distance(label: int, x: Tensor, y: Tensor) -> Tensor:
    """Measures how far points lie from the outline of a shape that fills about the unit circle.

    Args:
        label: Which shape, an index into `CLASS_NAMES`.
        x: Coordinates to the right, any shape.
        y: Coordinates upwards, the same shape.

    Returns:
        Distances, negative inside, of the shape of `x`.
    """
    radius, across = torch.hypot(x, y), x.abs()
    match CLASS_NAMES[label]:
        case "disc":
            return radius - 0.85
        case "ring":
            return (radius - 0.7).abs() - 0.2
        case "square":
            return _box(x, y, 0.75, 0.75)
        case "triangle":
            return _roof(across, y, base=-0.65, apex=0.95, half_width=0.95)
        case "cross":
            return torch.minimum(_box(x, y, 0.28, 0.9), _box(x, y, 0.9, 0.28))
        case "star":
            # Fold the plane onto one half of one point, where the outline is a single straight edge.
            turn = 2.0 * math.pi / 5.0
            angle = (torch.remainder(torch.atan2(x, y) + turn / 2, turn) - turn / 2).abs()
            return _beyond_edge(radius * angle.sin(), radius * angle.cos(), (0.0, 1.0), (0.247, 0.340))
        case "heart":
            # A square standing on its corner, with a disc on each of its two upper sides.
            diamond = (across + (y + 0.15).abs()) / math.sqrt(2.0) - 0.55
            return torch.minimum(diamond, torch.hypot(across - 0.39, y - 0.24) - 0.55)
        case "moon":
            return torch.maximum(radius - 0.95, 0.8 - torch.hypot(x - 0.5, y))
        case "house":
            return torch.minimum(_box(x, y + 0.4, 0.6, 0.5), _roof(across, y, base=0.1, apex=0.95, half_width=0.9))
        case "arrow":
            return torch.minimum(_box(x, y + 0.4, 0.22, 0.55), _roof(across, y, base=0.0, apex=1.0, half_width=0.85))


def _box(x: Tensor, y: Tensor, half_width: float, half_height: float) -> Tensor:
    """Returns distances from an upright rectangle around the origin."""
    return torch.maximum(x.abs() - half_width, y.abs() - half_height)


def _roof(across: Tensor, y: Tensor, *, base: float, apex: float, half_width: float) -> Tensor:
    """Returns distances from a symmetric triangle that stands on a level base."""
    return torch.maximum(base - y, _beyond_edge(across, y, (0.0, apex), (half_width, base)))


def _beyond_edge(x: Tensor, y: Tensor, top: tuple[float, float], bottom: tuple[float, float]) -> Tensor:
    """Returns how far points lie to the right of the line through two points, the upper one named first."""
    run, fall = bottom[0] - top[0], top[1] - bottom[1]
    return ((x - top[0]) * fall + (y - top[1]) * run) / math.hypot(run, fall)
