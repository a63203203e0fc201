"""Parameters in groups that an optimizer may treat differently: by kind, by use, and by depth in the network."""

from collections.abc import Iterable, Sequence

from torch import nn
from torch.optim import Optimizer

from core.errors import InputError
from lightning_modules.layers.mark_embedding import MarkEmbedding

KINDS = ("weights", "embeddings", "head", "norms", "biases")  # names of the groups by kind
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag, MarkEmbedding)


def weights_of(layers: Iterable[nn.Module]) -> list[nn.Parameter]:
    """Returns the matrices and filters of layers, or of modules of layers."""
    return [parameter for layer in layers for parameter in layer.parameters() if parameter.ndim > 1]


def groups_by_kind(
    model: nn.Module,
    parameters: Iterable[nn.Parameter],
    head: Iterable[nn.Module],
    outputs: Iterable[nn.Parameter] | None = None,
) -> list[dict]:
    """Returns the non-empty groups of `weights`, `head`, `norms` and `biases`, and by use also of `embeddings`.

    Args:
        model: The model, whose norms are looked for.
        parameters: Those of the groups.
        head: Layers, or modules of layers, whose weights form the group `head`.
        outputs: By use, the weights that give the outputs: they are in `head`, too, also where they are those of an
            embedding, so that `weights` has hidden weights alone.

    Raises:
        InputError: The head is no list of modules.
    """
    layers = list(head) if isinstance(head, Iterable) else [head]
    if not isinstance(head, Iterable) or not all(isinstance(layer, nn.Module) for layer in layers):
        raise InputError(
            f"{type(model).__name__}.head_layers returns a {type(head).__name__}; a list of layers is needed"
        )
    norms = [module for module in model.modules() if isinstance(module, NORMS)]
    kinds = {id(parameter): "norms" for norm in norms for parameter in norm.parameters()}
    within = [part for layer in layers for part in layer.modules() if not isinstance(part, NORMS)]
    kinds |= {id(part.weight): "head" for part in within if hasattr(part, "weight")}
    if outputs is not None:
        tables = [module for module in model.modules() if isinstance(module, EMBEDDINGS)]
        kinds |= {id(parameter): "embeddings" for parameter in weights_of(tables)}
        kinds |= {id(parameter): "head" for parameter in outputs}
    groups: dict[str, list[nn.Parameter]] = {kind: [] for kind in KINDS}
    for parameter in parameters:
        groups[kinds.get(id(parameter), "weights" if parameter.ndim > 1 else "biases")].append(parameter)
    return [{"name": name, "params": params} for name, params in groups.items() if params]


def layers_of(network: nn.Module) -> list[nn.Module]:
    """Returns the layers of a network as it lists them, those of a `Sequential` or `ModuleList` one by one."""
    return [
        layer
        for child in network.children()
        for layer in (child.children() if isinstance(child, nn.Sequential | nn.ModuleList) else [child])
    ]


def groups_by_depth(
    model: nn.Module,
    steps: Sequence[nn.Module],
    head: Sequence[nn.Module],
    factor: float,
    outputs: Sequence[nn.Parameter] | None = None,
) -> list[dict]:
    """Returns groups by kind for each step of a network, those of the last step first.

    Args:
        model: The model.
        steps: Its parts from the input to the output; what is in none of them counts as the deepest.
        head: Layers whose weights form the groups `head`.
        factor: Factor on the learning rate for each step from the output, as `depth_factor` of a group.
        outputs: By use, the weights that give the outputs; see `groups_by_kind`.
    """
    steps = [step for step in steps if any(True for _ in step.parameters())]
    groups: list[dict] = []
    seen: set[int] = set()
    for depth, step in enumerate([*reversed(steps), model]):
        own = [parameter for parameter in step.parameters() if id(parameter) not in seen]
        seen |= {id(parameter) for parameter in own}
        rate = factor ** min(depth, max(0, len(steps) - 1))
        groups += [group | {"depth_factor": rate} for group in groups_by_kind(model, own, head, outputs)]
    return groups


def reads_names(optimizer: Optimizer) -> bool:
    """Returns whether an optimizer has a rule for each name of a group, as its class says by `reads_names`."""
    return getattr(optimizer, "reads_names", False)


def can_merge(optimizer: Optimizer) -> bool:
    """Returns whether an optimizer's groups differ only in their parameters, and in names that it does not read."""
    if reads_names(optimizer):
        return False
    groups = optimizer.param_groups
    settings = [{key: value for key, value in group.items() if key not in ("name", "params")} for group in groups]
    return all(other == settings[0] for other in settings)


def are_merged(optimizer_states: Iterable[dict]) -> bool:
    """Returns whether saved optimizers have one group for each network, which is not divided by kind."""
    names = [str(group.get("name")) for state in optimizer_states for group in state["param_groups"]]
    return bool(names) and not any(name.rpartition("/")[2] in KINDS for name in names)
