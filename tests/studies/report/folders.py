"""Run folders, written as runs and studies write them, without training."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

MEASURES = {
    "loss": {"better": "min", "digits": 3},
    "acc": {"better": "max", "unit": "%", "digits": 2, "words": "accuracy"},
}
HOSTILE = (
    "</script><script>document.body.dataset.hit=1</script>"
    "<img src='https://evil.example/a.png' onerror='document.body.dataset.hit=2'>"
)


def make_run(
    path: Path,
    *,
    lr: float = 0.1,
    seed: int = 1,
    accuracies: tuple[float, ...] = (0.5, 0.75),
    status: str = "finished",
    with_seconds: bool = True,
    pictures: bool = False,
    name: str = "A",
    **more: Any,
) -> Path:
    """Writes what a run leaves behind.

    Args:
        path: Its folder.
        lr: Its learning rate.
        seed: Its seed.
        accuracies: Validation accuracy after each epoch.
        status: How it ended.
        with_seconds: Whether its rows have seconds, as those of earlier releases have not.
        pictures: Whether it left pictures, texts and tables.
        name: Class of its network.
        more: Entries of `summary.json`.
    """
    path.mkdir(parents=True)
    config = {
        "seed_everything": seed,
        "model": {"class_path": f"lightning_modules.{name}", "init_args": {"lr": lr, "dropout": 0.2}},
    }
    (path / "config.yaml").write_text(yaml.safe_dump(config | {"data": {"init_args": {"data_dir": str(path)}}}))
    rows = ["epoch,step,seconds,lr,val/acc,train/loss" if with_seconds else "epoch,step,lr,val/acc,train/loss"]
    for epoch, accuracy in enumerate(accuracies):
        places = [epoch, 10 * (epoch + 1), *([2.5 * (epoch + 1)] if with_seconds else []), lr]
        rows.append(",".join(str(one) for one in [*places, accuracy, 1 - accuracy]))
    (path / "metrics.csv").write_text("\n".join(rows) + "\n")
    best = max(range(len(accuracies)), key=lambda epoch: accuracies[epoch])
    block = {"epoch": best, "step": 10 * (best + 1), "metrics": {"val/acc": accuracies[best]}}
    session = {
        "started": "2026-01-01",
        "step": 0,
        "command": f"python cli.py fit --config a.yaml --seed_everything {seed}",
    }
    summary = {
        "status": status,
        "seed": seed,
        "sessions": [session | {"code": {"version": "0.1.0", "commit": "0123456789abcdef", "clean": True}}],
        "monitor": {"name": "val/acc", "better": "max"},
        "measures": MEASURES,
        "data": {"name": "digits", "source": "somewhere", "sizes": {"train": 100, "val": 10}},
        "model": {"class": name, "parameters": 1234},
        "last": block | {"metrics": block["metrics"] | {"train/loss": 1 - accuracies[-1]}},
        "best": block,
        "tests": [
            {
                "checkpoint": "best.ckpt",
                "epoch": best,
                "step": block["step"],
                "metrics": {"test/acc": accuracies[best] - 0.01},
            }
        ],
        "epochs": len(accuracies),
        "steps": 10 * len(accuracies),
        "seconds": {"total": 6.0, "fit": 5.0},
        "precision": "32-true",
        "hardware": "a CPU",
        "versions": {"python": "3.11", "torch": "2.14"},
    }
    (path / "summary.json").write_text(json.dumps(summary | more))
    if pictures:
        Image.effect_noise((300, 200), 60).save(path / "confusion.png")
        (path / "samples.txt").write_text("=== epoch 0\nwritten\n")
        (path / "mistakes.csv").write_text("input,guess\n1,2\n")
    return path


def make_study(path: Path, rates: tuple[float, ...] = (0.1, 0.01, 0.001), seeds: tuple[int, ...] = (1, 2)) -> Path:
    """Writes the folder of a study of learning rates, whose last trial failed before it trained."""
    path.mkdir(parents=True)
    file = {
        "method": "grid",
        "metric": {"name": "val/acc", "goal": "maximize"},
        "parameters": {"model.lr": {"values": list(rates)}},
    }
    (path / "study.json").write_text(
        json.dumps({"file": file, "seeds": list(seeds), "settings": {"model.dropout": 0.2}})
    )
    numbered = [(rate, seed) for rate in rates for seed in seeds]
    for number, (rate, seed) in enumerate(numbered):
        failed = number == len(numbered) - 1
        folder = path / f"{number:04}-lr={rate},seed={seed}"
        make_run(folder, lr=rate, seed=seed, accuracies=(0.5, 0.9 - 0.1 * (number // len(seeds)) + 0.01 * seed))
        if failed:
            shutil.rmtree(folder)
            folder.mkdir()
        ended = {"status": "failed" if failed else "finished", "reason": "no memory" if failed else "", "seconds": 5.0}
        trial = {"number": number, "settings": {"model.lr": rate, "seed_everything": seed}, "ended": ended}
        (folder / "trial.json").write_text(json.dumps(trial))
    return path
