"""Writes the table in benchmarks/README.md: `python -m benchmarks`."""

from pathlib import Path

from benchmarks.page import FOLDER, insert, table


def main(folder: Path = FOLDER) -> None:
    """Writes the figures of the records in `results/` into the README."""
    path = folder / "README.md"
    page = path.read_text(encoding="utf-8")
    path.write_text(insert(page, table(folder)), encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
