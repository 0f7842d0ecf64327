"""Labels that say which nodes preparation, workers and their data tasks go to."""

from pathlib import Path

import pytest
import ray

from clism_ray.config import PretrainConfig
from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import parse
from clism_ray.corpus.prepare import prepare
from clism_ray.errors import InputError
from clism_ray.train.driver import pretrain

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(300)]


def configurations(folder: Path, labels: dict[str, str]) -> tuple[PrepareConfig, PretrainConfig]:
    """To prepare a corpus of one file, and to train on it; all work goes to these nodes."""
    (folder / "text.tsv").write_text(
        "".join(f"in {n} we saw Rome\tim Jahr {n} sahen wir Rome\n" for n in range(1000, 1200))
    )
    text = {"name": "text", "format": "tsv", "path": str(folder / "text.tsv")}
    languages = {"source_language": "en", "target_language": "de"}
    prepared = {"output": str(folder / "corpus"), "corpora": [{**text, **languages}], "shards": 1}
    trained = {
        "name": "run",
        "corpus": str(folder / "corpus"),
        "storage": str(folder),
        "tokenizer": {"vocabulary": 100},
        "model": {"scratch": {"layers": 1, "hidden": 16, "heads": 2, "intermediate": 16}},
        "length": {"steps": 2},
        "scaling": {"workers": 1, "labels": labels, "data_labels": labels},
    }
    resources = {"max_tasks": 1, "labels": labels}
    return (
        parse(PrepareConfig, {**prepared, "resources": resources}),
        parse(PretrainConfig, trained),
    )


@pytest.mark.drill
def test_nodes_with_the_labels_do_all_the_work(tmp_path: Path) -> None:
    own = {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
    to_prepare, to_train = configurations(tmp_path, own)
    assert prepare(to_prepare).train
    assert pretrain(to_train).status == "finished"


def test_preparation_on_nodes_that_are_not_there_is_refused(tmp_path: Path) -> None:
    to_prepare, _ = configurations(tmp_path, {"role": "data"})
    with pytest.raises(InputError, match=r"^resources\.labels asks for nodes with role=data"):
        prepare(to_prepare)
