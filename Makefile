# Two commands do all the set-up: `make compare` and `make test`. They need only Python >= 3.10 and network access
# to the package index. `make check` and `make docs` do theirs too.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= results
PIP    := $(BIN)/python -m pip install -q --disable-pip-version-check
# The .pt reader and training need torch. Pinned; `make test TORCH=` goes without (its tests are then skipped).
TORCH  ?= torch==2.13.0
# Synthesis needs pyosys; `make test PYOSYS=` goes without (its tests are then skipped).
PYOSYS ?= pyosys==0.70
# Tests side by side: one a core, eight at most. `make test JOBS=0` runs them in one process, for a debugger.
JOBS   ?= auto
TESTS  ?=

.PHONY: compare test check format docs bench numbers fuzz mutants clean
.PHONY: test-lowest test-newest

compare: $(VENV)/.core
	$(BIN)/hd-plugin compare -o $(OUT)
	@printf '%s\n' '' 'Next:' \
	  '  open $(OUT)/report.html in a browser' \
	  '  . $(BIN)/activate                   hd-plugin is now a command of this terminal' \
	  '  hd-plugin compare YOUR_WEIGHTS -o out/  your own network (.npz .safetensors .pt .tflite .onnx)' \
	  '  hd-plugin --help                        what else there is' \
	  "As a command of its own, anywhere: pipx install '.[standard]', or uv tool install '.[standard]'"

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist worksteal $(TESTS)

# The same on the lowest versions that pyproject.toml allows, and on the newest (tools/versions.py), without torch.
test-lowest test-newest:
	$(PYTHON) tools/versions.py $(@:test-%=%) --jobs $(JOBS) $(TESTS)

# What a commit has to pass, in seconds once it is set up.
check: $(VENV)/.check
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tools/rooms.py --check
	$(BIN)/python -m pytest tests/test_house.py

# What of it can be put right by itself.
format: $(VENV)/.check
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python tools/rooms.py

# Mutated files through every reader (tests/fuzzing.py says what may come of them); some ten minutes.
SEED   ?= 1
COUNT  ?= 3000
fuzz: $(VENV)/.test
	$(BIN)/python tests/fuzzing.py --seed $(SEED) --count $(COUNT)

# Mutants of the code that makes flips of bits and joules of flips; which live, and why: tests/mutants.md. Up to an hour and a half.
mutants: $(VENV)/.test
	$(PIP) -e '.[mutants]'
	CI=1 $(BIN)/mutmut run
	$(BIN)/mutmut results

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

# The numbers of the README and docs/ anew, as far as this machine can (docs/numbers.md); an hour or two.
# `make numbers RUNS='mobilenet cards'` takes some.
RUNS ?=
numbers: $(VENV)/.test
	$(BIN)/python -m benchmarks.numbers $(RUNS)

$(VENV)/.core: setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e '.[standard]'
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(PIP) -e '.[onnx,bench,test]'
	test -z "$(TORCH)" || $(PIP) '$(TORCH)' pillow
	test -z "$(PYOSYS)" || $(PIP) '$(PYOSYS)'
	touch $@

$(VENV)/.check: $(VENV)/.core
	$(PIP) -e '.[check]'
	touch $@

$(VENV)/.docs: $(VENV)/.core
	$(PIP) -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) $(OUT) site build mutants *.egg-info
