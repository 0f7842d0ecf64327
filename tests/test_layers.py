"""The shape of the code: imports go down only, Ray stays at the edges, files stay short.

A layer may import the layers below it and its own, without cycles. Every module has a place in
`LAYERS`; a new one without a place fails here until it is given one.
"""

import ast
import fnmatch
import graphlib
import sys
import sysconfig
from collections import Counter
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {  # from the bottom up; the first pattern that fits decides, so edges stand before cores
    "clism_ray.corpus.prepare": 3,
    "clism_ray.corpus.exclude": 3,
    "clism_ray.corpus.finders": 3,
    "clism_ray.corpus.linkers": 3,
    "clism_ray.corpus.sharding": 3,
    "clism_ray.corpus.take_in": 3,
    "clism_ray.corpus.tasks": 3,
    "clism_ray.masking.stream": 3,
    "clism_ray.errors": 0,
    "clism_ray.languages": 0,
    "clism_ray.places": 0,
    "clism_ray.config": 0,
    "clism_ray.config_alignment": 0,
    "clism_ray.config_corpus": 0,
    "clism_ray.config_losses": 0,
    "clism_ray.config_sweep": 0,
    "clism_ray.config_tasks": 0,
    "clism_ray.config_file": 0,
    "clism_ray.config_types": 0,
    "clism_ray.records": 0,
    "clism_ray.randomness": 0,
    "clism_ray.hold": 0,
    "clism_ray.garbage": 0,
    "clism_ray.passwords": 0,
    "clism_ray.placement": 0,
    "clism_ray.corpus.*": 1,
    "clism_ray.masking.*": 1,
    "clism_ray.losses.*": 1,
    "clism_ray.model.*": 2,
    "clism_ray.tasks.*": 2,
    "clism_ray.train.deepspeed_alone": 3,
    "clism_ray.train.engine": 3,
    "clism_ray.train.gradient": 3,
    "clism_ray.train.parameters": 3,
    "clism_ray.train.beside": 3,
    "clism_ray.train.saving": 3,
    "clism_ray.train.validator": 3,
    "clism_ray.train.models": 3,
    "clism_ray.train.worker": 3,
    "clism_ray.train.group": 3,
    "clism_ray.train.loop": 3,
    "clism_ray.train.fit": 3,
    "clism_ray.train.storage": 3,
    "clism_ray.train.gauges": 3,
    "clism_ray.train.recount": 3,
    "clism_ray.train.elastic": 3,
    "clism_ray.train.reports": 3,
    "clism_ray.train.rendezvous": 3,
    "clism_ray.train.follow": 3,
    "clism_ray.store": 3,
    "clism_ray.tracked_run": 3,
    "clism_ray.tracking": 3,
    "clism_ray.cluster": 3,
    "clism_ray.executor": 3,
    "clism_ray.train.launch": 4,
    "clism_ray.train.driver": 4,
    "clism_ray.train.few_shot": 4,
    "clism_ray.train.trial": 4,
    "clism_ray.train.trials": 4,
    "clism_ray.train.follow_trials": 4,
    "clism_ray.train.sweep": 4,
    "clism_ray.train.sweep_result": 4,
    "clism_ray.train.*": 2,
    "clism_ray.finetune.loop": 3,
    "clism_ray.finetune.follow": 3,
    "clism_ray.finetune.driver": 4,
    "clism_ray.finetune.grid": 4,
    "clism_ray.finetune.*": 2,
    "clism_ray.report.*": 4,
    "clism_ray.cli": 5,
    "clism_ray.command_lines": 5,
    "jobs.*": 5,
}

EDGES = {  # library -> the modules that may import it
    "ray": (
        "clism_ray.corpus.prepare",
        "clism_ray.corpus.tasks",
        "clism_ray.masking.stream",
        "clism_ray.train.group",
        "clism_ray.train.validator",
        "clism_ray.train.loop",
        "clism_ray.train.fit",
        "clism_ray.train.storage",
        "clism_ray.train.gauges",
        "clism_ray.train.recount",
        "clism_ray.train.elastic",
        "clism_ray.train.reports",
        "clism_ray.train.rendezvous",
        "clism_ray.train.launch",
        "clism_ray.train.driver",
        "clism_ray.train.trial",
        "clism_ray.train.trials",
        "clism_ray.train.sweep",
        "clism_ray.finetune.loop",
        "clism_ray.finetune.driver",
        "clism_ray.finetune.grid",
        "clism_ray.cluster",
        "clism_ray.executor",
        "clism_ray.cli",
        "jobs.*",
    ),
    "deepspeed": ("clism_ray.train.deepspeed_alone",),
    "mlflow": (
        "clism_ray.store",
        "clism_ray.tracked_run",
        "clism_ray.tracking",
        "clism_ray.report.runs",
    ),
}

TESTS_FREE_OF = {  # tests -> libraries that they need neither themselves nor for what they test
    "tests.test_*": {"torch", "transformers", "ray", "deepspeed", "mlflow"},
    "tests.unit.*": {"torch", "transformers", "ray", "deepspeed", "mlflow"},
    "tests.model.*": {"ray", "deepspeed", "mlflow"},
    "tests.stack.*": {"ray"},
}

FOUNDATION_FREE_OF = {"torch", "ray", "deepspeed", "mlflow", "transformers", "spacy"}
MODULE_LINES = 250
LONGER_MODULES = {"clism_ray.config": 300, "clism_ray.config_tasks": 270}  # pages of settings
FUNCTION_LINES = 80
JOB_LINES = 40
SHAPELESS_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources(*folders: str) -> dict[Path, str]:
    return {
        path: path.read_text(encoding="utf-8")
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


def modules() -> dict[str, str]:
    """Module name -> source, of the package and the jobs; packages' `__init__` left out."""
    found = sources("clism_ray", "jobs")
    return {name_of(path): text for path, text in found.items() if path.name != "__init__.py"}


def layer(module: str) -> int | None:
    return next((n for pattern, n in LAYERS.items() if fnmatch.fnmatchcase(module, pattern)), None)


@cache
def imports(module: str, source: str) -> set[str]:
    """Dotted names that a module imports anywhere in it, `from a import b` as both a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(module.split(".")[: -node.level]) if node.level else ""
            base = ".".join(filter(None, (package, node.module)))
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def graph(code: dict[str, str]) -> dict[str, set[str]]:
    return {module: imports(module, source) & set(code) for module, source in code.items()}


def upward_imports(code: dict[str, str]) -> list[str]:
    places = {module: layer(module) for module in code}
    lost = [f"{module} has no place in LAYERS" for module, at in places.items() if at is None]
    return lost + [
        f"{module} (layer {places[module]}) imports {other} (layer {places[other]})"
        for module, others in graph(code).items()
        for other in sorted(others)
        if (places[module] or 0) < (places[other] or 0)
    ]


def cycle(code: dict[str, str]) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph(code)).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def misplaced_libraries(code: dict[str, str]) -> list[str]:
    return [
        f"{module} imports {library}"
        for module, source in code.items()
        for library in sorted({name.partition(".")[0] for name in imports(module, source)})
        if (layer(module) == 0 and library in FOUNDATION_FREE_OF)
        or library == "tests"
        or (
            library in EDGES
            and not any(fnmatch.fnmatchcase(module, edge) for edge in EDGES[library])
        )
    ]


def needs(module: str, code: dict[str, str]) -> set[str]:
    """Top-level modules that importing this one takes, as far as `code` tells."""
    reached, waiting = {module}, [module]
    while waiting:
        at = waiting.pop()
        found = imports(at, code[at]) - reached if at in code else set()
        reached |= found
        waiting += found
    return {name.partition(".")[0] for name in reached}


def heavy_tests(code: dict[str, str]) -> list[str]:
    return [
        f"{module} needs {library}"
        for pattern, unwanted in TESTS_FREE_OF.items()
        for module in fnmatch.filter(code, pattern)
        for library in sorted(needs(module, code) & unwanted)
    ]


def too_long(code: dict[str, str]) -> list[str]:
    found = []
    for module, source in code.items():
        limit = JOB_LINES if module.startswith("jobs.") else MODULE_LINES
        limit = LONGER_MODULES.get(module, limit)
        lines = len(source.splitlines())
        if lines > limit:
            found.append(f"{module}: {lines} lines, over {limit}")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    found.append(f"{module}.{node.name}: {lines} lines, over {FUNCTION_LINES}")
    return found


def importable(name: str) -> bool:
    """Whether something else may mean this top-level module, from Python or from site-packages."""
    installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return name in sys.stdlib_module_names or PathFinder.find_spec(name, installed) is not None


def refuse(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_imports_go_down_only(capsys: pytest.CaptureFixture[str]) -> None:
    code = modules()
    refuse(upward_imports(code))
    arrows = sum(map(len, graph(code).values()))
    assert arrows >= len(code) // 2, f"only {arrows} imports found in {len(code)} modules"
    with capsys.disabled():
        print(f"\nlayers: {len(code)} modules with {arrows} imports among them checked")


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert cycle(modules()) == []


def test_libraries_of_the_cluster_stay_at_their_edges() -> None:
    refuse(misplaced_libraries(modules()))


def test_packages_import_nothing_when_they_are_opened() -> None:
    found = sources("clism_ray")
    packages = [path for path in found if path.name == "__init__.py"]
    folders = {path.parent for path in found}
    assert {path.parent for path in packages} == folders
    assert [str(path) for path in packages if imports(name_of(path), found[path])] == []


def test_tests_stand_in_the_folder_of_what_they_need() -> None:
    tests = {name_of(path): text for path, text in sources("tests").items()}
    assert all(fnmatch.filter(tests, pattern) for pattern in TESTS_FREE_OF)
    refuse(heavy_tests(modules() | tests))


def test_no_two_files_of_tests_have_the_same_name() -> None:
    """Their folders are no packages: together in one run, the second would not be found."""
    names = Counter(path.name for path in sources("tests") if path.name != "conftest.py")
    assert [name for name, number in names.items() if number > 1] == []


def test_modules_and_functions_are_short() -> None:
    benchmarks = {f"benchmarks.{path.stem}": text for path, text in sources("benchmarks").items()}
    refuse(too_long({**modules(), **benchmarks}))


def test_every_file_says_what_it_holds() -> None:
    paths = sources("clism_ray", "jobs", "tests")
    assert [str(path) for path in paths if path.stem in SHAPELESS_NAMES] == []


def test_no_job_hides_a_module_that_others_import() -> None:
    """A script's folder comes first on sys.path, so `import NAME` anywhere would find the job."""
    jobs = [path.stem for path in (ROOT / "jobs").glob("*.py")]
    assert [name for name in jobs if importable(name)] == []


@pytest.mark.parametrize("name", ["inspect", "stat", "yaml", "ray"])
def test_names_that_jobs_must_not_take_are_known(name: str) -> None:
    assert importable(name)


LOSS, STEP, CONFIG = "clism_ray.losses.clism", "clism_ray.train.step", "clism_ray.config"


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ({LOSS: f"import {STEP}", STEP: ""}, f"{LOSS} (layer 1) imports {STEP} (layer 2)"),
        ({LOSS: f"def f():\n import {STEP}", STEP: ""}, f"{LOSS} (layer 1) imports {STEP}"),
        ({LOSS: "from ..train import step", STEP: ""}, f"{LOSS} (layer 1) imports {STEP}"),
        ({"clism_ray.magic": ""}, "clism_ray.magic has no place in LAYERS"),
    ],
)
def test_an_upward_import_or_a_lost_module_is_found(code: dict[str, str], complaint: str) -> None:
    (found,) = upward_imports(code)
    assert found.startswith(complaint)


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        (LOSS, "import ray.data", True),
        (LOSS, "from mlflow import log_metric", True),
        (LOSS, "def f():\n    import deepspeed", True),
        (LOSS, "import torch, rayleigh", False),
        (LOSS, "from tests.unit import anything", True),
        (CONFIG, "from torch import nn", True),
        ("clism_ray.train.loop", "import ray.train", False),
        ("clism_ray.train.loop", "import deepspeed", True),
        ("clism_ray.report.outcome", "import ray", True),
    ],
)
def test_a_library_outside_its_edge_is_found(module: str, source: str, found: bool) -> None:
    assert bool(misplaced_libraries({module: source})) is found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch", ["tests.unit.test_a needs torch"]),
        (f"from {LOSS} import loss", ["tests.unit.test_a needs torch"]),
        ("import numpy, spacy", []),
    ],
)
def test_a_heavy_test_among_the_light_ones_is_found(source: str, found: list[str]) -> None:
    code = {LOSS: "from clism_ray.model import encoder", "clism_ray.model.encoder": "import torch"}
    assert heavy_tests({**code, "tests.unit.test_a": source}) == found
    assert heavy_tests({**code, "tests.model.test_a": source}) == []


def test_a_circle_is_found() -> None:
    ring = ["clism_ray.masking.a", "clism_ray.masking.b"]
    assert set(cycle({ring[0]: f"import {ring[1]}", ring[1]: f"import {ring[0]}"})) == set(ring)


def test_a_long_module_function_or_job_is_found() -> None:
    body = "    pass\n" * FUNCTION_LINES
    assert len(too_long({LOSS: f"def f():\n{body}"})) == 1
    assert len(too_long({LOSS: "x = 1\n" * (MODULE_LINES + 1)})) == 1
    assert len(too_long({"jobs.prepare": "x = 1\n" * (JOB_LINES + 1)})) == 1
    assert too_long({CONFIG: "x = 1\n" * (MODULE_LINES + 1)}) == []
