"""One browser for the pages of a module."""

import pytest

from tests.chromium import Chromium


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as chromium:
        yield chromium
