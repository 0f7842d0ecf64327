# A fresh machine needs Python 3.11 or 3.12 and make; every target sets up the rest in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin

.PHONY: demo test check fmt lint unit model stack ray drills bed venv constraints clean

demo: .venv/ready  ## synthetic text to a pre-trained encoder, on the CPU
	$(BIN)/python jobs/synthesize.py --config configs/synthesize/demo.yaml
	$(BIN)/python jobs/prepare.py --config configs/prepare/demo.yaml
	$(BIN)/python jobs/pretrain.py --config configs/pretrain/demo.yaml

test: unit model stack ray  ## everything a plain machine can run
test: PROFILE = --hypothesis-profile=thorough

check: lint unit model  ## the gate before every commit, under a minute

fmt: .venv/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venv/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: .venv/ready
	$(BIN)/python -m pytest $(PROFILE) --numprocesses 2 tests/unit tests/test_*.py

model: .venv/ready
	$(BIN)/python -m pytest $(PROFILE) --numprocesses 2 --dist loadfile tests/model

stack: .venv/ready
	$(BIN)/python -m pytest -m "not bed" --numprocesses 2 --dist loadfile --durations 10 -rs \
	  tests/stack tests/cluster

ray: .venv/ready
	$(BIN)/python -m pytest -m "ray and not drill" --timeout 600 --durations 10 tests/ray

drills: .venv/ready  ## what fails, and goes on: more than a plain machine does in a quarter of an hour
	$(BIN)/python -m pytest -m drill --timeout 900 tests/ray

bed: .venv/ready  ## several hosts on this machine: a host dies, a cable is cut; takes root, and 15 minutes
	$(BIN)/python -m pytest -s -m bed tests/cluster

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt cluster/install.sh
	sh cluster/install.sh "$(PYTHON)"
	touch $@

constraints: .venv/ready  ## pin what .venv holds, after trying a new version in it
	{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --all --exclude-editable 2>/dev/null \
	  | sed 's/^\(torch==[^+]*\)+.*/\1/' | grep -v -E -i '^(pip=|wheel=|nvidia-|cuda-|triton=)'; \
	} > constraints.new
	mv constraints.new constraints.txt
	touch .venv/ready

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
