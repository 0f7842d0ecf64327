"""Labels that a run asks about and its corpus does not have."""

from pathlib import Path

import pytest

from clism_ray.config import LengthConfig, MaskingConfig, PretrainConfig
from clism_ray.errors import InputError
from clism_ray.train.driver import pretrain
from tests.corpora import write_tiny_corpus

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster"), pytest.mark.timeout(180)]


def test_a_label_that_no_span_has_is_refused_before_a_run_begins(tmp_path: Path) -> None:
    write_tiny_corpus(tmp_path / "corpus", rows=40, dev_rows=5, window_rows=20)
    config = PretrainConfig(
        name="labels",
        corpus=str(tmp_path / "corpus"),
        length=LengthConfig(steps=1),
        storage=str(tmp_path / "storage"),
        masking=MaskingConfig(labels=("name", "nme")),
    )
    with pytest.raises(InputError, match=r"masking\.labels: no span of .* is a 'nme'"):
        pretrain(config)
    assert not list((tmp_path / "storage").rglob("checkpoints"))
