# Two commands matter: `make demo` tells the whole story, `make test` checks everything.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: demo test docs screenshots tour benchmarks clean

demo: $(READY)
	$(BIN)/unipipe demo $(DEMO)

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n 2

docs: $(READY)
	$(BIN)/python docs/generate.py

screenshots: $(READY) tour
	$(BIN)/python docs/screenshots.py $(or $(DEMO),unipipe-demo)

tour: $(READY)
	$(BIN)/python docs/tour.py $(or $(DEMO),unipipe-demo)

benchmarks: $(READY)
	$(BIN)/python benchmarks/run.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

clean:
	rm -rf .venv build dist *.egg-info
