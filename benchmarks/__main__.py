"""Writes the table of benchmarks/README.md anew: `python -m benchmarks`."""

from pathlib import Path

from benchmarks.page import FOLDER, insert, table


def main(folder: Path = FOLDER) -> None:
    """Puts what the records in `results/` say into the README beside them."""
    path = folder / "README.md"
    page = path.read_text(encoding="utf-8")
    path.write_text(insert(page, table(folder)), encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
