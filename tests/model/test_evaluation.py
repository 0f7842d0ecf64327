"""From finished cells to tables: means, differences with a known truth, what is left out and said.

Torch is needed only because cells are written where they are trained.
"""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from clism_ray.errors import InputError
from clism_ray.finetune.cell import PARTS, read_items
from clism_ray.finetune.place import places
from clism_ray.report.evaluation.files import COLUMNS, to_csv, to_json
from clism_ray.report.evaluation.layouts import by_size
from clism_ray.report.evaluation.notes import notes
from clism_ray.report.evaluation.page import render
from clism_ray.report.evaluation.published import family, published, published_ablation
from clism_ray.report.evaluation.report import load_evaluation, print_evaluation
from clism_ray.report.evaluation.tables import is_real
from clism_ray.report.evaluation.words import how_to_read, sentences, shown_words
from clism_ray.tasks.ner_scores import entity_scores
from clism_ray.tasks.significance import AVERAGE
from tests.evaluations import ITEMS, TYPES, answers, build, config, entities, write_cell

XQUAD = {"path": "x.{language}", "languages": ["en", "de"], "parallel": True}
FORMS = {
    "base": {"path": "base", "forms": ["plain", "question"]},
    "ours": {"path": "ours", "forms": ["plain", "question"]},
}


def altered(path: Path, pattern: str, new: str) -> None:
    old = path.read_text()
    path.write_text(re.sub(pattern, new, old))
    assert path.read_text() != old


def cell_files(folder: Path, place: str) -> Path:
    return folder / "cells" / place / "result.json"


# What tables say


def test_averages_are_means_over_samples_and_then_over_languages(tmp_path: Path) -> None:
    folder = build(tmp_path, config(samples=[1, 2, 3]), answers({"ours": 4.0}))
    items = {
        (model, sample): read_items(folder / "cells" / f"{model}.question.64.{sample}")
        for model in ("base", "ours")
        for sample in (1, 2, 3)
    }
    for metric in ("squad_f1", "squad_exact", "mlqa_f1", "mlqa_exact"):
        table = load_evaluation(folder).table("xquad", metric, 64)
        assert table is not None
        means = {}
        for line in table.lines:
            by_language = {
                column: np.mean(
                    [items[line.model, s][f"xquad/{column}"][metric] for s in (1, 2, 3)]
                )
                for column in ("en", "de")
            }
            means[line.model] = np.mean(list(by_language.values()))
            found = {column: score.value for column, score in line.scores.items()}
            assert found == pytest.approx(by_language | {AVERAGE: means[line.model]})
            assert all(score.low < score.value < score.high for score in line.scores.values())
        ours = table.line("ours")
        assert ours is not None
        assert ours.differences[AVERAGE].value == pytest.approx(means["ours"] - means["base"])


def test_a_true_difference_is_called_real_and_none_is_seldom(tmp_path: Path) -> None:
    given = {"samples": [1, 2, 3], "tests": {"xquad": XQUAD}}
    made = config("true", **given)
    found = load_evaluation(build(tmp_path, made, answers({"ours": 4.0})))
    ours = found.headline("xquad")[0].line("ours")
    assert ours is not None
    assert all(is_real(told, 0.95) for told in ours.differences.values())
    (sentence,) = sentences(found)
    assert re.fullmatch(
        r"xquad, F1 by MLQA's rules, average of en and de: ours beats base by [34]\.\d "
        r"\(\d\.\d to \d\.\d\) with 64 examples\.",
        sentence,
    )
    real = 0
    for trial in range(20):
        none = build(tmp_path, config(f"none-{trial}", **given), answers({}, mlqa=False))
        line = load_evaluation(none).headline("xquad")[0].line("ours")
        assert line is not None
        real += is_real(line.differences[AVERAGE], 0.95)
    assert real <= 4


def test_the_baseline_may_be_better(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(samples=[1, 2, 3]), answers({"ours": -5.0})))
    assert re.search(
        r"ours falls behind base by [45]\.\d \([345]\.\d to [56]\.\d\)", sentences(found)[0]
    )
    rows = [row for row in csv.DictReader(io.StringIO(to_csv(found))) if row["column"] == AVERAGE]
    assert {row["real"] for row in rows if row["model"] == "ours"} == {"True"}


def test_another_baseline_turns_the_comparison_round(tmp_path: Path) -> None:
    folder = build(tmp_path, config(samples=[1, 2, 3]), answers({"ours": -5.0}))
    assert "ours falls behind base by" in sentences(load_evaluation(folder))[0]
    assert "base beats ours by" in sentences(load_evaluation(folder, "ours"))[0]
    with pytest.raises(InputError, match="baseline 'theirs' is none of the models: base, ours"):
        load_evaluation(folder, "theirs")


def test_f1_of_entities_is_that_of_all_sentences_together(tmp_path: Path) -> None:
    tests = {"pud": {"path": "p.{language}", "languages": ["de", "pt"]}}
    folder = build(tmp_path, config(ner=True, tests=tests), entities({"base": 0.5, "ours": 0.8}))
    found = load_evaluation(folder)
    assert [table.metric for table in found.tables] == ["f1", *(f"f1/{kind}" for kind in TYPES)]
    for kind in ("micro", *TYPES):
        table = found.table("pud", "f1" if kind == "micro" else f"f1/{kind}", 64)
        assert table is not None
        for line in table.lines:
            for column in ("de", "pt"):
                by_sample = [
                    read_items(folder / "cells" / f"{line.model}.question.64.{sample}")
                    for sample in (1, 2)
                ]
                expected = np.mean(
                    [
                        entity_scores(items[f"pud/{column}"]["counts"], TYPES)[kind].f1
                        for items in by_sample
                    ]
                )
                assert line.scores[column].value == pytest.approx(expected)
    assert "ours beats base" in sentences(found)[0]


def test_the_better_form_of_a_model_counts_for_each_size_and_all_are_kept(tmp_path: Path) -> None:
    def score(place, file, random):
        gain = 3.0 if (place.form == "question") is (place.size == 64) else 0.0
        return answers({place.model: gain})(place, file, random)

    found = load_evaluation(build(tmp_path, config(models=FORMS, sizes=[64, 128]), score))
    for size, form in ((64, "question"), (128, "plain")):
        table = found.table("xquad", "squad_f1", size)
        assert table is not None
        assert len(table.lines) == 4
        assert {(line.model, line.form) for line in table.counting()} == {
            ("base", form),
            ("ours", form),
        }
        for metric in ("squad_exact", "mlqa_f1"):
            beside = found.table("xquad", metric, size)
            assert beside is not None
            assert {line.form for line in beside.counting()} == {form}
        assert [bool(line.differences) for line in table.lines] == [
            line.counts and line.model == "ours" for line in table.lines
        ]
    assert any("Forms tried: base 2, ours 2." in note for note in notes(found))
    assert "(question)" in by_size(found, found.headline("xquad"))
    assert "(plain)" in by_size(found, found.headline("xquad"))
    single = load_evaluation(build(tmp_path, config("single"), answers({})))
    assert not any("Forms tried" in note for note in notes(single))


def test_only_heads_of_forms_that_count_are_said_to_be_drawn(tmp_path: Path) -> None:
    def score(place, file, random):
        return answers({place.model: 3.0 if place.form == "question" else 0.0})(place, file, random)

    folder = build(tmp_path, config(models=FORMS), score)
    for path in folder.glob("cells/*.plain.*/result.json"):
        altered(path, '"head": "pre-trained"', '"head": "drawn"')
    assert not any("drawn, is the head" in note for note in notes(load_evaluation(folder)))
    for path in folder.glob("cells/base.question.*/result.json"):
        altered(path, '"head": "pre-trained"', '"head": "drawn, and [QUE] with it"')
    found = notes(load_evaluation(folder))
    assert any(note.endswith("head that answers of: base (question).") for note in found)


def test_questions_about_a_passage_make_intervals_as_wide_as_passages_do(tmp_path: Path) -> None:
    def score(place, file, random):
        found = answers({}, mlqa=False)(place, file, random)
        shared = np.random.default_rng(len(file.language)).normal(0, 15, ITEMS // 5)
        return {name: values + shared.repeat(5) for name, values in found.items()}

    given = {"samples": [1], "tests": {"xquad": XQUAD}}
    folders = [build(tmp_path, config(name, **given), score) for name in ("alone", "passages")]
    for path in folders[1].glob("cells/*/items.npz"):
        with np.load(path) as held:
            arrays = dict(held)
        passages = {f"xquad/{name}:{PARTS}": np.arange(ITEMS) // 5 for name in ("en", "de")}
        np.savez(path, **(arrays | passages))
    widths = [
        estimate.high - estimate.low
        for folder in folders
        for estimate in [load_evaluation(folder).headline("xquad")[0].lines[0].scores[AVERAGE]]
    ]
    assert widths[1] > 1.5 * widths[0]


def test_where_all_examples_are_trained_on_seeds_are_called_seeds(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(sizes=[None], samples=[1]), answers({})))
    told = " ".join([*sentences(found), *notes(found), how_to_read(found), render(found, {})])
    assert "(one seed only)" in told
    assert "Trained on all examples, 1 seed:" in told
    assert " resamples of seeds and test items" in how_to_read(found)


def test_shown_languages_are_in_no_average(tmp_path: Path) -> None:
    tests = {"xquad": XQUAD | {"shown": ["hi"]}}

    def score(place, file, random):
        return answers({"ours": 30.0 if file.language == "hi" else 2.0})(place, file, random)

    found = load_evaluation(build(tmp_path, config(tests=tests), score))
    table = found.headline("xquad")[0]
    line = table.line("ours")
    assert line is not None
    assert (table.averaged, table.shown) == (("en", "de"), ("hi",))
    assert line.scores[AVERAGE].value == pytest.approx(
        (line.scores["en"].value + line.scores["de"].value) / 2
    )
    assert line.differences[AVERAGE].value < 5 < 20 < line.differences["hi"].value
    assert line.differences["hi"].p_holm >= line.differences["hi"].p
    assert shown_words(found, "xquad") == (
        "Shown, but in no average: hi (34% of tokens unknown, 1.5 to a word)."
    )
    rows = json.loads(to_json(found))["rows"]
    assert {row["column"]: row["averaged"] for row in rows} == {
        "en": True, "de": True, "hi": False, AVERAGE: None,
    }  # fmt: skip


def test_a_metric_that_some_languages_lack_is_shown_for_the_others(tmp_path: Path) -> None:
    def score(place, file, random):
        return answers({}, mlqa=file.language != "el")(place, file, random)

    tests = {
        "mlqa-dev": {"path": "m.{language}", "languages": ["en", "de"], "shown": ["el"]},
        "xquad": {"path": "x.{language}", "languages": ["en", "el"]},
    }
    found = load_evaluation(build(tmp_path, config(tests=tests), score))
    own, other = found.headline("mlqa-dev")[0], found.headline("xquad")[0]
    assert (own.metric, own.shown) == ("mlqa_f1", ())
    assert (other.metric, other.averaged) == ("squad_f1", ("en", "el"))
    squad = found.table("mlqa-dev", "squad_f1", 64)
    assert squad is not None
    assert squad.shown == ("el",)
    assert found.table("xquad", "mlqa_f1", 64) is None
    assert any(note.startswith("MLQA has no rules for el: punctuation") for note in notes(found))


def test_the_english_script_stands_beside_mlqas_rules(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(), answers({"ours": 4.0})))
    assert found.headline("xquad")[0].metric == "mlqa_f1"
    assert sentences(found)[0].startswith("xquad, F1 by MLQA's rules, average of en and de: ours")
    line = found.headline("xquad")[0].lines[0]
    told = render(found, {})
    beside = told[told.index("The same by SQuAD&#x27;s script") :]
    beside = beside[: beside.index("</table>")]
    assert f"{line.scores['de'].value - 1:.1f} / " in beside  # the scorer gives MLQA one more


def test_columns_of_a_matrix_are_pairs_of_languages(tmp_path: Path) -> None:
    tests = {
        "mlqa": {
            "path": "m.{language}.{question_language}",
            "languages": ["en", "de"],
            "question_languages": ["en", "es"],
        }
    }
    found = load_evaluation(build(tmp_path, config(tests=tests), answers({})))
    assert found.is_matrix("mlqa")
    assert found.headline("mlqa")[0].averaged == ("en-en", "en-es", "de-en", "de-es")


def test_equal_cells_give_equal_tables(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({"ours": 1.0}))
    assert load_evaluation(folder).tables == load_evaluation(folder).tables


# What is missing


def test_only_samples_of_all_models_are_compared(tmp_path: Path) -> None:
    made = config(samples=[1, 2, 3], sizes=[64, 128])
    folder = build(
        tmp_path, made, answers({}), lambda p: p.size == 64 and (p.model, p.sample) == ("ours", 2)
    )
    found = load_evaluation(folder)
    assert [table.samples for table in found.headline("xquad")] == [(1, 3), (1, 2, 3)]
    assert [str(place) for place in found.missing] == ["ours.question.64.2"]
    told = notes(found)
    assert "11 of 12 cells are finished; missing: ours.question.64.2." in told
    assert any(note.startswith("With 64 examples, 2 of 3 samples") for note in told)
    assert not any("128" in note for note in told)


def test_a_model_without_cells_leaves_the_others_comparable(tmp_path: Path) -> None:
    models = {**config().models, "third": {"path": "third"}}
    made = config(models=models)
    found = load_evaluation(build(tmp_path, made, answers({}), lambda p: p.model == "third"))
    assert len(found.headline("xquad")[0].samples) == 2
    assert [line.model for line in found.headline("xquad")[0].lines] == ["base", "ours"]
    assert any("Not in it: third (question)." in note for note in notes(found))


@pytest.mark.parametrize("model", ["base", "ours"])
def test_one_model_alone_is_no_comparison(tmp_path: Path, model: str) -> None:
    found = load_evaluation(build(tmp_path, config(), answers({}), lambda p: p.model != model))
    assert found.tables
    assert sentences(found)[0].startswith("Nothing can be compared yet: 2 of 4 cells")
    assert not any(line.differences for table in found.tables for line in table.lines)
    print_evaluation(found, Console(file=io.StringIO(), width=120))


def test_samples_that_no_two_models_share_make_no_table(tmp_path: Path) -> None:
    folder = build(
        tmp_path, config(), answers({}), lambda p: (p.model == "base") is (p.sample == 1)
    )
    found = load_evaluation(folder)
    assert (found.tables, len(found.cells)) == ((), 2)
    assert any("0 of 2 samples are compared" in note for note in notes(found))
    assert sentences(found)[0].startswith("Nothing can be compared yet")


def test_an_evaluation_that_just_began_is_empty(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(), answers({}), lambda p: True))
    assert found.tables == ()
    assert len(found.missing) == found.planned == 4
    assert to_csv(found).splitlines() == [",".join(COLUMNS)]
    assert json.loads(to_json(found))["rows"] == []


def test_models_that_saw_other_rows_before_are_named(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({"ours": 4.0}))
    told = {"start": "5e" * 8, "corpus": "c0" * 32, "seed": 13, "slots": 4, "pairs": 16}
    told |= {"steps": 500, "kept": "last", "clism": 1.0, "cacr": 1.0, "mlm": 1.0}

    def pretrained(model: str, **given: object) -> None:
        for path in folder.glob(f"cells/{model}.*/result.json"):
            tree = json.loads(path.read_text())
            path.write_text(json.dumps({**tree, "pretraining": {**told, **given}}))

    pretrained("ours")
    pretrained("base", clism=0.0, cacr=0.0)
    found = load_evaluation(folder)
    assert not any("same rows" in note for note in notes(found))
    assert any(
        note.startswith("Pre-trained once, with one seed: base and ours") for note in notes(found)
    )
    for cell in ("<td>base</td>", "4 x 16", "5e" * 8, "c0" * 8):
        assert cell in render(found, {})
    pretrained("base", clism=0.0, cacr=0.0, steps=250)
    said = "ours and base were not pre-trained on the same rows in the same order: they differ in"
    assert f"{said} steps." in notes(load_evaluation(folder))


def test_one_sample_says_so(tmp_path: Path) -> None:
    found = load_evaluation(build(tmp_path, config(samples=[7]), answers({"ours": 5.0})))
    assert any(
        note.startswith("One sample only: intervals are over test items") for note in notes(found)
    )
    assert sentences(found)[0].endswith("(one sample only).")


# What cannot be compared


def test_other_test_files_are_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({}))
    result = cell_files(folder, "ours.question.64.2")
    altered(result, r'"sha256": "0', '"sha256": "f')
    with pytest.raises(
        InputError, match=r"xquad/en: .*ours\.question\.64\.2 .*base\.question\.64\.1"
    ):
        load_evaluation(folder)


def test_other_training_examples_of_one_sample_are_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({}))
    altered(cell_files(folder, "ours.question.64.2"), '"ids": ".*"', '"ids": "other"')
    with pytest.raises(InputError, match=r"trained on different examples \(other and 64-2\)"):
        load_evaluation(folder)


def test_a_cell_without_a_test_file_is_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({}))
    wider = config(tests={"xquad": XQUAD | {"languages": ["en", "de", "es"]}})
    shutil.rmtree(folder / "cells" / "ours.question.64.2")
    write_cell(folder / "cells" / "new", wider, places(wider)[-1], answers({}))
    build(tmp_path, wider, answers({}), lambda p: True)
    with pytest.raises(InputError, match=r"base\.question\.64\.1: has no scores of xquad/es"):
        load_evaluation(folder)


@pytest.mark.parametrize(
    ("text", "told"), [("{", "JSONDecodeError"), ("{}", "KeyError"), ('{"scores": {}}', "KeyError")]
)
def test_a_result_that_cannot_be_read_is_named(tmp_path: Path, text: str, told: str) -> None:
    folder = build(tmp_path, config(), answers({}))
    cell_files(folder, "ours.question.64.2").write_text(text)
    with pytest.raises(InputError, match=rf"ours\.question\.64\.2: cannot read.*{told}"):
        load_evaluation(folder)


@pytest.mark.parametrize("left", [None, 0, 100])  # bytes of the file
def test_a_cell_that_lost_its_items_is_named(tmp_path: Path, left: int | None) -> None:
    folder = build(tmp_path, config(), answers({}))
    path = folder / "cells" / "ours.question.64.2" / "items.npz"
    whole = path.read_bytes()
    path.unlink()
    if left is not None:
        path.write_bytes(whole[:left])
    with pytest.raises(InputError, match=r"ours\.question\.64\.2: cannot read the cell"):
        load_evaluation(folder)


def test_cells_of_another_grid_are_not_counted_and_two_of_one_place_are_refused(
    tmp_path: Path,
) -> None:
    folder = build(tmp_path, config(samples=[1, 2, 3]), answers({}))
    build(tmp_path, config(), answers({}))
    found = load_evaluation(folder)
    assert found.strays == ("base.question.64.3", "ours.question.64.3")
    assert len(found.cells) == 4
    assert any("base.question.64.3, ours.question.64.3" in note for note in notes(found))
    shutil.copytree(folder / "cells" / "base.question.64.1", folder / "cells" / "copy")
    with pytest.raises(InputError, match=r"both hold the cell base\.question\.64\.1; remove one"):
        load_evaluation(folder)


def test_cells_that_do_not_tell_of_passages_are_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, config(), answers({}))
    for path in folder.glob("cells/*/items.npz"):
        with np.load(path) as held:
            kept = {name: held[name] for name in held.files if not name.endswith(PARTS)}
        np.savez(path, **kept)
    with pytest.raises(InputError, match="no cell tells of which passage"):
        _ = load_evaluation(folder).tables


def test_an_unknown_name_lists_those_that_are_there(tmp_path: Path) -> None:
    build(tmp_path, config("there"), answers({}), lambda p: True)
    with pytest.raises(InputError, match=r"no evaluation is called 'their'.*known: there"):
        load_evaluation(tmp_path / "evaluations" / "their")


# What programs and terminals get


def test_the_long_table_holds_every_score_and_its_difference(tmp_path: Path) -> None:
    made = config(models=FORMS, sizes=[64, None])
    found = load_evaluation(build(tmp_path, made, answers({"ours": 4.0, "ours.plain": 1.0})))
    rows = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 2 * 4 * 4 * 3  # sizes, metrics, systems, columns
    assert {row["size"] for row in rows} == {"64", "all"}
    (row,) = (
        row
        for row in rows
        if (row["metric"], row["size"], row["model"], row["form"], row["column"])
        == ("squad_f1", "all", "ours", "question", AVERAGE)
    )
    assert float(row["diff_low"]) < float(row["difference"]) < float(row["diff_high"])
    assert (row["samples"], row["items"], row["counts"]) == ("2", "400", "True")
    tree = json.loads(to_json(found))
    assert tuple(tree["rows"][0]) == COLUMNS
    assert {row["size"] for row in tree["rows"]} == {64, None}
    assert tree["sentences"] == sentences(found)


def test_the_terminal_shows_averages_intervals_and_differences(tmp_path: Path) -> None:
    made = config(sizes=[64, None], samples=[1, 2, 3])
    found = load_evaluation(build(tmp_path, made, answers({"ours": 4.0})))
    file = io.StringIO()
    print_evaluation(found, Console(file=file, width=120))
    said = file.getvalue()
    assert "xquad: average of en and de" in said
    ours = [line for line in said.splitlines() if re.search(r"│ +(64|all) │ ours", line)]
    assert len(ours) == 2
    for line in ours:
        assert re.search(r"5\d\.\d \(5\d\.\d to 5\d\.\d\) │ 2\d\.\d │ \+\d\.\d \(.* \*", line)


# The paper's figures


def test_the_papers_figures_belong_to_test_sets_of_its_names() -> None:
    assert [family(test) for test in ("xquad-dev", "MLQA", "pud")] == ["xquad", "mlqa", None]
    assert published("xquad", 128)["CLISM + CACR on XLM-R"] == (29.5, 19.7)
    assert published("mlqa", None)["XLM-R base"] == (64.14, 46.0)
    assert published("conll", None)["XLM-R base"] == (78.48, None)
    assert published("mlqa", 128) == published("xquad", 100) == published("pud", None) == {}
    assert published_ablation("xquad", None)["without CLISM"].f1 == 74.34
    assert published_ablation("xquad", 64) == {}
