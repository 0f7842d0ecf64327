"""Reports, without a store: what is compared, what is drawn, what a page says."""

import math
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.errors import InputError
from clism_ray.report import charts, compare_page, landscape, page, sweep_page
from clism_ray.report.importance import comparable, importance
from clism_ray.report.results import (
    Dimension,
    Run,
    best_value,
    direction,
    to_curve,
    value_at,
)
from clism_ray.report.svg import thinned
from clism_ray.train.status import FAILED, RUNNING, STOPPED_EARLY
from tests.sweeps import OBJECTIVE, PRECISION, TEMPERATURE, WEIGHT, grid, sweep, trial

HOSTILE = """<script>alert("x")</script>&'--> $a_b$ \\frac 語"""


def places(number: int, seed: int = 0) -> list[tuple[float, float]]:
    draw = random.Random(seed)
    return [(10 ** draw.uniform(-2, 0), draw.uniform(0, 2)) for _ in range(number)]


# Curves


@given(
    st.lists(st.tuples(st.integers(0, 9), st.floats(-9, 9) | st.sampled_from([math.nan, math.inf])))
)
def test_a_curve_rises_by_step_and_keeps_the_first_finite_value_of_each(points) -> None:
    curve = to_curve(points)
    assert [step for step, _ in curve] == sorted({step for step, _ in curve})
    for step, value in curve:
        assert value == next(v for s, v in points if s == step)
        assert math.isfinite(value)


@given(st.integers(0, 2000), st.integers(1, 50))
def test_a_long_curve_is_thinned_to_means_between_its_own_ends(points: int, stride: int) -> None:
    curve = tuple((stride * n, float(n % 7)) for n in range(points))
    thin = thinned(curve)
    assert len(thin) == min(points, 300)
    assert thin[:1] + thin[-1:] == curve[:1] + curve[-1:]
    assert [step for step, _ in thin] == sorted({step for step, _ in thin})
    assert all(0 <= value <= 6 for _, value in thin)


def test_the_value_at_a_step_is_the_latest_up_to_it() -> None:
    curve = ((0, 1.0), (10, 2.0), (20, 3.0))
    assert [value_at(curve, step) for step in (0, 9, 10, 99)] == [1.0, 1.0, 2.0, 3.0]
    assert value_at(curve[1:], 5) is None


@pytest.mark.parametrize(
    ("metric", "towards", "best"),
    [
        ("validation/accuracy/en-de", "max", 3.0),
        ("loss/total", "min", 1.0),
        ("validation/loss/mlm", "min", 1.0),
        ("validation/retrieval/en-de", "max", 3.0),
        ("validation/perplexity", "min", 1.0),
        ("validation/alignment", "min", 1.0),
        ("validation/uniformity/en-de", "min", 1.0),
        ("speed/pairs_per_second", None, None),
    ],
)
def test_accuracy_rises_and_losses_fall_to_their_best(metric, towards, best) -> None:
    assert direction(metric) == towards
    assert best_value(metric, ((1, 2.0), (2, 3.0), (3, 1.0))) == best


# Ranks and importance


def test_trials_are_ranked_by_the_objective_and_failed_ones_come_last() -> None:
    trials = [
        trial("worse", ((10, 0.3),)),
        trial("early", ((5, 0.4),), STOPPED_EARLY),
        trial("new", (), RUNNING),
        trial("failed", ((5, 0.9),), FAILED),
        trial("better", ((10, 0.2), (20, 0.5))),
    ]
    made = sweep(trials)
    names = [run.name for run in made.ranked()]
    assert names == ["better", "early", "worse", "new", "failed"]
    assert made.best() is trials[-1]
    falling = sweep(trials, mode="min")
    assert [run.name for run in falling.ranked()] == ["worse", "early", "better", "new", "failed"]


def test_the_best_trial_is_the_one_that_the_sweep_calls_so() -> None:
    trials = [trial("a", ((10, 0.3),)), trial("b", ((10, 0.4),))]
    assert sweep(trials, best_trial="a").best() is trials[0]
    assert sweep(trials, best_trial="aa").best() is trials[0]  # by its id
    assert sweep(trials, best_trial="gone").best() is trials[1]
    assert sweep([trial("a", (), RUNNING)]).best() is None


def test_trials_are_compared_after_equal_training() -> None:
    """A trial that ran on is taken at the last step of the one that was stopped earliest."""
    values = {"losses__cacr__temperature": 0.1, "losses__cacr__weight": 1.0}
    trials = [
        trial("long", ((0, 0.0), (10, 0.1), (20, 0.2), (30, 0.9)), **values),
        trial("early", ((0, 0.0), (10, 0.15), (20, 0.3)), STOPPED_EARLY, **values),
        trial("failed", ((0, 0.0),), FAILED, **values),
        trial("new", (), RUNNING, **values),
    ]
    made = sweep(trials)
    assert made.equal_step() == 20
    fair = [("long", 0.2), ("early", 0.3)]
    assert [(run.name, value) for run, value in comparable(made)] == fair
    untrained = trial("untrained", ((0, 0.0),), RUNNING, **values)
    behind = comparable(sweep([*trials, untrained]))  # a trial that runs holds no other back
    assert [(run.name, value) for run, value in behind] == fair
    assert comparable(sweep([untrained])) == []


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("decides", [0, 1])
def test_importance_prefers_the_key_that_decides(decides: int, mode: str) -> None:
    at = places(16)
    unit = [(math.log10(t) / 2 + 1, w / 2) for t, w in at]
    objective = [u[decides] + 0.05 * u[1 - decides] for u in unit]
    shares = importance(sweep(grid(at, objective), mode=mode))
    assert shares is not None
    assert list(shares) == [d.key for d in ((TEMPERATURE, WEIGHT), (WEIGHT, TEMPERATURE))[decides]]
    assert shares[(TEMPERATURE, WEIGHT)[decides].key] > 0.7
    assert sum(shares.values()) == pytest.approx(1)


def test_importance_looks_at_the_equal_step_and_not_at_the_last() -> None:
    at = places(16)
    trials = []
    for i, (temperature, weight) in enumerate(at):
        curve = ((10, weight), (20, 10 * temperature)) if i else ((10, weight),)
        values = {"losses__cacr__temperature": temperature, "losses__cacr__weight": weight}
        trials.append(trial(f"t{i}", curve, **values))
    shares = importance(sweep(trials))
    assert shares is not None
    assert shares[WEIGHT.key] > 0.7


def test_importance_of_choices_and_of_values_at_the_edge() -> None:
    space = (PRECISION, Dimension("batch.pairs", "integers", (1, 4)), TEMPERATURE)
    trials = [
        trial(
            f"t{i}",
            ((10, float(i % 2)),),
            zero__precision=("fp32", "bf16")[i % 2],
            batch__pairs=1 + i // 2 % 4,
            losses__cacr__temperature=0.01 if i < 5 else 1.0000000001,
        )
        for i in range(10)
    ]
    shares = importance(sweep(trials, space))
    assert shares is not None
    assert next(iter(shares)) == PRECISION.key


def test_there_is_no_importance_of_few_trials_or_of_equal_ones() -> None:
    at = places(8)
    assert importance(sweep(grid(at[:3], [0.1, 0.2, 0.3]))) is None
    assert importance(sweep(grid(at, [0.5] * 8))) is None
    assert importance(sweep([])) is None


# Figures


def texts(svg: str) -> list[str]:
    """What a figure writes: paths of letters, with the text beside them as a comment."""
    return [text.strip() for text in re.findall("<!--(.*?)-->", svg)]


def check_svg(svg: str, name: str) -> None:
    root = ElementTree.fromstring(svg)
    ids = [node.attrib["id"] for node in root.iter() if "id" in node.attrib]
    assert len(ids) == len(set(ids))
    assert all(id_.startswith(f"{name}-") for id_ in ids)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert used <= set(ids)
    assert not re.search(r'(?:href|src)="(?!#|data:)', svg)


def surface(svg: str) -> bool:
    return "QuadContourSet" in svg or "TriContourSet" in svg


@pytest.mark.parametrize("mode", ["max", "min"])
def test_two_numeric_keys_span_a_plane_with_its_best_region_and_trial(mode: str) -> None:
    at = places(9)
    made = sweep(grid(at, [0.1 * i for i in range(9)]), mode=mode)
    svg = landscape.landscape(made, [WEIGHT.key, TEMPERATURE.key])
    assert svg is not None
    check_svg(svg, "landscape")
    assert surface(svg)
    found = texts(svg)
    assert {TEMPERATURE.key, WEIGHT.key, made.fair_label(), "0.1", "0.2"} <= {*found}
    assert f"best: {'t8' if mode == 'max' else 't0'}" in found
    assert svg == landscape.landscape(made, [WEIGHT.key, TEMPERATURE.key])


@pytest.mark.parametrize(
    ("at", "objective", "filled"),
    [
        ([(0.1 * i, 0.2 * i) for i in range(1, 8)], [0.1 * i for i in range(7)], True),  # a bend
        ([(10 ** (-i / 4), 0.2 * i) for i in range(8)], [0.1 * i for i in range(8)], False),
        ([(0.1, 0.2 * i) for i in range(8)], [0.1 * i for i in range(8)], False),
        ([(0.1, 0.2)] * 8, [0.1 * i for i in range(8)], False),  # all at one place
        (places(5), [0.1, 0.2, 0.3, 0.4, 0.5], False),
        (places(8), [0.5] * 8, False),
        ([], [], False),
    ],
)
def test_a_plane_is_filled_where_there_are_enough_points_that_lie_on_no_line(
    at: list[tuple[float, float]], objective: list[float], filled: bool
) -> None:
    svg = landscape.landscape(sweep(grid(at, objective)), [TEMPERATURE.key, WEIGHT.key])
    assert svg is not None
    check_svg(svg, "landscape")
    assert surface(svg) is filled


def test_one_numeric_key_is_an_axis_and_choices_stand_side_by_side() -> None:
    trials = [
        trial(f"t{i}", ((10, 0.1 * i),), (STOPPED_EARLY, FAILED, "finished")[i % 3],
              losses__cacr__temperature=0.01 * (i + 1), zero__precision=("fp32", "bf16")[i % 2])
        for i in range(6)
    ]  # fmt: skip
    made = sweep(trials, (TEMPERATURE, PRECISION))
    order = [PRECISION.key, TEMPERATURE.key]
    line, choice = landscape.landscape(made, order), landscape.choices(made, order)
    assert line is not None
    assert choice is not None
    assert {TEMPERATURE.key, made.fair_label(), "best: t5", "stopped early"} <= {*texts(line)}
    assert {PRECISION.key, "fp32", "bf16", "best: t5"} <= {*texts(choice)}
    check_svg(choice, "choices")
    assert landscape.landscape(sweep(trials, (PRECISION,)), order) is None
    assert landscape.choices(sweep(trials, (TEMPERATURE,)), order) is None


def test_choices_of_numbers_are_an_axis_logarithmic_where_they_are_far_apart() -> None:
    assert Dimension("a", "choice", (0.01, 0.1, 1)).numeric
    assert Dimension("a", "choice", (0.01, 0.1, 1)).log
    assert not Dimension("a", "choice", (1, 2, 4)).log
    assert not Dimension("a", "choice", (0, 100)).log
    assert not Dimension("a", "choice", (True, False)).numeric
    assert not Dimension("a", "choice", (1, None)).numeric


def test_learning_curves_have_a_line_per_trial_and_name_the_best() -> None:
    trials = [
        trial("winner", ((0, 0.1), (10, 0.9))),
        trial("early", ((0, 0.1), (5, 0.2)), STOPPED_EARLY),
        trial("failed", ((0, 0.1),), FAILED),
        trial("new", (), RUNNING),
    ]
    svg = charts.learning_curves(sweep(trials))
    assert svg is not None
    check_svg(svg, "curves")
    assert {"step", OBJECTIVE, "best: winner", "stopped early", "failed"} <= {*texts(svg)}
    assert charts.learning_curves(sweep(trials[-1:])) is None


def test_bars_and_panels_name_keys_shares_metrics_and_runs() -> None:
    bars = charts.importance_bars({"a.b": 0.75, "c": 0.25})
    check_svg(bars, "importance")
    assert {"a.b", "75%", "25%"} <= {*texts(bars)}
    runs = [trial(f"run-{i}", ((0, 0.1), (10, 0.2))) for i in range(9)]
    panels = charts.metric_panels([run.name for run in runs], runs, [OBJECTIVE])
    check_svg(panels, "metrics")
    assert {OBJECTIVE, *(run.name for run in runs)} <= {*texts(panels)}


# Pages


class Outline(HTMLParser):
    """Tags of a page, rows of its tables, and all of its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.in_cell = tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])
        elif self.in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.in_cell = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data


def hostile_sweep():
    trials = [
        trial(f"{HOSTILE}{i}", ((10, 0.1 * i),), zero__precision=HOSTILE, problem=HOSTILE,
              losses__cacr__temperature=0.01 * (i + 1))
        for i in range(5)
    ]  # fmt: skip
    return sweep(trials, (TEMPERATURE, PRECISION), corpus=HOSTILE, best_trial=f"{HOSTILE}4")


def test_pages_escape_whatever_runs_are_called() -> None:
    made = hostile_sweep()
    runs = [trial(HOSTILE, ((1, 0.5), (2, 0.7)), a=HOSTILE), trial("b", (), a="x")]
    for text in (sweep_page.render(made, sweep_page.figures(made)), compare_page.render(runs)):
        outline = Outline(text)
        assert "script" not in outline.tags
        assert outline.text.count('<script>alert("x")</script>') >= 2
        assert "http-equiv" in text
        for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
            ElementTree.fromstring(svg)


def test_the_page_of_a_sweep_lists_trials_from_best_to_worst() -> None:
    trials = grid(places(6), [0.1, 0.6, 0.3, 0.4, 0.5, 0.2], steps=(10, 20))
    trials.append(trial("early", ((10, 0.05),), STOPPED_EARLY, losses__cacr__temperature=0.5))
    trials.append(trial("bad", (), FAILED, problem="out of memory at step 3"))
    made = sweep(trials, corpus="c0ffee", git_commit="abc", identity="1234")
    outline = Outline(sweep_page.render(made, sweep_page.figures(made)))
    head = next(row for row in outline.rows if "trial" in row)
    listed = outline.rows[outline.rows.index(head) + 1 :][: len(trials)]
    assert [row[1] for row in listed] == ["t1", "t4", "t3", "t2", "t5", "t0", "early", "bad"]
    first, early, failed = (dict(zip(head, listed[i], strict=True)) for i in (0, 6, 7))
    assert (first[""], first[OBJECTIVE], first["last step"]) == ("1", "0.6", "20")
    assert first["MLflow run"] == "t1t1"
    assert (early["status"], early["last step"], early[WEIGHT.key]) == ("stopped early", "10", "")
    assert (failed["problem"], failed[OBJECTIVE]) == ("out of memory at step 3", "")
    for text in ("8 trials (1 stopped early, 1 failed), by",
                 "highest validation/accuracy: t1 with 0.6 at step 20; losses.cacr.temperature",
                 "python jobs/pretrain.py --from-sweep made name=made-best", "c0ffee", "1234",
                 "is that of its last step", "step 10, the latest that all of these"):  # fmt: skip
        assert text in outline.text


def test_the_page_of_a_sweep_over_seeds_says_which_distances_may_be_chance() -> None:
    trials = [
        trial(f"{heat}{seed}", ((10, value),), losses__cacr__temperature=heat, seed=seed)
        for heat, seed, value in ((0.1, 1, 0.5), (0.1, 2, 0.7), (9.0, 1, 0.4), (9.0, 2, 0.5))
    ]
    made = sweep(trials, (TEMPERATURE, Dimension("seed", "choice", (1, 2))))
    outline = Outline(sweep_page.render(made, sweep_page.figures(made)))
    assert "Means over 2 seeds (1, 2)" in outline.text
    assert ["0.1", "0.6", "-0.6706 to 1.871", "", ""] in outline.rows
    assert ["9.0", "0.45", "-0.1853 to 1.085", "-0.15", "-0.7853 to 0.4853"] in outline.rows


def test_a_sweep_without_any_value_yet_has_a_page() -> None:
    made = sweep([trial("a", (), RUNNING), trial("b", (), FAILED, problem="no")])
    text = sweep_page.render(made, sweep_page.figures(made))
    assert "No trial has a value of validation/accuracy yet: 2 trials" in Outline(text).text
    assert "Train the best" not in text


def test_a_sweep_is_written_with_its_figures_beside_it(tmp_path: Path) -> None:
    made = sweep(grid(places(8), [0.1 * i for i in range(8)]))
    files = sweep_page.write(made, tmp_path / "report")
    assert {*files} == {"page", "landscape", "curves", "importance"}
    for name, path in files.items():
        assert path.parent == tmp_path / "report"
        if name != "page":
            check_svg(path.read_text(), name)
            assert path.read_text() in files["page"].read_text()


def run(name: str, run_id: str, last: dict[str, float], **params: str) -> Run:
    curves = {metric: ((1, 2 * value), (2, value)) for metric, value in last.items()}
    return Run(name=name, run_id=run_id, status="finished", params=params, tags={}, last=last,
               curves=curves)  # fmt: skip


def test_only_differences_are_compared_and_metrics_of_all() -> None:
    runs = [
        run("a", "1", {"loss/total": 0.5, "speed/x": 7.0}, same="1", weight="1", alone="null"),
        run("b", "2", {"validation/accuracy": 0.25}, same="1", weight="1.0"),
    ]
    assert compare_page.differences(runs) == [["alone", "null", None], ["weight", "1", "1.0"]]
    assert compare_page.reached(runs) == [
        ["validation/accuracy", None, None, 0.25, 0.5],
        ["loss/total", 0.5, 0.5, None, None],
        ["speed/x", 7.0, None, None, None],
    ]
    outline = Outline(compare_page.render(runs))
    assert ["weight", "1", "1.0"] in outline.rows
    assert "same" not in [row[0] for row in outline.rows if row]


def test_equal_configurations_are_called_so_and_equal_names_are_told_apart() -> None:
    runs = [run("a", "11111111x", {}, k="1"), run("a", "22222222y", {}, k="1")]
    assert compare_page.labels_of(runs) == ["a 11111111", "a 22222222"]
    assert "The configurations are the same." in compare_page.render(runs)


def test_a_page_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--output"):
        page.save(tmp_path / "file" / "page.html", "")


def test_a_file_name_holds_no_separators() -> None:
    assert page.file_name(["a/b", "c"]) == "a_b-and-c.html"
    assert len(page.file_name(["x" * 300])) < 130
