"""A wheel, installed into an environment of its own and used from another folder; run by hand.

    python -m tests.campaigns.wheel --folder DIR

The environment sees the packages of this one, so that nothing is downloaded.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from tests.processes import ROOT

LOOK = """
import sys, primer, lightning_modules
from importlib.metadata import files
from primer.lightning_modules import VGG
assert VGG is lightning_modules.VGG
assert lightning_modules.__file__.startswith(sys.prefix), lightning_modules.__file__
tops = {path.parts[0] for path in files("primer") if path.parts[0] not in ("..", "primer")}
assert all(top.endswith(".dist-info") for top in tops), tops
"""


def call(folder: Path, *words: object, code: int = 0, user: Path | None = None) -> str:
    """Runs a program in a folder; returns what it prints.

    Args:
        folder: The folder.
        words: The program and its arguments.
        code: Its exit code.
        user: Where the user's list of known code is (on Linux); this user's own if not given.

    Raises:
        AssertionError: It ends with another exit code.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {} if user is None else {"XDG_STATE_HOME": str(user)}
    begun = time.monotonic()
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    print(f"{time.monotonic() - begun:6.1f} s  {' '.join(command[-5:])[:100]}", flush=True)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def campaign(folder: Path) -> None:
    """Builds, installs, and uses."""
    source, use = folder / "source", folder / "use"
    use.mkdir(parents=True)
    others = {".git", "runs", "data", "build", "tests"}  # at the top, which are not what is installed
    shutil.copytree(ROOT, source, ignore=lambda place, names: others & {*names} if Path(place) == ROOT else [])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    call(folder, *pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
    call(folder, sys.executable, "-m", "venv", "--without-pip", folder / "environment")
    binaries = folder / "environment" / ("Scripts" if sys.platform == "win32" else "bin")
    python, primer = binaries / "python", binaries / "primer"
    call(folder, *pip, "--python", python, "install", "--no-deps", wheel)
    packages = call(folder, python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    Path(packages, "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # behind what was installed

    call(use, python, "-c", LOOK)
    assert "usage: primer" in call(use, primer, "--help")
    assert "_primer()" in call(use, primer, "completion", "bash")
    small = ("--trainer.max_steps", 3, "--trainer.accelerator", "cpu")
    call(use, primer, "fit", "--config", "published/xor_mlp.yaml", "--run_dir", "run", *small)
    call(use, primer, "test", "--ckpt_path", "run")
    call(ROOT, sys.executable, "cli.py", "test", "--ckpt_path", use / "run")  # a checkout takes an installed one's run
    author, other = folder / "author", folder / "other"
    for kind, name in (("model", "my_net"), ("data", "my_data")):
        call(use, primer, "new", kind, name)
        call(use, python, "-m", "pytest", "-q", f"test_{name}.py")
        call(use, primer, "fit", "--config", f"{name}.yaml", "--run_dir", name, *small, user=author)
        call(use, primer, "test", "--ckpt_path", name, user=author)  # who has trained with its code
        assert "--trust" in call(use, primer, "test", "--ckpt_path", name, code=2, user=other)
        call(use, primer, "test", "--ckpt_path", name, "--trust", user=other)
    study = ("study", "hidden_units.yaml", "--dry_run", "--data.source", "synthetic")
    call(use, primer, *study)
    print("all works")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="a new folder")
    campaign(parser.parse_args().folder.resolve())
