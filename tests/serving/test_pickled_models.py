"""A server process loads what runs code only when it was started with leave to."""

from __future__ import annotations

from pathlib import Path

import mlflow.sklearn
import pandas as pd
import pytest
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

from unipipe_tui.adapters.targets.local import LocalTarget
from unipipe_tui.domain.bundles import seal_bundle
from unipipe_tui.domain.errors import Failed
from unipipe_tui.domain.progress import Silent
from unipipe_tui.domain.serving import ServerState

from .servers import Sealed, all_to, free_port

pytestmark = pytest.mark.xdist_group("serving")


def test_a_pickled_model_is_served_only_by_a_server_that_was_started_with_leave(tmp_path: Path) -> None:
    inputs = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
    model = LogisticRegression().fit(inputs, [0, 0, 1])
    mlflow.sklearn.save_model(
        model,
        tmp_path / "bundle" / "model",
        serialization_format="cloudpickle",
        signature=infer_signature(inputs, [0, 0, 1]),
        pip_requirements=[],
    )
    bundle = seal_bundle(tmp_path / "bundle", model="fraud", version=1, run_id="r")

    wanted = all_to(Sealed(tmp_path / "bundle", bundle))

    def target(*, allow_pickle: bool) -> LocalTarget:
        place = (tmp_path / "serving", tmp_path / "log", "127.0.0.1", free_port())
        return LocalTarget("local", *place, allow_pickle=allow_pickle)

    with pytest.raises(Failed, match=r"fraud version 1 runs code .* saved it as cloudpickle"):
        target(allow_pickle=False).apply(wanted, Silent())
    allowed = target(allow_pickle=True)
    try:
        assert allowed.apply(wanted, Silent()).state is ServerState.READY
    finally:
        allowed.stop(Silent())
