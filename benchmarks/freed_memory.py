"""A few training steps in a process that keeps freed memory, or gives it back: it cannot change its mind."""

import json
import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise

import torch
import torch.nn.functional as F

from benchmarks.measure import ROOT
from benchmarks.overhead import vgg
from benchmarks.plain_loop import sgd
from engine.speed.allocator import keep_freed_memory

IMAGES, STEPS = 250, 5  # a step's, and the steps that count; one is made before


def train(kept: bool) -> dict[str, float]:
    """Trains some steps in this process, which keeps freed memory or gives it back.

    Returns:
        Milliseconds and page faults of a step.
    """
    if kept:
        keep_freed_memory()
    network, ends = vgg().to(memory_format=torch.channels_last), []
    optimizer = sgd(weight for weight in network.parameters() if weight.requires_grad)
    images = torch.randn(IMAGES, 3, 32, 32).to(memory_format=torch.channels_last)
    for step in range(STEPS + 1):
        if step == 1:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        with torch.autocast("cpu", torch.bfloat16):
            loss = F.cross_entropy(network(images).float(), torch.zeros(IMAGES, dtype=torch.long))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ends.append(time.perf_counter())
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    step_times = [second - first for first, second in pairwise(ends)]
    return {"milliseconds": 1e3 * statistics.median(step_times), "faults": faults / STEPS}


def train_elsewhere(kept: bool, figure: str) -> float:
    """Returns a figure of `train` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.freed_memory", "kept" if kept else "returned"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])[figure]


if __name__ == "__main__":
    print(json.dumps(train(sys.argv[1] == "kept")))
