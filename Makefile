# Two commands do all the set-up: `make compare` and `make test`. They need only Python >= 3.10 and network access
# to the package index.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= results
# The .pt reader and training need torch. Pinned; `make test TORCH=` goes without (its tests are then skipped).
TORCH  ?= torch==2.13.0
# Synthesis needs pyosys; `make test PYOSYS=` goes without (its tests are then skipped).
PYOSYS ?= pyosys==0.70

.PHONY: compare test bench clean

compare: $(VENV)/.core
	$(BIN)/hd-plugin compare -o $(OUT)

test: $(VENV)/.test
	$(BIN)/python -m pytest

bench: $(VENV)/.test
	$(BIN)/python -m benchmarks

$(VENV)/.core: setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[onnx,bench,test]'
	test -z "$(TORCH)" || $(BIN)/python -m pip install -q --disable-pip-version-check '$(TORCH)' pillow
	test -z "$(PYOSYS)" || $(BIN)/python -m pip install -q --disable-pip-version-check '$(PYOSYS)'
	touch $@

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info
