"""Intervals and tests with known answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from clism_ray.errors import InputError
from clism_ray.randomness import Use, generator
from clism_ray.tasks import statistics
from clism_ray.tasks.item_groups import Groups, item_groups
from clism_ray.tasks.ner_scores import f1
from clism_ray.tasks.significance import AVERAGE, compare, holm
from clism_ray.tasks.statistics import Estimate, Resampled, resample

Results = dict[str, dict[str, np.ndarray]]


def simulated(
    seed: int, *, gain: float = 0.0, runs: int = 5, items: int = 100, run_sd: float = 1.0
) -> Results:
    """Systems on items of unequal difficulty; the true mean of `old` is 50, of `new` 50 + gain."""
    random = np.random.default_rng(seed)
    difficulty = random.normal(50, 10, items)
    made = {
        name: difficulty
        + better
        + random.normal(0, run_sd, (runs, 1))
        + random.normal(0, 5, (runs, items))
        for name, better in (("new", gain), ("old", 0.0))
    }
    return {name: {"de": scores} for name, scores in made.items()}


def covered(runs: int, run_sd: float, trials: int = 150, of: str = "mean") -> float:
    """How often the interval of a system's mean, or of no difference, holds the truth."""
    hits = 0
    for trial in range(trials):
        results = simulated(trial, runs=runs, run_sd=run_sd, items=60)
        drawn = resample(results, resamples=300, seed=trial)
        found = drawn.estimate("old") if of == "mean" else drawn.difference("new", "old")
        hits += found.low <= (50 if of == "mean" else 0) <= found.high
    return hits / trials


@pytest.mark.parametrize(
    ("runs", "run_sd"), [(1, 0.0), (2, 3.0), (3, 0.5), (3, 5.0), (5, 0.0), (5, 5.0)]
)
def test_an_interval_of_95_per_cent_holds_the_truth_about_as_often(
    runs: int, run_sd: float
) -> None:
    assert 0.90 <= covered(runs, run_sd) <= 0.99


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_a_difference_far_beyond_that_of_runs_is_significant_with_few_of_them(runs: int) -> None:
    found = resample(simulated(4, gain=60, runs=runs, run_sd=0.5), resamples=300)
    difference = found.difference("new", "old")
    assert difference.p < 0.05 / 3
    assert difference.low > 50


def test_an_interval_stays_on_the_scale_of_the_score() -> None:
    results = {"old": simulated(1, runs=2, run_sd=60.0)["old"]}
    free = resample(results, resamples=300)
    held = resample(results, resamples=300, bounds=(20, 70))
    assert free.estimate("old").low < 20
    assert free.estimate("old").high > 70
    assert held.estimate("old")[1:] == (20, 70)


def test_five_runs_alone_would_not_be_enough_without_students_t() -> None:
    results = simulated(3, run_sd=5.0)
    resampled = resample({"old": results["old"]}, resamples=2000)
    estimate = resampled.estimate("old")
    plain = np.quantile(resampled.resampled_BSL[:, 0, 0], [0.025, 0.975])
    assert estimate.low < plain[0]
    assert estimate.high > plain[1]


def test_one_run_and_one_language_is_the_percentile_bootstrap_of_scipy() -> None:
    scores = np.random.default_rng(5).random((1, 80))
    ours = resample({"a": {"de": scores}}, resamples=500, seed=9).estimate("a", "de")
    theirs = stats.bootstrap(
        (scores[0],),
        np.mean,
        n_resamples=500,
        method="percentile",
        rng=generator(Use.RESAMPLED_ITEMS, 9),
    ).confidence_interval
    assert ours == pytest.approx((scores.mean(), *theirs))


def test_no_difference_is_seldom_significant_and_a_clear_one_always() -> None:
    none, clear = (
        [
            resample(simulated(trial, gain=gain), resamples=300).difference("new", "old")
            for trial in range(40)
        ]
        for gain in (0.0, 6.0)
    )
    assert sum(difference.p < 0.05 for difference in none) <= 4
    assert all(difference.p < 0.05 and difference.low > 0 for difference in clear)


def test_a_system_against_itself_differs_by_nothing() -> None:
    results = simulated(1)
    difference = resample({"a": results["old"], "b": results["old"]}).difference("a", "b")
    assert difference == (0, 0, 0, 1)


def test_paired_differences_are_tighter_than_unpaired_ones() -> None:
    results = simulated(2)
    paired = resample(results, resamples=1000).difference("new", "old")
    apart = [
        resample({name: data}, resamples=1000, seed=seed).resampled_BSL[:, 0, 0]
        for seed, (name, data) in enumerate(results.items())
    ]
    low, high = np.quantile(apart[0] - apart[1], [0.025, 0.975])
    assert paired.high - paired.low < 0.6 * (high - low)


@settings(max_examples=10)
@given(st.integers(0, 99), st.floats(-3, 3))
def test_a_p_value_and_its_interval_agree_about_zero(seed: int, gain: float) -> None:
    difference = resample(simulated(seed, gain=gain), resamples=400).difference("new", "old")
    if difference.p < 0.04:
        assert not difference.low <= 0 <= difference.high
    if difference.p > 0.06:
        assert difference.low <= 0 <= difference.high


def test_scores_of_sums_are_resampled_as_sums() -> None:
    counts = np.random.default_rng(1).integers(0, 3, (2, 50, 3))
    resampled = resample({"a": {"de": counts}}, f1, resamples=4, seed=3)
    assert resampled.measured_SRL[0, :, 0] == pytest.approx(f1(counts.sum(1)))
    drawn = generator(Use.RESAMPLED_ITEMS, 3).integers(0, 50, (4, 50))
    by_run = np.array([f1(counts[:, rows].sum(1)) for rows in drawn])
    runs = generator(Use.RESAMPLED_RUNS, 3).multinomial(1, [0.5, 0.5], 4)
    assert resampled.resampled_BSL[:, 0, 0] == pytest.approx((by_run * runs).sum(1))


def test_equal_arguments_give_equal_numbers_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = resample(simulated(4), resamples=50, seed=1)
    monkeypatch.setattr(statistics, "_DRAWS", 700)  # seven resamples at a time
    blocks = resample(simulated(4), resamples=50, seed=1)
    np.testing.assert_allclose(blocks.resampled_BSL, whole.resampled_BSL)
    other = resample(simulated(4), resamples=50, seed=2)
    assert not np.allclose(other.resampled_BSL, whole.resampled_BSL)


def languages(resampled: Resampled) -> list[Estimate]:
    return [resampled.estimate("a", language) for language in resampled.languages]


def test_the_average_is_over_fixed_languages_and_wider_where_their_items_are_the_same() -> None:
    easy = np.random.default_rng(6).normal(50, 10, (1, 80))
    results = {"a": {"de": easy, "zh": easy + 20}}
    names = [str(number) for number in range(80)]
    ids = {"de": names, "zh": names}
    apart, parallel = (
        resample(results, resamples=1000, groups=item_groups(ids, ids, parallel=parallel))
        for parallel in (False, True)
    )
    for resampled in (apart, parallel):
        assert resampled.estimate("a").value == pytest.approx(easy.mean() + 10)
    de, zh = languages(parallel)
    assert zh == pytest.approx([20 + bound for bound in de])
    assert width(parallel.estimate("a")) == pytest.approx(width(de))
    assert width(apart.estimate("a")) == pytest.approx(width(de) / 2**0.5, rel=0.1)


def width(estimate: Estimate) -> float:
    return estimate.high - estimate.low


def test_a_comparison_has_every_language_corrected_and_the_average_as_it_is() -> None:
    random = np.random.default_rng(7)
    old = {name: random.normal(50, 5, (5, 40)) for name in ("de", "hi", "zh")}
    new = {"de": old["de"] + 3, "hi": old["hi"] + random.normal(0, 5, (5, 40)), "zh": old["zh"]}
    rows = compare(resample({"new": new, "old": old}, resamples=999), "new", "old")
    assert list(rows) == ["de", "hi", "zh", AVERAGE]
    assert rows["de"][:3] == pytest.approx((3, 3, 3))
    assert rows["de"].p_holm == pytest.approx(3 * rows["de"].p)
    assert rows["zh"].p_holm == 1
    assert rows[AVERAGE].p_holm == rows[AVERAGE].p


def test_holm_as_worked_by_hand() -> None:
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert corrected == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(corrected) == ["a", "b", "c", "d"]
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1, "b": 1}
    assert holm({}) == {}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"new": {"de": np.ones((5, 99))}}, "old, de: 5 runs, 100 items .* new has 5 runs, 99"),
        ({"new": {"de": np.ones((4, 100))}}, "compare the same runs on the same items"),
        ({"new": {"zh": np.ones((5, 100))}}, "old has the languages de; new has zh"),
        ({"new": {"de": np.full((5, 100), np.nan)}}, "new, de: a score that is no finite number"),
        ({"new": {"de": np.ones(100)}}, r"new, de: shape \(100,\); expected runs x items"),
        ({"new": {}}, "no results to resample"),
    ],
)
def test_results_that_cannot_be_compared_are_refused(change: Results, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        resample({**simulated(1), **change})


def test_items_of_one_name_are_drawn_together_wherever_they_stand() -> None:
    scores = np.random.default_rng(7).normal(50, 10, (1, 60))
    names = [f"q{number}" for number in range(60)]
    results = {"a": {"de-de": scores, "de-es": scores[:, ::-1], "zh-zh": scores[:, :20]}}
    ids = {"de-de": names, "de-es": names[::-1], "zh-zh": names[:20]}
    drawn = resample(results, resamples=500, groups=item_groups(ids, ids, parallel=True))
    same, turned, _ = drawn.resampled_BSL[:, 0].T
    np.testing.assert_allclose(same, turned)
    part = scores[0, :20].mean()
    assert drawn.estimate("a", "zh-zh").low < part < drawn.estimate("a", "zh-zh").high


def test_the_average_is_over_the_languages_that_are_asked_for() -> None:
    results = {"a": {"de": np.full((2, 4), 10.0), "zh": np.full((2, 4), 90.0)}}
    assert resample(results, resamples=9).estimate("a").value == 50
    assert resample(results, resamples=9, averaged=["de"]).estimate("a").value == 10


def of_passages(seed: int, passages: int = 40, questions: int = 6) -> np.ndarray:
    """One run's scores with a true mean of 50: questions about a passage fail together."""
    random = np.random.default_rng(seed)
    shared = random.normal(50, 10, (passages, 1))
    return (shared + random.normal(0, 10, (passages, questions))).reshape(1, -1)


def test_questions_about_a_passage_are_one_observation_as_intervals_know() -> None:
    names = {"de": [str(number) for number in range(240)]}
    groups = item_groups(names, {"de": np.arange(240) // 6}, parallel=False)

    def hits(groups: Groups | None) -> float:
        found = [
            resample({"a": {"de": of_passages(trial)}}, resamples=300, seed=trial, groups=groups)
            for trial in range(150)
        ]
        intervals = [drawn.estimate("a") for drawn in found]
        return sum(one.low <= 50 <= one.high for one in intervals) / len(intervals)

    assert 0.90 <= hits(groups) <= 0.99
    assert hits(None) < 0.85


def test_a_language_of_few_groups_has_a_score_in_every_resample() -> None:
    random = np.random.default_rng(3)
    results = {"a": {"de": random.random((1, 50)), "zh": random.random((1, 1))}}
    groups = {"de": np.arange(50), "zh": np.array([7])}  # drawn in two resamples of three
    drawn = resample(results, resamples=200, groups=groups)
    assert drawn.estimate("a", "zh")[1:] == pytest.approx([results["a"]["zh"][0, 0]] * 2)
    assert np.isfinite(drawn.resampled_BSL).all()


def test_every_item_needs_a_group() -> None:
    with pytest.raises(InputError, match="de: groups of 3 items for 4; expected one for each"):
        resample({"a": {"de": np.ones((2, 4))}}, groups={"de": np.arange(3)})
