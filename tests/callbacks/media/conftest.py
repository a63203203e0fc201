"""Pictures are rendered in the tests of what draws them."""

import pytest


@pytest.fixture(autouse=True)
def _rendered(rendered: None) -> None:
    """Lets matplotlib render figures in every test of this folder."""
