"""How the tasks of a preparation open the encoder that links words, and what it consists of."""

import dataclasses
from pathlib import Path

from clism_ray.config_corpus import NeuralConfig, PrepareConfig
from clism_ray.corpus import eflomal, models
from clism_ray.corpus.linker import Linker
from clism_ray.corpus.storage import folder_content


def open_encoder(config: PrepareConfig) -> Linker | None:
    """The encoder of a configuration, which stays in the process; None where tables link words."""
    if config.alignment.neural is None:
        return None
    from clism_ray.tasks.neural_aligner import held_aligner  # here: it loads PyTorch

    return held_aligner(config.alignment.neural, models.device(config))


def load_encoder(neural: NeuralConfig, device: str | None) -> Linker:
    """An encoder by its settings; without a device, on a GPU if there is one."""
    from clism_ray.tasks.neural_aligner import load_aligner

    return load_aligner(located(neural), device)


def located(neural: NeuralConfig) -> NeuralConfig:
    """The settings with the encoder's folder in full, or at the present commit of its revision."""
    from clism_ray.model.named import pinned
    from clism_ray.tasks.neural_aligner import KEY

    folder = Path(neural.model).expanduser()
    if folder.is_dir():
        neural = dataclasses.replace(neural, model=str(folder))
    commit = pinned(KEY, neural.model, neural.revision)
    return dataclasses.replace(neural, revision=commit)


def checked(config: PrepareConfig) -> PrepareConfig:
    """The configuration, with an encoder located.

    Opens the encoder once, on the CPU, and raises InputError for what cannot be used.
    """
    if config.alignment.method == "eflomal":
        eflomal.check_installed()
    if config.alignment.neural is None:
        return config
    neural = located(config.alignment.neural)
    load_encoder(neural, "cpu")
    return dataclasses.replace(
        config, alignment=dataclasses.replace(config.alignment, neural=neural)
    )


def hashes(config: PrepareConfig) -> dict[str, str]:
    """The path of the encoder's folder, if it is one, and the hash of what is there."""
    neural = config.alignment.neural
    if neural is None or not Path(neural.model).is_dir():
        return {}
    return {neural.model: folder_content(Path(neural.model))[1]}
