"""What a person writes to compare two files with Evidently 0.7; run by the Python of its own environment.

    python benchmarks/peers/report_of_evidently.py REFERENCE CURRENT [METHOD]

Without METHOD every column is compared as Evidently does by itself.
"""

from __future__ import annotations

import json
import sys
import warnings

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """Compare, and say how many columns drifted."""
    reference, current, *method = sys.argv[1:]
    warnings.simplefilter("ignore")
    preset = DataDriftPreset(method=method[0]) if method else DataDriftPreset()
    found = Report([preset]).run(pd.read_parquet(current), pd.read_parquet(reference)).dict()
    print(json.dumps(found["metrics"][0]["value"]))


if __name__ == "__main__":
    main()
