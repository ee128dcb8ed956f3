"""The image of a version: what it is made by, told without any engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from unipipe_tui.adapters.docker.context import facts_of, pip_settings, write_context
from unipipe_tui.adapters.docker.dockerfile import (
    ImageFacts,
    desired_of_image,
    dockerfile,
    files_named_in,
    image_labels,
    image_requirements,
    recipe_of,
    repository_name,
)
from unipipe_tui.config import ImageConfig
from unipipe_tui.domain.bundles import Bundle, read_bundle, seal_bundle
from unipipe_tui.serving.desired import read_desired

INSTALLED = {"mlflow": "3.17.2", "pandas": "3.1.1", "fastapi": "0.165.0", "prometheus-client": "0.26.0"}
MODEL = """signature: {}
utc_time_created: '2030-11-21 20:18:03.604215'
"""


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A bundle with a model that asks for little."""
    folder = tmp_path / "bundle"
    (folder / "model" / "code").mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text(MODEL)
    (folder / "model" / "requirements.txt").write_text("scikit-learn==1.9.1\n-c constraints.txt\n")
    (folder / "model" / "constraints.txt").write_text("scipy<2\n")
    (folder / "model" / "code" / "odd $name.txt").write_text("x")
    (folder / "model" / "MLmodel").chmod(0o600)
    seal_bundle(folder, model="fraud-detector", version=4, run_id="run-1", commit="c0ffee", data="d47a.dir")
    return folder


def facts(bundle: Bundle, **changes: object) -> ImageFacts:
    made = ImageFacts(bundle, "python:3.11-slim", "mlflow==3.17.2\n", "abc", "0.1.0", "2030-11-21T20:18:03Z")
    return replace(made, **changes)  # type: ignore[arg-type]


def bundle(**changes: object) -> Bundle:
    made = Bundle("fraud-detector", 4, "run-1", 0.5, "c0ffee", "d47a.dir", (), "f" * 64)
    return replace(made, **changes)  # type: ignore[arg-type]


def instructions(text: str) -> list[str]:
    return [line.split()[0] for line in text.replace("\\\n", "").splitlines() if line.strip()]


def test_requirements_of_the_model_stand_first_and_what_serving_needs_is_pinned_as_here() -> None:
    told = image_requirements("scikit-learn==1.9.1\nMLflow==3.17.2\n", INSTALLED).splitlines()
    assert told[:2] == ["scikit-learn==1.9.1", "MLflow==3.17.2"]
    assert "pandas==3.1.1" in told
    assert "prometheus-client==0.26.0" in told
    assert not [line for line in told[2:] if line.lower().startswith("mlflow")]


def test_an_image_can_send_traces_when_it_is_told_where_to() -> None:
    exporter = "opentelemetry-exporter-otlp-proto-http"
    assert f"{exporter}==1.39.0" in image_requirements("", {**INSTALLED, exporter: "1.39.0"}).splitlines()
    # Which versions go with another MLflow, or where the extra is not installed, pip knows.
    assert exporter in image_requirements("mlflow==2.9.0\n", {**INSTALLED, exporter: "1.39.0"}).splitlines()
    assert exporter in image_requirements("", INSTALLED).splitlines()


def test_a_version_that_the_model_pins_is_not_pinned_again() -> None:
    told = image_requirements(
        "mlflow==3.17.2\npandas==2.3.0 ; python_version > '3'\nProMetheus.Client~=0.20", INSTALLED
    )
    assert [line for line in told.splitlines() if "pandas" in line.lower()] == ["pandas==2.3.0 ; python_version > '3'"]
    assert [line for line in told.splitlines() if "metheus" in line.lower()] == ["ProMetheus.Client~=0.20"]


def test_a_model_of_another_mlflow_leaves_to_pip_what_that_one_allows() -> None:
    told = image_requirements("mlflow==2.20.0\n", INSTALLED).splitlines()
    assert {"pandas", "pyarrow", "fastapi"} <= set(told)
    assert "prometheus-client==0.26.0" in told


def test_a_model_without_requirements_gets_mlflow() -> None:
    assert "mlflow==3.17.2" in image_requirements("", INSTALLED).splitlines()


def test_a_model_with_the_skinny_mlflow_gets_no_other() -> None:
    told = image_requirements("mlflow-skinny==3.17.2\n", INSTALLED).splitlines()
    assert [line for line in told if line.startswith("mlflow")] == ["mlflow-skinny==3.17.2"]
    assert "pandas==3.1.1" in told


def test_comments_options_and_addresses_are_no_names_of_packages() -> None:
    text = "# pandas\n--extra-index-url https://example.org/pandas\ngit+https://example.org/mlflow.git\n"
    assert {"pandas==3.1.1", "mlflow==3.17.2"} <= set(image_requirements(text, INSTALLED).splitlines())


def test_files_that_requirements_refer_to_are_found() -> None:
    text = "-c constraints.txt\n--requirement=more.txt\n-r https://example.org/x.txt\npandas\n"
    assert files_named_in(text) == ("constraints.txt", "more.txt")


def test_the_bundle_is_copied_after_everything_that_takes_time() -> None:
    text = dockerfile(facts(bundle()))
    assert instructions(text)[-3:] == ["COPY", "COPY", "LABEL"]
    assert text.index("COPY --from=build") < text.index("COPY code/") < text.index("COPY bundle/")


def test_two_versions_differ_only_after_the_last_layer_that_they_share() -> None:
    one = dockerfile(facts(bundle()))
    two = dockerfile(facts(bundle(version=5, digest="e" * 64, run_id="run-2")))
    assert one.split("COPY bundle/")[0] == two.split("COPY bundle/")[0]
    assert one != two


def test_the_same_facts_give_the_same_bytes() -> None:
    assert dockerfile(facts(bundle())) == dockerfile(facts(bundle()))
    assert desired_of_image(bundle()) == desired_of_image(bundle())


def test_the_image_runs_as_nobody_and_says_whether_it_lives() -> None:
    text = dockerfile(facts(bundle()))
    assert "\nUSER 10001:10001\n" in text
    assert "HEALTHCHECK" in text
    assert "/healthz" in text
    assert "\nEXPOSE 8080\n" in text
    assert '\nENTRYPOINT ["python", "-m", "unipipe_tui.serving"]\n' in text


def test_an_image_loads_a_model_that_runs_code_only_when_that_was_allowed(sealed: Path) -> None:
    def entry(allow_pickle: bool) -> str:
        made = facts_of(sealed, read_bundle(sealed), ImageConfig(), {}, None, allow_pickle=allow_pickle)
        return next(line for line in dockerfile(made).splitlines() if line.startswith("ENTRYPOINT"))

    plain = entry(True)
    flavors = "flavors: {python_function: {loader_module: mlflow.sklearn}, sklearn: {serialization_format: pickle}}"
    (sealed / "model" / "MLmodel").write_text(flavors)
    seal_bundle(sealed, model="fraud-detector", version=4, run_id="run-1")
    assert "--allow-pickle" in entry(True)
    assert entry(False) == plain
    assert "--allow-pickle" not in plain


def test_only_the_classic_words_are_used() -> None:
    text = dockerfile(facts(bundle(), pip_settings=("PIP_INDEX_URL",), has_authorities=True))
    assert "--mount" not in text
    assert "<<" not in text
    assert "# syntax" not in text
    assert "--chmod" not in text
    known = {"FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"}
    assert set(instructions(text)) <= known | {"ENTRYPOINT", "CMD", "LABEL"}


def test_settings_of_pip_are_known_to_the_building_stage_only() -> None:
    text = dockerfile(facts(bundle(), pip_settings=("PIP_INDEX_URL",), has_authorities=True))
    building, running = text.split("\nFROM ")
    assert "\nARG PIP_INDEX_URL\n" in building
    assert "PIP_CERT" in building
    assert "PIP" not in running


def test_labels_bear_the_whole_bundle() -> None:
    labels = image_labels(facts(bundle(), source="https://example.org/fraud.git"))
    wanted = {
        "org.opencontainers.image.title": "fraud-detector",
        "org.opencontainers.image.version": "4",
        "org.opencontainers.image.revision": "c0ffee",
        "org.opencontainers.image.created": "2030-11-21T20:18:03Z",
        "org.opencontainers.image.source": "https://example.org/fraud.git",
        "unipipe.dev/data": "d47a.dir",
        "unipipe.dev/digest": "f" * 64,
        "unipipe.dev/run": "run-1",
        "unipipe.dev/model": "fraud-detector",
    }
    assert wanted.items() <= labels.items()


def test_what_is_not_known_is_no_label() -> None:
    labels = image_labels(facts(bundle(commit=None, data=None), made_at=None))
    assert not [key for key in labels if key.endswith(("revision", "created", "source", "data"))]


def test_a_model_may_be_called_by_any_letters() -> None:
    text = dockerfile(facts(bundle(model='of "Ada" $HOME \\ \n')))
    assert 'org.opencontainers.image.title="of \\"Ada\\" \\$HOME \\\\ "' in text
    assert repository_name('of "Ada" $HOME') == "of-ada-home"
    assert repository_name("***") == "model"


def test_another_base_or_other_code_makes_another_image() -> None:
    first = recipe_of(facts(bundle()))
    others = [
        facts(bundle(), base="python:3.12-slim"),
        facts(bundle(), code="def"),
        facts(bundle(), requirements="x\n"),
    ]
    assert len({first, *map(recipe_of, others)}) == 4
    assert recipe_of(facts(bundle(version=5, digest="e" * 64))) == first


def test_places_on_this_machine_are_no_settings_for_a_build() -> None:
    given = {
        "PIP_INDEX_URL": "https://u:p@example.org/simple",
        "PIP_FIND_LINKS": "/opt/wheels",
        "PIP_EXTRA_INDEX_URL": "file:///opt/simple https://example.org/more",
        "PIP_RETRIES": "3",
        "PIP_TARGET": "/tmp/x",
        "HOME": "/root",
    }
    assert pip_settings(given) == {
        "PIP_INDEX_URL": "https://u:p@example.org/simple",
        "PIP_EXTRA_INDEX_URL": "https://example.org/more",
        "PIP_RETRIES": "3",
    }


def test_the_desired_file_of_the_image_is_one_that_the_server_reads() -> None:
    desired = read_desired(desired_of_image(bundle()).encode(), Path("/opt/unipipe/desired.json"))
    (only,) = desired.variants
    assert (only.weight, only.digest, only.bundle) == (100.0, "f" * 64, Path("/opt/unipipe/bundle"))


def test_no_password_stands_in_what_is_written(sealed: Path, tmp_path: Path) -> None:
    environment = {"PIP_INDEX_URL": "https://user:hush-hush@example.org/simple"}
    place = written(sealed, tmp_path, environment)
    assert not [path for path in place.rglob("*") if path.is_file() and b"hush-hush" in path.read_bytes()]


def written(folder: Path, tmp_path: Path, environment: dict[str, str], name: str = "context") -> Path:
    made = facts_of(folder, read_bundle(folder), ImageConfig(), environment, None)
    return write_context(tmp_path / name, folder, made, environment)


def test_the_context_holds_the_server_and_nothing_else_of_ours(sealed: Path, tmp_path: Path) -> None:
    place = written(sealed, tmp_path, {})
    rooms = {path.name for path in (place / "code" / "unipipe_tui").iterdir()}
    assert rooms == {"__init__.py", "domain", "serving"}
    assert sorted(path.name for path in place.iterdir()) == [
        ".dockerignore", "Dockerfile", "bundle", "code", "desired.json", "pip",
    ]  # fmt: skip
    assert (place / "bundle" / "model" / "code" / "odd $name.txt").is_file()
    assert (place / "pip" / "constraints.txt").read_text() == "scipy<2\n"


def test_everybody_may_read_the_context_whatever_the_bundle_was(sealed: Path, tmp_path: Path) -> None:
    place = written(sealed, tmp_path, {})
    assert {path.stat().st_mode & 0o777 for path in place.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in place.rglob("*") if path.is_dir()} == {0o755}
    assert (sealed / "model" / "MLmodel").stat().st_mode & 0o777 == 0o600


def test_the_context_is_the_same_however_often_it_is_written(sealed: Path, tmp_path: Path) -> None:
    def content(place: Path) -> dict[str, bytes]:
        return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}

    first = content(written(sealed, tmp_path, {}))
    (tmp_path / "context" / "left-over").touch()
    assert content(written(sealed, tmp_path, {})) == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle", "context"]


def test_changing_our_code_does_not_change_what_was_written(sealed: Path, tmp_path: Path) -> None:
    place = written(sealed, tmp_path, {})
    assert {path.stat().st_nlink for path in (place / "code").rglob("*.py")} == {1}


def test_authorities_that_pip_trusts_here_are_trusted_in_the_build(sealed: Path, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("an authority")
    place = written(sealed, tmp_path, {"PIP_CERT": str(tmp_path / "ca.pem")})
    assert (place / "pip" / "ca.crt").read_text() == "an authority"
    assert "PIP_CERT=/build/pip/ca.crt" in (place / "Dockerfile").read_text().split("\nFROM ")[0]


def test_the_moment_of_the_image_is_that_of_the_model(sealed: Path) -> None:
    made = facts_of(sealed, read_bundle(sealed), ImageConfig(), {}, None)
    assert made.made_at == "2030-11-21T20:18:03Z"
    assert "scikit-learn==1.9.1" in made.requirements
