"""Write a synthetic parallel corpus with true spans and word links."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from clism_ray.cli import run_job
from clism_ray.config_corpus import SynthesizeConfig
from clism_ray.corpus.synthetic import write_corpus


def synthesize(config: SynthesizeConfig) -> None:
    for name, count in write_corpus(config).items():
        print(f"{Path(config.output).expanduser() / name}: {count} pairs")


if __name__ == "__main__":
    sys.exit(run_job(__doc__, SynthesizeConfig, synthesize))
