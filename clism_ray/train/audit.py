"""Whether a run used each row exactly once an epoch, by its journal and its corpus's manifest."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from clism_ray.config import PretrainConfig
from clism_ray.config_file import load
from clism_ray.corpus.manifest import read_manifest, windows
from clism_ray.corpus.storage import located
from clism_ray.errors import InputError
from clism_ray.masking.ledger import Used, discrepancies
from clism_ray.masking.order import Plan
from clism_ray.train import journal
from clism_ray.train.known_run import RECORD


class Audit(NamedTuple):
    """What a run used so far, and what speaks against each row having been used once an epoch."""

    steps: int
    rows: int  # those that were left out while masking among them
    epochs: float
    against: list[str]  # a sentence each; nothing if all is well


def audit(run: Path) -> Audit:
    """Audit the run in this folder, whatever failed in it and whatever workers went on with it.

    Raises InputError if its configuration or its corpus cannot be read, or if its corpus is another
    one by now, or if it has no step yet.
    """
    config = load(PretrainConfig, run / "config.yaml", [])
    manifest = read_manifest(located(config.corpus))
    if _corpus_hash(run / RECORD) != manifest.content_hash:
        raise InputError(f"{config.corpus}: not the corpus that {run.name} was trained on")
    row_counts = tuple(window.rows for window in windows(manifest.train))
    plan = Plan(row_counts, config.batch.pairs, config.batch.slots, config.seed)
    entries = journal.read_from(run / journal.JOURNAL, 0)[0]
    last = {entry.step: _used(entry).rows for entry in entries if entry.kind == "train"}
    if not last:
        raise InputError(f"{run.name} has no step yet")
    used = sum(last.values())
    return Audit(max(last), used, used / sum(row_counts), audit_entries(entries, plan))


def _corpus_hash(record: Path) -> str:
    """That of the corpus which a run was trained on."""
    try:
        return str(json.loads(record.read_text(encoding="utf-8"))["identity"]["corpus_hash"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{record}: not the record of a run ({error}); it was damaged") from error


def audit_entries(entries: Iterable[journal.Entry], plan: Plan) -> list[str]:
    """What speaks against it in a journal, with the entries of steps that ran again.

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
