"""Figures that the documents state are those of the records."""

import json
import re
from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

import pytest

from benchmarks.page import leaves
from engine.settings.config_names import CONFIGS, config_names
from results.overview import COMPARED, verdict
from results.records import Record, read_records
from results.table_file import read_table
from tests.processes import ROOT

TABLE = read_table(ROOT / "results" / "table.yaml")
RECORDS = read_records(ROOT / "results", TABLE)


def medians() -> dict[str, float]:
    """Returns the medians of all benchmarks, by script and path of keys."""
    found = {}
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        results: Mapping[str, Any] = json.loads(path.read_text())["results"]
        found |= {f"{path.stem}/{place}": figures["median"] for place, figures in leaves(results)}
    return found


MEDIANS = medians()


def values(row: str, metric: str) -> list[float]:
    """Returns a logged value of all records of a row; shares in percent."""
    scale = 100 if metric.endswith("acc") else 1
    return [scale * record.metrics[metric] for record in RECORDS[row]]


def seconds(row: str) -> list[float]:
    """Returns how long each run of a row took, in the order of its seeds."""
    return [record.seconds for record in RECORDS[row]]


def mean_of(row: str, metric: str, digits: int = 2) -> str:
    """Returns the mean over the seeds."""
    return f"{mean(values(row, metric)):.{digits}f}"


def median(path: str, digits: int = 2) -> str:
    """Returns the median of a benchmark."""
    return f"{MEDIANS[path]:.{digits}f}"


def measured(script: str) -> dict[str, Any]:
    """Returns all that a benchmark's record holds."""
    return json.loads((ROOT / "benchmarks" / "results" / f"{script}.json").read_text())["results"]


def processor(*scripts: str) -> str:
    """Returns the processor on which benchmarks were all measured."""
    records = [json.loads((ROOT / "benchmarks" / "results" / f"{script}.json").read_text()) for script in scripts]
    (name,) = {re.sub(r"\(R\)| Processor", "", record["hardware"].split(",")[0]) for record in records}
    return name


def verdicts() -> list[int]:
    """Returns how many published numbers ours are compared with, and how many of these have each verdict."""
    rows = [row for section in TABLE.sections for row in section.rows]
    counts = [sum(verdict(row, RECORDS[row.id]) == words for row in rows) for words in COMPARED]
    return [sum(counts), *counts]


def one(row: str) -> Record:
    """Returns the record of a row that has one."""
    (record,) = RECORDS[row]
    return record


CLAIMS: dict[str, list[str]] = {
    "README.md": [
        f"The mean of three seeds is **{mean_of('vgg_bn', 'test/acc')} %** of the 10,000 test images",
        f"The first took {seconds('vgg_bn')[0]:,.0f} seconds on two cores",
        f"the others took {mean(seconds('vgg_bn')[1:]):.0f} seconds each on an NVIDIA H200",
        f"acc {values('vgg_bn', 'val/acc')[0]:.2f}% *",
        f"best validation accuracy {values('vgg_bn', 'val/acc')[0]:.2f}% (epoch 17)",
        f"here of the first, which classifies {values('vgg_bn', 'test/acc')[0]:.2f} % of the test images correctly",
        f"on two cores of an {processor('input_pipeline', 'training', 'predict', 'ddp')} without AMX; "
        f"the first row is of an {processor('overhead')}.",
        f"{median('overhead/mlp/full_of_raw')} a perceptron of two hidden layers of 256, "
        f"{median('overhead/lenet5/full_of_raw')} LeNet-5, {median('overhead/lstm/full_of_raw')} an LSTM, "
        f"{median('overhead/vgg_bn/full_of_raw')} a VGG 64-256-256 "
        f"(bare Lightning: {median('overhead/mlp/bare_of_raw')}, {median('overhead/lenet5/bare_of_raw')}, "
        f"{median('overhead/lstm/bare_of_raw')}, {median('overhead/vgg_bn/bare_of_raw')})",
        f"by torchvision with two workers | {median('input_pipeline/crop/ours_of/torchvision_v1_2_workers', 0)} |",
        f"{median('training/VGG 64-256-256/ours_of_usual', 1)} the VGG 64-256-256, "
        f"{median('training/VGG-16-BN/ours_of_usual', 1)} VGG-16, "
        f"{median('training/ResNet-18/ours_of_usual', 1)} ResNet-18",
        f"of a plain forward pass | {median('predict/vgg_bn/ours_of_raw')} the VGG 64-256-256, "
        f"{median('predict/lenet5/ours_of_raw')} LeNet-5",
        f"of one process with two | {median('ddp/two_processes_of_one')} |",
        f"`fit` ends its first training step {-MEDIANS['startup/first_step_seconds_after_bare_import']:.1f} s before",
        f"`speedrun.yaml` reaches {mean_of('speedrun', 'test/acc')} % of CIFAR-10's test images "
        f"(mean of three seeds), in {min(seconds('speedrun')):.0f} s",
        f"`speedrun_filtered.yaml` reaches {mean_of('speedrun_filtered', 'test/acc')} % (five seeds), in "
        f"{median('speedrun/of_peer/speedrun_filtered')} of airbench94_muon's time on the same CPU",
        f"{measured('gpu')['speedrun']['ours']['mean_accuracy']:.2f} % (ten seeds) in "
        f"{median('gpu/speedrun/ours/seconds')} s of training on an NVIDIA H100, "
        f"{median('gpu/speedrun/seconds_of_peer')} times as long as airbench94_muon there",
        f"**{mean_of('bag_of_ngrams', 'test/acc')} %** of 25,000 test reviews, mean of 3 seeds "
        f"(standard deviation {stdev(values('bag_of_ngrams', 'test/acc')):.2f})",
        f"with a support vector machine {median('text_peers/films/support vector machine/accuracy', 1)};",
        f"91.87 | {mean(seconds('bag_of_ngrams')):.0f}, once the texts are tokenised",
        f"**{mean_of('bag_of_ngrams_titles', 'test/acc')} %** of 10,000 test titles, mean of 3 seeds "
        f"({stdev(values('bag_of_ngrams_titles', 'test/acc')):.2f})",
        f"scikit-learn {median('text_peers/titles/support vector machine/accuracy')}: a tie",
        f"standard error of 0.33 | {mean(seconds('bag_of_ngrams_titles')):.0f} |",
        f"**{mean_of('charrnn_anna', 'val/loss', 3)}** nats a character in validation (3 seeds) | "
        f"published 1.119 | {seconds('charrnn_anna')[1]:,.0f}, one thread",
        f"**{mean_of('char_rnn_large', 'val/loss', 3)}** (3 seeds) | published 1.119 | "
        f"{mean(seconds('char_rnn_large')):,.0f}, one thread",
        f"{mean_of('imdb_lstm', 'test/acc')} % of 2,500 test reviews (3 seeds)",
        f"(standard error 0.75) | {mean(seconds('imdb_lstm')):,.0f} on an NVIDIA H200 |",
        "of the {} published numbers that ours can be compared with, {} are reproduced, ours are better than {}, and "
        "short of {}.".format(*verdicts()),
        f"{mean_of('char_rnn', 'val/loss', 3)} nats in validation, "
        f"{mean_of('char_rnn', 'test/loss', 3)} in the test of its own split (3 seeds) | - | "
        f"{mean(seconds('char_rnn')[1:]):.0f}, one thread",
        f"**{mean_of('seq2seq_letters', 'val/loss', 4)}** nats a letter in validation (3 seeds) | "
        f"published 0.013, padding counted | {mean(seconds('seq2seq_letters')):.0f} on an Intel Xeon with AMX |",
        f"**{mean_of('translate_gru', 'test/bleu_lower')}** BLEU in lower case, "
        f"{mean_of('translate_gru', 'test/bleu')} as written",
        f"**{mean_of('translate', 'test/bleu_lower')}** BLEU in lower case, "
        f"{mean_of('translate', 'test/bleu')} as written, of the same sentences",
        f"of the same tutorial | {seconds('translate')[0]:,.0f} |",
        f"**{mean_of('folk_tunes', 'test/loss', 3)}** nats a character of 103 test tunes (3 seeds) | - | "
        f"{seconds('folk_tunes')[0]:,.0f} |",
    ],
    "docs/performance.md": [
        "Three seeds gave {:.2f}, {:.2f} and {:.2f} % of the test images, ".format(*values("speedrun", "test/acc"))
        + f"{mean_of('speedrun', 'test/acc')} in the mean, the last in {seconds('speedrun')[-1]:.0f} seconds",
        f"Five seeds of it have {mean_of('speedrun_filtered', 'test/acc')} ± "
        f"{stdev(values('speedrun_filtered', 'test/acc')):.2f} % of the test images right",
        f"its training takes {median('speedrun/of_peer/speedrun_filtered')} of the time; the medians of the turns are "
        f"{median('speedrun/accuracy/speedrun_filtered')} % of the test images and "
        f"{median('speedrun/accuracy/peer')} % for airbench94_muon",
        f"same way: {mean_of('speedrun_96', 'test/acc')} % after {one('speedrun_96').seconds:,.0f} seconds, on one",
        "passed 82.45 %, the course's best published figure of a VGG with batch norm, "
        f"{median('time_to_accuracy/speedrun/seconds_to/82.45 %', 0)} seconds from the command's start, and 90 % after "
        f"{median('time_to_accuracy/speedrun/seconds_to/90 %', 0)}",
    ],
    "docs/gpu.md": [
        f"takes {median('gpu/speedrun/ours/seconds')} s from its first step to its end, "
        f"{median('gpu/speedrun/seconds_of_peer')} times as long",
        f"{measured('gpu')['speedrun']['ours']['mean_accuracy']:.2f} % of the test images in the mean of ten seeds "
        f"(standard error {measured('gpu')['speedrun']['ours']['standard_error_of_accuracy']:.2f}), airbench's in the "
        f"same turns {measured('gpu')['speedrun']['peer']['mean_accuracy']:.2f}",
        f"reached {one('resnet18_gpu').metrics['test/acc']:.2%} of the test images and".replace("%", " %"),
        f"(`vgg16_bn_gpu.yaml`) {one('vgg16_bn_gpu').metrics['test/acc']:.2%},".replace("%", " %"),
    ],
    "docs/fine-tune.md": [
        f"our runs classify {mean_of('flowers_features_20', 'test/acc')} ± "
        f"{stdev(values('flowers_features_20', 'test/acc')):.2f} % of the test pictures correctly (five seeds,",
    ],
    "docs/pictures.md": [
        "a run of a hundred iterations with a long side of 384 pixels took "
        f"{one('style_transfer_lite').seconds:.0f} seconds, and one of two hundred with VGG-16's and 256 pixels "
        f"{one('style_transfer').seconds:.0f} seconds.",
    ],
    # limits that the code sets
    "docs/export-and-serve.md": [
        "16 MB, 256 samples, 100,000 characters of a text that is classified, 10,000 symbols that are read or written, "
        "and 40 million pixels are the most."
    ],
    "docs/studies.md": [
        f"{median('small_trials/seconds_beside_training/a_trial_of_a_study')} s of the processor beside its training, "
        "the study's own start included; a process of its own takes "
        f"{median('small_trials/seconds_beside_training/a_process_of_its_own', 1)} s,",
    ],
    "docs/watching.md": [f"They take {median('histograms/percent_of_an_epoch')} % of an epoch of `vgg_bn`"],
    "docs/report.md": ["At most 6 MB: Plotly is 1.9 of them,"],
    # what was published, and what stands beside the command that measures it
    "benchmarks/README.md": ["it was stopped when it had passed 82.45 %,"],
    # what campaigns have shown: tests/campaigns/two_hosts.py
    "docs/several-devices.md": [
        "both processes ended with one line after 61 seconds;",
        "the link is away for 20 seconds",
        "one process made 512 images a second of a tiny network,",
    ],
    "docs/log.md": [
        "5,155 tests took 356 s, from the typed command to its end,",
        "376 s right after an installation,",
        "The 3,849 tests of the day before had taken 425 s.",
        "6,401 tests took 486 s on the same machine,",
        "6,643 tests took 298 s, likewise,",
        "two epochs took 51 and 49 seconds before and 33 and 32 after,",
        "Five epochs: 88 seconds.",
    ],
}
ARITHMETIC = {"scale.md"}  # whose figures are assumed, computed and cited, and say so
DOCUMENTS = sorted(path.name for path in (ROOT / "docs").glob("*.md"))
PAGES = ("README.md", "benchmarks/README.md", *(f"docs/{name}" for name in DOCUMENTS if name not in ARITHMETIC))
FIGURE = re.compile(
    r"(?<![\w.\-/])\d[\d,]*(?:\.\d+)?(?=(?:\*\*)?\s?"
    r"(?:%|(?:ms|µs|(?:micro|milli)?seconds?|s|minutes?|hours?|images/s|nats|[kMG]i?B)\b|images a second))"
)
MADE = re.compile(r"<!-- made by.*?<!-- end[^>]*-->|```.*?```|^    [^\n]*$", re.DOTALL | re.MULTILINE)  # or a command
# What the parts of a config's head begin with, and whether they hold figures: published ones, or those of records.
HEADINGS = {"Published": True, "Expected": True, "Measured": True, "Kept": False, "Not kept": False, "Chosen": False}
HEADING = re.compile(rf"^({'|'.join(HEADINGS)})\b[^:]*:|^$", re.MULTILINE)


@pytest.mark.parametrize(("document", "claim"), [(name, claim) for name, claims in CLAIMS.items() for claim in claims])
def test_a_figure_is_that_of_the_records(document: str, claim: str) -> None:
    assert claim in " ".join((ROOT / document).read_text().split())


@pytest.mark.parametrize("page", PAGES)
def test_every_figure_of_a_page_is_held_by_a_record(page: str) -> None:
    """Tables that are made from records hold theirs."""
    text = " ".join(MADE.sub("", (ROOT / page).read_text()).split())
    for claim in CLAIMS.get(page, []):
        text = text.replace(claim, "")
    assert [text[max(0, found.start() - 40) : found.end() + 20] for found in FIGURE.finditer(text)] == []


def test_every_figure_of_a_configs_head_is_published_or_of_a_record() -> None:
    """What stands behind `Measured` is made by `python -m results page`."""
    for name in config_names():
        head = (CONFIGS / name).read_text().partition("\nmodel:")[0]
        text = re.sub(r"^#[ ]?", "", head, flags=re.MULTILINE)
        headings = [(found.start(), found[1]) for found in HEADING.finditer(text)]
        for found in FIGURE.finditer(text):
            heading = next((heading for start, heading in reversed(headings) if start < found.start()), None)
            where = f"{name}: {text[max(0, found.start() - 40) : found.end() + 20]}"
            assert HEADINGS.get(heading or "", False), where


def test_a_deeper_network_on_exclusive_or_is_better_by_what_its_head_says() -> None:
    deep, shallow = (values(row, "test/loss") for row in ("xor_deep", "xor_mlp"))
    assert all(10 * better <= other for better, other in zip(deep, shallow, strict=True))
    assert "a tenth of xor_mlp's or less" in (CONFIGS / "published" / "xor_deep.yaml").read_text()


@pytest.mark.parametrize("text", ["9.5 %", "**93.58 %**", "1,161 images/s", "12 ms", "766 s", "2 GiB", "1.1 nats"])
def test_a_figure_is_found(text: str) -> None:
    assert FIGURE.search(f"It takes {text} here.")


@pytest.mark.parametrize("text", ["5,000 images", "3 epochs", "2x2", "a 3 by 3 map"])
def test_a_size_is_none(text: str) -> None:
    assert not FIGURE.search(f"It takes {text} here.")
