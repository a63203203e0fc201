"""What a user probably meant."""

from pathlib import Path

import pytest

from engine.settings.suggestions import (
    USUAL_MODULES,
    class_suggestions,
    names_a_class,
    option_for,
    option_suggestions,
    unregistered,
    word_suggestion,
)

KNOWN = (
    *("trainer.max_epochs", "trainer.min_epochs", "trainer.max_steps", "trainer.devices", "trainer.precision"),
    *("model.class_path", "model.dropout", "model.widths", "model.optimizer.lr", "model.optimizer.momentum"),
    *("model.optimizer.weight_decay", "data.batch_size", "data.eval_batch_size", "data.augmentation.flip"),
    *("model.hidden", "model.embedding_size", "model.num_classes", "model.norm_momentum", "data.data_dir"),
    *("seed_everything", "wandb", "weights", "run_dir", "ckpt_path", "help"),
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lr", "model.optimizer.lr"),
        ("model.lr", "model.optimizer.lr"),
        ("data.lr", "model.optimizer.lr"),
        ("learning_rate", "model.optimizer.lr"),
        ("momentun", "model.optimizer.momentum"),
        ("model.momentun", "model.optimizer.momentum"),
        ("model.momentum", "model.optimizer.momentum"),
        ("data.root", "data.data_dir"),
        ("data_path", "data.data_dir"),
        ("model.optimizer.momentun", "model.optimizer.momentum"),
        ("batch_size", "data.batch_size"),
        ("batch-size", "data.batch_size"),
        ("model.batch_size", "data.batch_size"),
        ("data.batchsize", "data.batch_size"),
        ("epochs", "trainer.max_epochs"),
        ("max-epochs", "trainer.max_epochs"),
        ("trainer.max_epoch", "trainer.max_epochs"),
        ("trainer.epochs", "trainer.max_epochs"),
        ("modle.dropout", "model.dropout"),
        ("dropuot", "model.dropout"),
        ("data.augmentation.flipp", "data.augmentation.flip"),
        ("flip", "data.augmentation.flip"),
        ("weight_decay", "model.optimizer.weight_decay"),
        ("wd", "model.optimizer.weight_decay"),
        ("seed", "seed_everything"),
        ("gpus", "trainer.devices"),
        ("fp16", "trainer.precision"),
        ("resume", "ckpt_path"),
        ("pretrained", "weights"),
        ("output_dir", "run_dir"),
        ("wanbd", "wandb"),
        ("modle", "model"),
        ("model.hidden_size", "model.hidden"),
        ("model.num_hidden", "model.hidden"),
        ("model.embed_dim", "model.embedding_size"),
        ("model.embedding", "model.embedding_size"),
        ("model.rnn_dropout", "model.dropout"),
        ("model.dropout_rate", "model.dropout"),
    ],
)
def test_an_option_is_found_by_its_last_part(typed: str, meant: str) -> None:
    assert option_suggestions(typed, KNOWN)[0] == meant


@pytest.mark.parametrize(
    "typed", ["foo", "model.foo", "trainer.x", "q", "hello_world", "model.num_layers", "model.rate"]
)
def test_a_name_like_no_other_is_answered_with_none(typed: str) -> None:
    assert not option_suggestions(typed, KNOWN)


@pytest.mark.parametrize(
    ("key", "typed", "meant"),
    [
        ("model", "VGGG", "lightning_modules.VGG"),
        ("model", "vgg", "lightning_modules.VGG"),
        ("model", "lightning_modules.VG", "lightning_modules.VGG"),
        ("model", "lightning_module.VGG", "lightning_modules.VGG"),
        ("data", "CIFAR", "datamodules.CIFAR10DataModule"),
        ("model.optimizer", "SGDD", "torch.optim.SGD"),
        ("model.optimizer", "torch.optim.Sgd", "torch.optim.SGD"),
        ("model.lr_scheduler", "WarmupCosin", "lightning_modules.schedules.WarmupCosine"),
        ("trainer.callbacks", "EMAWeightAveragin", "pytorch_lightning.callbacks.EMAWeightAveraging"),
    ],
)
def test_a_class_is_found_by_its_name(key: str, typed: str, meant: str) -> None:
    assert class_suggestions(key, typed)[0] == meant


def test_a_name_without_its_module_is_answered_with_that_class_alone() -> None:
    assert class_suggestions("data", "CIFAR10DataModule") == ["datamodules.CIFAR10DataModule"]


def test_a_config_that_is_given_as_a_model_is_named() -> None:
    assert class_suggestions("model", "VGG_BN") == ["lightning_modules.VGG", "--config vgg_bn.yaml"]


def test_a_class_like_no_other_is_answered_with_none() -> None:
    assert not class_suggestions("model", "Qqqqq")
    assert not class_suggestions("model", "nowhere.Qqqqq")


def test_a_class_that_its_package_does_not_name_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cabinet").mkdir()
    (tmp_path / "cabinet" / "__init__.py").touch()
    (tmp_path / "cabinet" / "se_resnet.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    told = "; cabinet/se_resnet.py is there: name its class in cabinet/__init__.py, or give cabinet.se_resnet.SEResNet"
    assert unregistered("model", "cabinet.SEResNet") == told
    monkeypatch.setitem(USUAL_MODULES, "model", ("cabinet",))
    assert unregistered("model", "SEResNet") == told
    assert unregistered("model", "lightning_modules.vgg") == ""  # but written otherwise
    assert unregistered("model", "cabinet.SEResNext") == unregistered("model", "nowhere.SEResNet") == ""


def test_what_names_a_class_is_known() -> None:
    assert names_a_class("model.optimizer", "SGD")
    assert names_a_class("x", "lightning_modules.VGG")
    assert names_a_class("x", "lightning_modules.optimizers.Tensor")  # imported there from elsewhere
    assert not names_a_class("model", "VGG")  # which is imported only by its path
    assert not names_a_class("model", "VGGG")
    assert not names_a_class("x", "nowhere.VGG")


def test_a_word_without_its_option_is_given_one(tmp_path: Path) -> None:
    assert word_suggestion("vgg_bn") == "; did you mean --config vgg_bn?"
    assert "in quotes" in word_suggestion("8]")
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    assert option_for("mine.yaml") == "--config"
    assert option_for("run") == option_for("a/last.ckpt") == "--ckpt_path"
