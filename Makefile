PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test check bench lock clean

demo: $(VENV)/.runs ## build the demonstration office if there is none, and serve it
	$(BIN)/huigong demo

test: $(STAMP) ## the whole suite on SQLite; what opens a database again on PostgreSQL
	$(BIN)/pytest -n 2
	HUIGONG_TEST_DATABASE=postgresql $(BIN)/pytest -n 2

check: $(STAMP) ## format, lint, types, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/huigong scheme check schemes/*.toml

bench: $(VENV)/.bench ## every limit on time and memory, beside its peers
	$(BIN)/python -m benchmarks

lock: ## renew the pinned versions with hashes
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --extra dev --extra postgres -o requirements-dev.txt pyproject.toml

$(VENV)/.runs: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	touch $@

$(STAMP): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@ $(VENV)/.runs

# OpenFisca-core is for comparison only: it is in no lock and no other extra.
$(VENV)/.bench: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
