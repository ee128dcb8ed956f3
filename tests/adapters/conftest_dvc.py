"""DVC for tests: it notes what it knows of a machine in a folder of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def own_site_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One for all tests of a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path_factory.mktemp("site")))
        yield
