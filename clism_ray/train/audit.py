"""Whether a run used each row exactly once an epoch, by its journal and its corpus's manifest."""

from collections.abc import Iterable
from pathlib import Path

from clism_ray.config import PretrainConfig
from clism_ray.config_file import load
from clism_ray.corpus.manifest import read_manifest, windows
from clism_ray.masking.ledger import Used, discrepancies
from clism_ray.masking.order import Plan
from clism_ray.train import journal


def audit(run: Path) -> list[str]:
    """What speaks against it, a sentence each; nothing if all is well.

    Args:
        run: the folder of a run, whatever failed in it and whatever workers went on with it.
    """
    config = load(PretrainConfig, run / "config.yaml", [])
    manifest = read_manifest(Path(config.corpus).expanduser())
    rows = tuple(window.rows for window in windows(manifest.train))
    plan = Plan(rows, config.batch.pairs, config.batch.slots, config.seed)
    return audit_entries(journal.read_from(run / journal.JOURNAL, 0)[0], plan)


def audit_entries(entries: Iterable[journal.Entry], plan: Plan) -> list[str]:
    """The same for the entries of a journal, with those of steps that ran again after a restart.

    The weights were taken back before such a step ran again, so it counts once; but it must have
    used the same rows.
    """
    used: dict[int, Used] = {}
    found = []
    for entry in entries:
        if entry.kind == "train":
            now = _used(entry)
            if used.setdefault(entry.step, now) != now:
                found.append(
                    f"step {entry.step} used {used[entry.step]}, and {now} when it ran again"
                )
    return found + discrepancies(used, plan)


def _used(entry: journal.Entry) -> Used:
    """Of runs older than the digest, -1."""
    values = entry.values
    dropped = sum(count for name, count in values.items() if name.startswith("dropped/"))
    return Used(int(values["data/pairs"] + dropped), int(values.get("data/row_digest", -1)))
