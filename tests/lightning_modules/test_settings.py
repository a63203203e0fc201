"""Every network takes those of its task's settings that apply to it, and no others."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser

import lightning_modules
from core.errors import InputError
from lightning_modules.tasks.task import Task

SHARED = ("optimizer", "lr_scheduler", "decay_norms_and_biases")
UNSMOOTHED = {"CharRNN", "DCGAN", "FastStyle", "GAN", "Perceptron", "StyleTransfer", "TransformerLM", "WordVectors"}
SMOOTHED = {*lightning_modules.__all__} - UNSMOOTHED
WITH_NORMS = {
    *(
        "AlexNet",
        "AttentionCaptioner",
        "Captioner",
        "ConvNet",
        "DCGAN",
        "DenseNet",
        "EfficientNetLite",
        "FastStyle",
        "GoogLeNet",
        "MLP",
        "MobileNet",
        "MobileNetV2",
        "ModernLeNet5",
        "ResNet",
        "Transformer",
        "TransformerCaptioner",
        "TransformerLM",
        "VGG",
    ),
}
TEXTS = {"BagOfNgrams", "TextRNN"}  # that choose their objective
# What each network needs, and what makes it small.
NEEDED: dict[str, dict[str, object]] = {
    **{name: {"num_classes": 4} for name in lightning_modules.__all__},
    "AlexNet": {"num_classes": 4, "width": 0.02},
    **{
        name: {"vocab_size": 9, "image_size": 16, "network": "convnet", **sizes}
        for name, sizes in (
            ("AttentionCaptioner", {"hidden": 4, "embedding": 4, "attention": 4}),
            ("Captioner", {"hidden": 4, "embedding": 4}),
            ("TransformerCaptioner", {"width": 4}),
        )
    },
    "CharRNN": {"vocab_size": 9, "hidden": 4},
    "DCGAN": {"num_classes": 4, "width": 4},
    "DenseNet": {"num_classes": 4, "depth": 40},
    "LogisticRegression": {"num_classes": 2},
    "MobileNet": {"num_classes": 4, "width_multiplier": 0.1},
    "MobileNetV2": {"num_classes": 4, "width_multiplier": 0.1},
    "GoogLeNet": {"num_classes": 4, "width": 0.1},
    "FastStyle": {"image_size": 16, "width": 2},
    "StyleTransfer": {"image_size": (16, 16)},
    "Perceptron": {"num_classes": 2},
    "TransformerLM": {"vocab_size": 9, "width": 4, "heads": 1},
    "ResNet": {"num_classes": 4, "depth": 20},
    "Seq2Seq": {"vocab_size": 9, "source_vocab_size": 9, "hidden": 4, "embedding": 4, "scoring": "words"},
    "Transformer": {"vocab_size": 9, "source_vocab_size": 9, "width": 4, "scoring": "words"},
    "WordVectors": {"vocab_size": 9, "width": 4},
    "VGG": {"num_classes": 4, "widths": [4], "convolutions": [1]},
    **{name: {"num_classes": 4, "vocab_size": 9} for name in ("BagOfNgrams", "TextCNN", "TextRNN")},
}
# Settings that tasks have, and a network that they do not apply to refuses.
REFUSED = [
    *((name, "norm_lr_factor", 2.0) for name in sorted({*lightning_modules.__all__} - WITH_NORMS)),
    *((name, "label_smoothing", 0.1) for name in sorted({*lightning_modules.__all__} - SMOOTHED)),
    ("TextCNN", "objective", "squared_error"),
    ("TextCNN", "logistic", True),
]


def build(name: str, **settings: object) -> Task:
    """Returns a small network."""
    torch.manual_seed(0)
    return getattr(lightning_modules, name)(**NEEDED[name] | settings)


@cache
def options(name: str) -> dict[str, str]:
    """Returns the help of a network's options by their names."""
    parser = LightningArgumentParser()
    parser.add_class_arguments(getattr(lightning_modules, name), "model")
    return {action.dest.removeprefix("model."): action.help for action in parser._actions if "." in action.dest}


@pytest.mark.parametrize("name", lightning_modules.__all__)
def test_every_network_has_the_settings_that_apply_to_it_with_their_help(name: str) -> None:
    found = options(name)
    expected = {*SHARED}
    expected |= {"label_smoothing"} if name in SMOOTHED else set()
    expected |= {"norm_lr_factor"} if name in WITH_NORMS else set()
    expected |= {"objective", "logistic"} if name in TEXTS else set()
    has = {"label_smoothing", "norm_lr_factor", "logistic", *SHARED} & found.keys()
    assert has == expected - {"objective"}, f"does {name} belong to WITH_NORMS, UNSMOOTHED or TEXTS here?"
    assert expected <= found.keys()
    for setting in expected:
        assert len(found[setting]) > 20, f"{setting} has no help"


@pytest.mark.parametrize("name", lightning_modules.__all__)
def test_a_mistyped_name_is_refused_by_the_constructor(name: str) -> None:
    with pytest.raises(TypeError, match="lable_smoothing"):
        build(name, lable_smoothing=0.1)


@pytest.mark.parametrize("name", ["CharRNN", "TextCNN", "Transformer", "VGG"])  # one of each task
def test_a_mistyped_name_is_refused_by_the_command(name: str, command: Callable[..., tuple[int, str, str]]) -> None:
    data = "tests.tiny_text.TinyDocuments" if "vocab_size" in NEEDED[name] else "tests.tiny.TinyDataModule"
    arguments = ("fit", "--model", f"lightning_modules.{name}", "--data", data, "--model.optimiser", "Adam")
    code, _, errors = command(*arguments)
    assert code == 2
    assert "optimiser" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(("name", "setting", "value"), REFUSED)
def test_a_setting_that_does_not_apply_is_refused(name: str, setting: str, value: object) -> None:
    assert setting not in options(name)
    with pytest.raises(
        (InputError, TypeError), match=f"model.{setting} is {value}: this network|unexpected.*{setting}"
    ):
        build(name, **{setting: value})


@pytest.mark.parametrize("name", lightning_modules.__all__)
def test_a_checkpoint_of_a_model_made_in_python_loads(name: str, tmp_path: Path) -> None:
    model = build(name, decay_norms_and_biases=False)
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.strategy.connect(model)
    model._trainer = trainer
    trainer.save_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    loaded = type(model).load_from_checkpoint(tmp_path / "model.ckpt", weights_only=True)
    assert loaded.hparams == model.hparams
    assert {*NEEDED[name], "decay_norms_and_biases", "norm_lr_factor"} <= model.hparams.keys()
    assert "training" not in model.hparams
    assert not loaded.decay_norms_and_biases
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value), key


# Values that make no sense, by what the name of a setting ends with.
NONSENSE: dict[str, tuple[float, ...]] = {
    "aux_weight": (-1.0,),
    "dropout": (-1.0, 3.0),
    "initializer_scale": (-1.0,),
    "label_smoothing": (-1.0, 3.0),
    "norm_epsilon": (-1.0, 0.0),
    "norm_lr_factor": (-1.0, 0.0),
    "norm_momentum": (-1.0, 3.0),
    "rubbish": (-1.0,),
}


@pytest.mark.parametrize("name", lightning_modules.__all__)
def test_a_number_that_makes_no_sense_is_refused_by_the_constructor(name: str) -> None:
    """Of label smoothing 3 was refused in the first step, after the header, and -1 never; nor were norms' momenta."""
    for setting in options(name):
        for end, values in NONSENSE.items():
            needed = {"initializer": "normal"} if end == "initializer_scale" else {}
            for value in values if setting.endswith(end) else ():
                with pytest.raises(ValueError, match=end.rpartition("_")[2]):
                    build(name, **needed, **{setting: value})
