"""Packages as requirement lines name them, in every form that MLflow and people write."""

from __future__ import annotations

import pytest

from unipipe_tui.domain.run_files import packages_of


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("numpy==2.1.0", {"numpy": "2.1.0"}),
        ("Scikit_Learn[extra] == 1.5  # why", {"scikit-learn": "1.5"}),
        ("pandas>=2,<3 ; python_version < '4'", {"pandas": ">=2,<3"}),
        ("python=3.11.7=h123_0", {"python": "3.11.7"}),
        ("torch==2.0.1+cu118", {"torch": "2.0.1+cu118"}),
        ("tool @ git+https://host/x", {"tool": "@ git+https://host/x"}),
        ("mlflow", {"mlflow": "any"}),
        ("# a comment", {}),
        ("-r other.txt", {}),
        ("--extra-option=x", {}),
        ("", {}),
    ],
)
def test_a_requirement_line_names_a_package_and_its_version(line: str, found: dict[str, str]) -> None:
    assert packages_of([line]) == found
