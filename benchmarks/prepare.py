"""Preparation: pairs a second of each part, what Ray Data adds, cores, memory, fitting.

    python benchmarks/prepare.py parts --tsv en-de.tsv.gz --columns 1 2   # on real text
    python benchmarks/prepare.py ray --tsv en-de.tsv.gz --columns 1 2     # beside a plain loop
    python benchmarks/prepare.py cores --tsv en-de.tsv.gz --columns 1 2   # two beside one
    python benchmarks/prepare.py memory --sizes 1000000 3000000 10000000  # of synthetic text

--pairs takes so many lines only, --folder says where intermediate files go, and overrides
`a.b=c` set anything else of a preparation. Without --tsv the text is synthetic. CPU seconds are
of the processes concerned, so other work on the machine shows little; seconds and PSS are not.
"""

import argparse
import gzip
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from itertools import count, islice
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # as Ray sets it for its tasks

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

import ray
from meters import Clock, Sampler, cpu_seconds_of_tree
from plain_preparation import loops_at_once, measuring, plain_loop

from clism_ray.cluster import connect
from clism_ray.config_corpus import PrepareConfig
from clism_ray.config_file import load
from clism_ray.corpus.prepare import prepare
from clism_ray.corpus.synthetic import pair_at

GOAL = 8000  # pairs a second of what is MEASURED
MEASURED = ("clean", "segment", "link", "align", "project")
ROWS_PER_SHARD = 50_000
FEW = "alignment.fit_pairs=2000"  # where fitting would hide what is compared
FEWEST = "alignment.fit_pairs=500"  # one task fits, and the other cores wait for it


def main() -> None:
    """Measure what was asked for."""
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="prepare-") as name:
        MEASUREMENTS[options.kind](options, Path(name))


def parts(options: argparse.Namespace, folder: Path) -> None:
    """CPU seconds of a plain loop, and the share of each part in a second one with a clock."""
    config, _ = preparation(options, folder, options.pairs)
    seconds, pairs = plain_loop(config, folder / "plain")
    shutil.copytree(folder / "plain" / "tables", folder / "timed" / "tables")
    clock = Clock()
    with measuring(clock):
        clock.wrap("the rest", plain_loop)(config, folder / "timed", clock)
    whole = sum(seconds.values()) - seconds["fit"]
    own = {name: part * whole / clock.own.total() for name, part in clock.own.items()}
    print(f"{pairs:,} pairs on one core, {whole:.1f} CPU seconds without fitting")
    for name, part in sorted(own.items(), key=lambda item: -item[1]):
        print(f"  {name:12}{part:8.2f} s {part / whole:6.1%}{pairs / part:12,.0f} pairs/s")
    measured = sum(own[name] for name in MEASURED)
    print(f"{' + '.join(MEASURED)}: {pairs / measured:,.0f} pairs/s (goal {GOAL:,})")
    print(f"with spans, keys, files and counts: {pairs / whole:,.0f} pairs/s")
    fitted = min(pairs, config.alignment.fit_pairs)
    print(f"fit: {seconds['fit']:.1f} CPU seconds on up to {fitted:,} pairs,", end=" ")
    print(f"one for {fitted / seconds['fit']:,.0f} pairs; {seconds['fit'] / whole:.2f} of the loop")


def beside_ray(options: argparse.Namespace, folder: Path) -> None:
    """CPU seconds of the whole cluster beside those of a plain loop over the same functions.

    As many loops at once as there are tasks: those that run at once share the memory's bandwidth
    and take more each.
    """
    config, _ = preparation(options, folder, options.pairs, FEW)
    tasks = len(os.sched_getaffinity(0))
    ratios = []
    for turn in range(options.rounds):
        took = {}
        for kind in ("loop", "ray") if turn % 2 == 0 else ("ray", "loop"):
            if kind == "loop":
                took[kind] = statistics.mean(loops_at_once(config, folder / f"plain-{turn}", tasks))
            else:
                start_cluster(options, folder)
                started = cpu_seconds_of_tree()
                prepare(replace(config, output=str(folder / f"by-ray-{turn}")))
                took[kind] = cpu_seconds_of_tree() - started
                ray.shutdown()
        ratios.append(took["ray"] / took["loop"])
        told = f"a plain loop {took['loop']:.1f}, Ray Data {took['ray']:.1f}"
        print(f"round {turn + 1}: {tasks} at once, CPU seconds: {told}; ratio {ratios[-1]:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f} (goal 1.15)")


def cores(options: argparse.Namespace, folder: Path) -> None:
    """Seconds on one core and on two, in turns, and how much of them was in use.

    The latter counts where the machine's speed changes from one run to the next.
    """
    allowed = sorted(os.sched_getaffinity(0))[:2]
    if len(allowed) < 2:
        sys.exit("two cores are compared with one, and this process may use one only")
    small, _ = preparation(options, folder / "small", min(20_000, options.pairs or 20_000), FEWEST)
    ceiling = two_loops_beside_one(small, folder)
    print(f"two plain loops at once do {ceiling:.2f} times the work of one", flush=True)
    config, _ = preparation(options, folder, options.pairs, FEWEST)
    ratios = []
    for turn in range(options.rounds):
        took, used = {}, {}
        for number in (1, 2) if turn % 2 == 0 else (2, 1):
            os.sched_setaffinity(0, allowed[:number])
            start_cluster(options, folder)
            resources = replace(config.resources, max_tasks=number)
            output = str(folder / f"on-{number}-{turn}")
            began, before = time.monotonic(), cpu_seconds_of_tree()
            prepare(replace(config, output=output, resources=resources))
            took[number] = time.monotonic() - began
            used[number] = (cpu_seconds_of_tree() - before) / took[number]
            ray.shutdown()
        ratios.append(took[1] / took[2])
        told = ", ".join(f"{n} core(s) {took[n]:.1f} s, {used[n]:.2f} in use" for n in sorted(took))
        print(f"round {turn + 1}: {told}; ratio {ratios[-1]:.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f} (goal 1.8)")


def two_loops_beside_one(config: PrepareConfig, folder: Path) -> float:
    """How many times the work of one plain loop two at once do, on as many cores."""
    took = []
    for number in (1, 2):
        began = time.monotonic()
        loops_at_once(config, folder / f"loops-{number}", number)
        took.append(time.monotonic() - began)
    return 2 * took[0] / took[1]


def memory(options: argparse.Namespace, folder: Path) -> None:
    """Peak memory of the cluster for several sizes; shards grow with the size, chunks do not."""
    first = None
    for size in options.sizes:
        config, lines = preparation(options, folder / str(size), size, FEW)
        start_cluster(options, folder)
        with Sampler() as sampler:
            prepare(config)
        ray.shutdown()
        shutil.rmtree(folder / str(size))
        peak = max(sampler.mib)
        first = first or peak
        tenths = statistics.quantiles(sampler.mib, n=10) if len(sampler.mib) > 1 else sampler.mib
        print(
            f"{lines:>12,} pairs: peak {peak:,.0f} MiB, {peak / first:.3f} of the first's;", end=""
        )
        print(f" median {statistics.median(sampler.mib):,.0f}, nine tenths under {tenths[-1]:,.0f}")
        step = max(1, len(sampler.mib) // 20)
        print("    over time:", " ".join(f"{mib:.0f}" for mib in sampler.mib[::step]), flush=True)


MEASUREMENTS = {"parts": parts, "ray": beside_ray, "cores": cores, "memory": memory}


def start_cluster(options: argparse.Namespace, folder: Path) -> None:
    """Start Ray, and have all its workers load what they need, also by a small preparation."""
    connect()
    workers = len(os.sched_getaffinity(0)) + 1  # one cuts files, beside those that take a CPU
    ray.get([loaded.options(num_cpus=0).remote() for _ in range(workers)])
    small = folder / f"first-{time.monotonic_ns()}"
    config, _ = preparation(options, small, 200, FEW)
    prepare(config)
    shutil.rmtree(small)


@ray.remote  # type: ignore[untyped-decorator]
def loaded() -> None:
    """Load what tasks need, and stay until every other worker does."""
    import_module("clism_ray.corpus.prepare")
    time.sleep(5)


def preparation(
    options: argparse.Namespace, folder: Path, pairs: int | None, *settings: str
) -> tuple[PrepareConfig, int]:
    """The preparation of so many pairs of the text, or all, in a file of their own; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    path, number = folder / "text.tsv", 0
    with path.open("wb") as file:
        for line in real(options.tsv, pairs) if options.tsv else islice(synthetic(), pairs):
            file.write(line)
            number += 1
    source, target = options.columns
    corpus = f"{{name: c, format: tsv, path: {path}, source_column: {source}, "
    corpus += f"target_column: {target}, source_language: en, target_language: {options.language}}}"
    shards = max(1, number // ROWS_PER_SHARD)
    text = f"output: {folder / 'prepared'}\ncorpora: [{corpus}]\nshards: {shards}\n"
    (folder / "config.yaml").write_text(text)
    config = load(PrepareConfig, folder / "config.yaml", [*settings, *options.overrides])
    return config, number


def real(path: Path, pairs: int | None) -> Iterator[bytes]:
    """Lines of a file, all or so many from all parts of it."""

    def lines() -> Iterator[bytes]:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield from file

    if pairs is None:
        return lines()
    step = max(1, sum(1 for _ in lines()) // pairs)
    return islice(lines(), 0, pairs * step, step)


def synthetic() -> Iterator[bytes]:
    """English and German lines without end."""
    for index in count():
        pair = pair_at(1, index, ("de",))
        yield f"{pair.source}\t{pair.target}\n".encode()


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", choices=MEASUREMENTS)
    parser.add_argument("--tsv", type=Path, help="of real text; default: synthetic, en-de")
    parser.add_argument("--columns", type=int, nargs=2, default=(0, 1), help="of both texts")
    parser.add_argument("--language", default="de", help="of the second text; the first is en")
    parser.add_argument("--pairs", type=int, help="so many of them; default: all, or 100,000")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where files go; default: the temporary one")
    parser.add_argument("overrides", nargs="*", metavar="a.b=c")
    options = parser.parse_intermixed_args()
    if options.tsv is None and options.pairs is None:
        options.pairs = 100_000
    return options


if __name__ == "__main__":
    main()
