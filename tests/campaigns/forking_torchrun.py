"""torchrun whose processes are forked from one that has imported all they need, so that a start takes a second.

    python -m tests.campaigns.forking_torchrun --nproc-per-node 2 ... cli.py fit ...

Its options, its agent and the environment of its processes are torchrun's own.
"""

import importlib
import sys
import uuid

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import elastic_launch
from torch.distributed.run import config_from_args, parse_args

from tests import processes


def main(words: list[str]) -> int:
    """Runs torchrun; returns its exit code."""
    options = parse_args(words)
    if options.standalone:
        options.rdzv_backend, options.rdzv_endpoint, options.rdzv_id = "c10d", "localhost:0", uuid.uuid4().hex
    config, _, _ = config_from_args(options)
    config.start_method = "fork"
    for name in processes.IMPORTED:
        importlib.import_module(name)
    try:
        elastic_launch(config, processes.run_or_exit)(options.training_script_args)
    except ChildFailedError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
