# Two commands matter: `make demo` tells the whole story, `make test` checks everything.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
BACKENDS := needs_docker or needs_kubernetes
TOLD := .venv/.backends.txt

.PHONY: demo test docs screenshots tour benchmarks clean

demo: $(READY)
	$(BIN)/unipipe demo $(DEMO)

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@# Tests of engines and clusters mostly wait: they run beside the others, and what they say comes at the end.
	@$(BIN)/pytest -m "$(BACKENDS)" > $(TOLD) 2>&1 & beside=$$!; trap "kill $$beside" INT TERM; \
	$(BIN)/pytest -n 2 -m "not ($(BACKENDS))"; here=$$?; \
	wait $$beside; backends=$$?; cat $(TOLD); exit $$((here | backends))

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
