"""Writes the tables in benchmarks/README.md and docs/performance.md: `python -m benchmarks`."""

from pathlib import Path

from benchmarks.page import FOLDER, insert, table
from benchmarks.performance_page import PAGE, render


def main(folder: Path = FOLDER, performance: Path = PAGE) -> None:
    """Writes the figures of the records in `results/` into the pages.

    Args:
        folder: Holds the scripts, their records and README.md.
        performance: The page on where the time goes.
    """
    path = folder / "README.md"
    path.write_text(insert(path.read_text(encoding="utf-8"), table(folder)), encoding="utf-8")
    performance.write_text(render(performance.read_text(encoding="utf-8"), folder), encoding="utf-8")
    print(f"written to {path} and {performance}")


if __name__ == "__main__":
    main()
