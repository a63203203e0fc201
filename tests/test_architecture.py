"""The rooms stand on each other in one order, and say truly what is in them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.processes import ROOT
from tests.sources import LEVELS, sources

# Within a room: from top to bottom again, where it has rooms of its own. The rest of the room stands on top of them.
INNER = {
    "datamodules": (("images", "text"), ("foreign_batches",), ("base", "batches")),
    "lightning_modules": (("tasks",), ("layers", "schedules", "optimizers"), ("alternating",)),
    "callbacks": (("media", "divergence"),),
    "engine": (("runs",), ("settings", "speed")),
}
LONGEST = 260  # lines of a file

# Files without a test file of their own, and where they are tested: what has no behaviour apart from its users.
TESTED_ELSEWHERE = {
    "benchmarks/__main__.py": "benchmarks/test_page.py",
    "benchmarks/gpu_parts/configured.py": "benchmarks/gpu_parts/test_precision.py",
    "benchmarks/gpu_parts/ddp.py": "benchmarks/test_gpu.py",
    "benchmarks/gpu_parts/input.py": "benchmarks/test_input_pipeline.py",
    "benchmarks/gpu_parts/overhead.py": "benchmarks/test_overhead.py",
    "benchmarks/gpu_parts/settings.py": "benchmarks/test_gpu.py",
    "callbacks/exact_resume.py": "engine/runs/test_resume.py",
    "callbacks/media/tensorboard.py": "callbacks/media/test_sink.py",
    "callbacks/media/example_table.py": "callbacks/test_media_after_test.py",
    "callbacks/media/gradient_flow.py": "callbacks/test_media_after_fit.py",
    "callbacks/media/text_samples.py": "callbacks/test_media_after_fit.py",
    "callbacks/run_facts.py": "callbacks/test_record.py",
    "core/protocols/encoding.py": "callbacks/test_features.py",
    "core/protocols/constants.py": "callbacks/test_averaged_weights.py",
    "core/protocols/captions.py": "callbacks/media/test_captions.py",
    "core/protocols/export_forms.py": "lightning_modules/tasks/test_exported.py",
    "core/epochs.py": "callbacks/test_stops.py",
    "core/errors.py": "test_cli.py",  # exit codes and messages
    "core/protocols/judges.py": "engine/test_judges.py",
    "core/media_files.py": "callbacks/media/test_sink.py",
    "core/predictions.py": "engine/predicting/test_predictions.py",
    "core/protocols/pictures.py": "engine/predicting/test_predictions.py",
    "core/protocols/general.py": "callbacks/test_media_after_epoch.py",
    "core/protocols/translation.py": "callbacks/media/test_translations.py",
    "core/protocols/writing.py": "callbacks/test_written_texts.py",
    "datamodules/base/data_module.py": "datamodules/images/test_image_data_module.py",
    "datamodules/base/digest.py": "engine/runs/test_resume.py",
    "datamodules/base/sample_data_module.py": "datamodules/images/test_image_data_module.py",
    "datamodules/base/seeded_loader.py": "datamodules/images/test_loader.py",
    "datamodules/base/sizes.py": "test_own_data.py",
    "datamodules/base/split.py": "datamodules/images/test_image_data_module.py",
    "datamodules/base/splitting.py": "datamodules/images/test_image_data_module.py",
    "datamodules/batches.py": "datamodules/images/test_loader.py",
    "datamodules/foreign_batches.py": "engine/training/test_step_errors.py",
    "datamodules/pairs/batch_count.py": "datamodules/test_translation.py",
    "datamodules/images/classification.py": "datamodules/images/test_image_data_module.py",
    "datamodules/images/encoded.py": "callbacks/test_features.py",
    "datamodules/images/features.py": "callbacks/test_features.py",
    "datamodules/images/file_split.py": "datamodules/test_class_folders.py",
    "datamodules/images/geometry.py": "datamodules/images/test_augmentation.py",
    "datamodules/images/metadata.py": "datamodules/images/test_picture.py",
    "datamodules/images/normalization.py": "datamodules/images/test_image_data_module.py",
    "datamodules/images/picture_folders.py": "datamodules/test_image_folder.py",
    "datamodules/images/splits.py": "datamodules/images/test_image_data_module.py",
    "datamodules/text/corpora.py": "datamodules/test_char_corpus.py",
    "datamodules/text/document_files.py": "datamodules/text/test_text_files.py",
    "datamodules/text/special_symbols.py": "datamodules/text/test_vocabulary.py",
    "datamodules/text/encoding.py": "datamodules/text/test_encoder.py",
    "datamodules/pairs/multi30k.py": "datamodules/test_translation.py",
    "datamodules/pairs/encoder.py": "datamodules/pairs/test_pieces.py",
    "datamodules/pairs/splits.py": "datamodules/test_translation.py",
    "datamodules/text/subwords.py": "datamodules/pairs/test_pieces.py",
    "datamodules/pairs/synthetic.py": "datamodules/test_translation.py",
    "datamodules/text/movie_reviews.py": "datamodules/test_text_classification.py",
    "datamodules/text/numbering.py": "datamodules/test_text_classification.py",
    "datamodules/text/text_data_module.py": "datamodules/test_text_classification.py",
    "datamodules/words/batches.py": "lightning_modules/test_word_vectors.py",
    "datamodules/words/synthetic.py": "datamodules/test_word_corpus.py",
    "datamodules/words/counts.py": "datamodules/test_word_corpus.py",
    "datamodules/words/files.py": "datamodules/test_word_corpus.py",
    "datamodules/words/queries.py": "datamodules/test_word_corpus.py",
    "datamodules/text/language_data_module.py": "datamodules/test_char_corpus.py",
    "datamodules/tunes/written.py": "datamodules/test_music.py",
    "datamodules/tunes/language.py": "datamodules/test_music.py",
    "engine/cli/command.py": "test_cli.py",
    "engine/export/formats.py": "lightning_modules/tasks/test_exported.py",
    "engine/export/parity.py": "engine/export/test_command.py",
    "engine/training/run_messages.py": "test_cli.py",
    "engine/settings/help.py": "test_cli.py",
    "engine/cli/lightning_cli.py": "test_cli.py",
    "lightning_modules/attention_captioner.py": "lightning_modules/test_captioners.py",
    "engine/cli/merged_settings.py": "studies/test_check.py",
    "engine/processes/forkserver_preload.py": "engine/processes/test_forked_commands.py",
    "engine/serving/batcher.py": "engine/serving/test_app.py",
    "engine/serving/guard.py": "engine/serving/test_app.py",
    "engine/serving/page.py": "engine/serving/test_command.py",
    "engine/serving/requests.py": "engine/serving/test_app.py",
    "engine/serving/server.py": "engine/serving/test_command.py",
    "engine/serving/services.py": "engine/serving/test_app.py",
    "engine/restored_model.py": "engine/export/test_command.py",
    "engine/runs/launchers.py": "engine/processes/test_cluster.py",
    "engine/runs/pruning.py": "studies/test_command.py",
    "engine/runs/trial_file.py": "studies/test_study_folder.py",
    "engine/settings/run_identity.py": "results/test_settings.py",
    "lightning_modules/bag_of_ngrams.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/captioner.py": "lightning_modules/test_captioners.py",
    "lightning_modules/layers/attention.py": "lightning_modules/test_translators.py",
    "lightning_modules/layers/masks.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/layers/local_response_norm.py": "lightning_modules/test_alexnet.py",
    "lightning_modules/layers/mobile_sizes.py": "lightning_modules/test_mobilenet.py",
    "lightning_modules/layers/recurrent_cells.py": "lightning_modules/layers/test_recurrent.py",
    "lightning_modules/layers/scale.py": "lightning_modules/test_architectures.py",
    "lightning_modules/layers/sequences.py": "lightning_modules/test_translators.py",
    "lightning_modules/layers/shared_embedding.py": "lightning_modules/test_translators.py",
    "lightning_modules/layers/transformer_layers.py": "lightning_modules/test_translators.py",
    "lightning_modules/layers/rotary_attention.py": "lightning_modules/test_transformer_lm.py",
    "lightning_modules/layers/word_embedding.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/picture_captioner.py": "lightning_modules/test_picture_networks.py",
    "lightning_modules/seq2seq.py": "lightning_modules/test_translators.py",
    "lightning_modules/layers/character_ngrams.py": "lightning_modules/test_word_vectors.py",
    "lightning_modules/layers/huffman.py": "lightning_modules/test_word_vectors.py",
    "lightning_modules/layers/row_gradients.py": "lightning_modules/test_word_vectors.py",
    "lightning_modules/layers/windows.py": "lightning_modules/test_word_vectors.py",
    "lightning_modules/layers/word_objectives.py": "lightning_modules/test_word_vectors.py",
    "lightning_modules/tasks/adversarial.py": "test_generated_runs.py",
    "lightning_modules/tasks/caption_controls.py": "test_caption_runs.py",
    "lightning_modules/tasks/caption_metrics.py": "test_caption_runs.py",
    "lightning_modules/tasks/captioning.py": "test_caption_runs.py",
    "lightning_modules/tasks/classifier.py": "lightning_modules/tasks/test_image_classifier.py",
    "lightning_modules/tasks/language_model.py": "lightning_modules/test_char_rnn.py",
    "lightning_modules/tasks/sequence_writer.py": "lightning_modules/tasks/test_sequence_to_sequence.py",
    "lightning_modules/tasks/task.py": "lightning_modules/tasks/test_image_classifier.py",
    "lightning_modules/tasks/text_classifier.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/tasks/word_map.py": "lightning_modules/tasks/test_word_vector_task.py",
    "lightning_modules/text_cnn.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/text_rnn.py": "lightning_modules/test_text_architectures.py",
    "lightning_modules/transformer_captioner.py": "lightning_modules/test_captioners.py",
    "lightning_modules/transformer.py": "lightning_modules/test_translators.py",
    "datamodules/images/whole_pictures.py": "datamodules/test_style_pictures.py",
    "engine/predicting/gathering.py": "engine/predicting/test_predictions.py",
    "engine/weights/notes.py": "engine/weights/test_initial_weights.py",
    "lightning_modules/layers/style_comparison.py": "lightning_modules/layers/test_tiles.py",
    "lightning_modules/tasks/style_task.py": "lightning_modules/test_style_transfer.py",
    "results/figures.py": "results/test_page.py",
    "results/markdown.py": "results/test_page.py",
    "results/rows.py": "results/test_table.py",
    "results/study_tables.py": "results/test_studies.py",
    "results/table_file.py": "results/test_table.py",
    "studies/report/details.py": "studies/report/test_command.py",
    "studies/report/page.py": "studies/report/test_command.py",
    "studies/run_on_disk.py": "studies/test_run_folders.py",
    "studies/claims.py": "studies/test_study_folder.py",
    "studies/tools.py": "studies/test_command.py",
    "studies/progress.py": "studies/test_command.py",
    "inspection/activations.py": "inspection/test_command.py",
    "inspection/catalogue.py": "inspection/test_command.py",
    "inspection/decision_surface.py": "inspection/test_command.py",
    "inspection/embedding_map.py": "inspection/test_command.py",
    "inspection/filters.py": "inspection/test_layers.py",
    "inspection/grad_cam.py": "inspection/test_layers.py",
    "inspection/mistakes.py": "inspection/test_command.py",
    "inspection/page.py": "inspection/test_command.py",
    "inspection/passages.py": "inspection/test_command.py",
    "inspection/reach.py": "inspection/test_command.py",
    "inspection/subject.py": "inspection/test_command.py",
    "inspection/views.py": "inspection/test_command.py",
    "studies/making.py": "studies/test_command.py",
    "studies/naming.py": "studies/test_study_folder.py",
}


@cache
def tree(path: Path) -> ast.Module:
    """Returns a file's syntax."""
    return ast.parse(path.read_text(encoding="utf-8"))


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Yields the statements within a node, without their expressions, in which nothing is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield child
            yield from statements(child)


def name_of(path: Path) -> str:
    """Returns a file's path from the root."""
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> tuple[str, ...]:
    """Returns a file's module, without `__init__`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@cache
def imports(path: Path) -> list[tuple[str, ...]]:
    """Lists the modules of the project that a file imports, wherever in the file."""
    found = []
    for node in statements(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = tuple(name.split("."))
            if parts[0] in LEVELS and is_module(parts):
                found.append(parts)
    return found


@cache
def is_module(parts: tuple[str, ...]) -> bool:
    """Returns whether a name is that of a file or folder of the project."""
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").is_file() or path.is_dir()


def allowed(importer: tuple[str, ...], imported: tuple[str, ...]) -> bool:
    """Returns whether an import leads down, or stays within a room at one height."""
    if importer[0] != imported[0]:
        return LEVELS[importer[0]] > LEVELS[imported[0]]
    inner = INNER.get(importer[0], ())
    heights = {name: len(inner) - place for place, names in enumerate(inner) for name in names}
    top = len(inner) + 1
    mine, other = (heights.get(module[1], top) if len(module) > 1 else top for module in (importer, imported))
    same_room = importer[1:2] == imported[1:2] or top in (mine, other)
    return mine > other or (mine == other and same_room)


def test_imports_lead_down() -> None:
    up = {
        name_of(path): [
            ".".join(name) for name in imports(path) if len(name) > 1 and not allowed(module_of(path), name)
        ]
        for path in sources()
    }
    assert not {name: imported for name, imported in up.items() if imported}


def test_no_imports_lead_in_a_circle() -> None:
    graph = {}
    for path in sources():
        if path.name != "__init__.py":
            graph[module_of(path)] = {name for name in imports(path) if name[-1] != "__init__"}
    done: set[tuple[str, ...]] = set()

    def visit(module: tuple[str, ...], way: list[tuple[str, ...]]) -> None:
        assert module not in way, " -> ".join(".".join(name) for name in [*way, module])
        if module in done:
            return
        for name in graph.get(module, ()):
            visit(name, [*way, module])
        done.add(module)

    for module in graph:
        visit(module, [])


def test_a_file_can_be_read_at_a_sitting() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert not {name: length for name, length in lengths.items() if length > LONGEST}


def test_a_file_says_first_what_is_in_it() -> None:
    first = {name_of(path): (ast.get_docstring(tree(path)) or "").partition("\n\n")[0] for path in sources()}
    assert not {name: sentence for name, sentence in first.items() if not re.search(r"[.:)]$", sentence)}


def mirrored(path: Path) -> str:
    """Returns where a file's tests belong, such as `tests/core/test_measures.py`."""
    module = path.relative_to(ROOT)
    return f"tests/{module.parent.as_posix()}/test_{module.stem.strip('_')}.py".replace("/./", "/")


def test_a_file_has_its_tests_at_the_same_place() -> None:
    """Or is stated in `TESTED_ELSEWHERE`, with the file of its tests."""
    known = {name_of(path): (ROOT / mirrored(path)).is_file() for path in sources() if path.name != "__init__.py"}
    assert not [name for name, is_mirrored in known.items() if not is_mirrored and name not in TESTED_ELSEWHERE]
    assert not [name for name, is_mirrored in known.items() if is_mirrored and name in TESTED_ELSEWHERE]
    assert not [elsewhere for elsewhere in TESTED_ELSEWHERE.values() if not (ROOT / "tests" / elsewhere).is_file()]


def test_only_files_that_exist_are_said_to_be_tested_elsewhere() -> None:
    assert {*TESTED_ELSEWHERE} <= {name_of(path) for path in sources()}


def test_every_folder_of_tests_is_a_package() -> None:
    """pytest refuses to collect two test files of one name in folders that are none."""
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").is_file()]


def test_no_file_of_the_tests_imports_a_test_file() -> None:
    """What two test files share is in a file of its own, such as `tests/tiny.py`."""
    imported = {}
    for path in (ROOT / "tests").rglob("*.py"):
        names: list[str] = []
        for node in statements(tree(path)):
            if isinstance(node, ast.ImportFrom):
                names += [node.module or "", *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Import):
                names += [alias.name for alias in node.names]
        imported[name_of(path)] = [name for name in names if name.rpartition(".")[2].startswith("test_")]
    assert not {name: names for name, names in imported.items() if names}


def test_the_rules_can_fail() -> None:
    assert not allowed(("datamodules", "base", "cache"), ("engine", "command"))
    assert not allowed(("datamodules", "base", "cache"), ("datamodules", "images", "loader"))
    assert not allowed(("datamodules", "images", "loader"), ("datamodules", "text", "encoder"))
    assert not allowed(("lightning_modules", "layers", "recurrent"), ("lightning_modules", "vgg"))
    assert allowed(("lightning_modules", "vgg"), ("lightning_modules", "tasks", "task"))
    assert allowed(("cli",), ("engine", "command"))
