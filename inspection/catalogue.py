"""All views, in the order of the page."""

from inspection import (
    activations,
    cells,
    decision_surface,
    embedding_map,
    filters,
    grad_cam,
    mistakes,
    neighbours,
    pixels,
    reach,
    words,
)
from inspection.views import View

VIEWS: dict[str, View] = {
    module.VIEW.name: module.VIEW
    for module in (
        decision_surface,
        filters,
        activations,
        grad_cam,
        pixels,
        words,
        cells,
        reach,
        mistakes,
        neighbours,
        embedding_map,
    )
}
