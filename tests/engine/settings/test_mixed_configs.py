"""Configs of different models do not mix in silence, and one that overrides single settings does not talk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.settings.mixed_configs import notes_of_mixture

RUN = "model: {{class_path: {model}, init_args: {{{arguments}}}}}\ndata: {{class_path: datamodules.Points}}\n{more}"


@pytest.fixture
def first() -> Path:
    """A config of a run."""
    return write("a.yaml", model="lightning_modules.MLP", arguments="dropout: 0.2, widths: [8]", more="wandb: offline")


def write(name: str, model: str, arguments: str = "", more: str = "") -> Path:
    """Writes a config of a whole run."""
    Path(name).write_text(RUN.format(model=model, arguments=arguments, more=more))
    return Path(name)


def merged(**arguments: object) -> dict:
    """Returns what a run of `VGG` records."""
    return {"model": {"class_path": "lightning_modules.VGG", "init_args": arguments}, "wandb": "offline"}


def test_what_stays_of_another_models_config_is_named(first: Path) -> None:
    second = write("b.yaml", model="VGG", arguments="depth: 16")
    (note,) = notes_of_mixture([first, second], (), merged(dropout=0.2, depth=16))
    assert note == "note     b.yaml replaces the model MLP of a.yaml by VGG; kept from a.yaml: model.dropout, wandb"


@pytest.mark.parametrize(
    ("written", "recorded"),
    [
        ("file: ~/words.txt", {"file": "/home/words.txt"}),
        ("lr: 1e-3", {"lr": 0.001}),
        ("widths: [1e1]", {"widths": [10]}),
        ("optimizer: SGD", {"optimizer": {"class_path": "torch.optim.SGD", "init_args": {}}}),
    ],
)
def test_what_stays_is_named_however_it_is_written(written: str, recorded: dict[str, object]) -> None:
    first = write("a.yaml", model="MLP", arguments=written)
    second = write("b.yaml", model="VGG")
    (note,) = notes_of_mixture([first, second], (), merged(**recorded))
    assert note.endswith(f"kept from a.yaml: model.{next(iter(recorded))}")
    (note,) = notes_of_mixture([first, second], [f"model.{next(iter(recorded))}"], merged(**recorded))
    assert note.endswith("kept from a.yaml: nothing")


def test_what_null_has_given_its_default_does_not_stay() -> None:
    first = write("a.yaml", model="MLP", arguments="norm: {momentum: 0.5, size: 3}")
    second = write("b.yaml", model="VGG", arguments="norm: null")
    (note,) = notes_of_mixture([first, second], (), merged(norm={"momentum": 0.1, "size": 3}))
    assert note.endswith("kept from a.yaml: model.norm.size")


def test_many_settings_are_counted(first: Path) -> None:
    names = [f"x{n}" for n in range(9)]
    many = write("a.yaml", model="MLP", arguments=", ".join(f"{name}: 1" for name in names))
    second = write("b.yaml", model="VGG", more="wandb: offline")
    (note,) = notes_of_mixture([many, second], (), merged(**dict.fromkeys(names, 1)))
    assert note.endswith("kept from a.yaml: model.x0, model.x1, model.x2, model.x3, model.x4, model.x5 and 3 more")
    (note,) = notes_of_mixture([many, second], (), merged())
    assert note.endswith("kept from a.yaml: nothing")


@pytest.mark.parametrize(
    "text", ["trainer: {max_epochs: 3}", "model: {init_args: {dropout: 0.1}}", "model: {class_path: MLP}", "weights: x"]
)
def test_a_config_that_overrides_settings_needs_no_note(text: str, first: Path) -> None:
    Path("b.yaml").write_text(text)
    assert not [*notes_of_mixture([first, Path("b.yaml")], (), merged(dropout=0.2))]
    assert not [*notes_of_mixture([first], (), merged())]


SGD = "optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.7, momentum: 0.9}}"


@pytest.mark.parametrize(
    ("flags", "stays"),
    [
        (["model.optimizer"], "model.optimizer.lr"),
        (["model.optimizer.class_path"], "model.optimizer.lr"),
        (["model.optimizer", "model.optimizer.lr"], ""),
        (["model.optimizer.lr"], ""),  # of the same class
    ],
)
def test_what_stays_of_an_optimizer_that_a_flag_replaces_is_named(flags: list[str], stays: str) -> None:
    first = write("a.yaml", model="VGG", arguments=SGD)
    switched = any(not flag.endswith("lr") for flag in flags)
    adam = {"class_path": f"torch.optim.{'Adam' if switched else 'SGD'}", "init_args": {"lr": 0.7, "eps": 0.1}}
    notes = [*notes_of_mixture([first], flags, merged(optimizer=adam))]
    told = f"note     --model.optimizer replaces the optimizer SGD of a.yaml by Adam; kept from a.yaml: {stays}"
    assert notes == ([told] if stays else [])


def test_what_is_below_a_replaced_model_is_told_with_it() -> None:
    first = write("a.yaml", model="MLP", arguments=SGD)
    settings = {"optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.7}}}
    (note,) = notes_of_mixture([first], ["model", "model.optimizer"], merged(**settings))
    assert note == "note     --model replaces the model MLP of a.yaml by VGG; kept from a.yaml: model.optimizer.lr"


def test_the_command_says_so_before_it_begins(config: Path, command: Callable[..., tuple[int, str, str]]) -> None:
    Path("mine.yaml").write_text("model: {class_path: lightning_modules.MLP, init_args: {activation: gelu}}")
    code, output, errors = command("test", "--config", "mine.yaml", "--config", config)
    assert output.startswith("note     tiny.yaml replaces the model MLP of mine.yaml by VGG; kept from mine.yaml:"), (
        errors
    )
    assert code == 0


AVERAGED = "trainer: {callbacks: [{class_path: pytorch_lightning.callbacks.EMAWeightAveraging}, {class_path: Freeze}]}"
OTHERS = [{"class_path": "callbacks.HardSamples"}, {"class_path": "callbacks.Freeze"}]
LEFT_OUT = "note     {cause} leaves EMAWeightAveraging of a.yaml out; trainer.callbacks+ adds to a list"


@pytest.mark.parametrize(
    ("second", "flags", "held", "cause"),
    [
        ("trainer: {callbacks: []}", (), OTHERS, "b.yaml"),
        ("seed_everything: 1", ("trainer.callbacks",), OTHERS, "--trainer.callbacks"),
        ("seed_everything: 1", (), OTHERS, None),  # changed by the program
        ("trainer: {callbacks: null}", (), None, None),  # on purpose
        ("trainer: {callbacks: []}", (), [*OTHERS, {"class_path": "EMAWeightAveraging"}], None),
    ],
)
def test_what_a_list_that_replaces_another_leaves_out_is_named(
    second: str, flags: tuple[str, ...], held: list | None, cause: str | None
) -> None:
    first = write("a.yaml", model="VGG", more=AVERAGED)
    Path("b.yaml").write_text(second)
    notes = [*notes_of_mixture([first, Path("b.yaml")], flags, merged() | {"trainer": {"callbacks": held}})]
    assert notes == ([LEFT_OUT.format(cause=cause)] if cause else [])


def test_one_object_in_place_of_a_list_is_seen_too() -> None:
    first = write("a.yaml", model="VGG", more=AVERAGED)
    settings = merged() | {"trainer": {"callbacks": {"class_path": "callbacks.Freeze"}}}
    assert [*notes_of_mixture([first], ["trainer.callbacks"], settings)] == [
        LEFT_OUT.format(cause="--trainer.callbacks")
    ]
