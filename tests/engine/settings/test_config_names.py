"""Names of the configs."""

from engine.settings.config_names import listed_configs


def test_configs_are_listed_by_folder_and_data_set() -> None:
    lines = [line.split("  ")[0] for line in listed_configs()]
    assert lines[0] == "start with"
    assert lines[1:] == sorted(lines[1:], key=lambda title: (title.startswith("published"), title))
    assert "other" not in lines
