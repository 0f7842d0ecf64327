"""Answer a question about a passage, or a file of them, with a model folder."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # runs without installation

from transformers.utils.logging import disable_progress_bar

from clism_ray.cli import exit_code
from clism_ray.command_lines import answer_arguments
from clism_ray.tasks import qa_file
from clism_ray.tasks.qa_pipeline import QuestionAnswerer


def answer(given: argparse.Namespace) -> None:
    if given.questions is None:
        file = given.passage_file
        passage = given.passage if file is None else qa_file.read_passage(Path(file))
        answerer = QuestionAnswerer(given.model, device=given.device)
        return qa_file.print_answers(answerer, given.question, passage)
    path, output = Path(given.questions), Path(given.output or "predictions.json")
    qa_file.check_output(output, path)
    language = qa_file.language_of(path, given.language)
    questions = qa_file.read_to_answer(path)
    found = qa_file.answer_all(QuestionAnswerer(given.model, device=given.device), questions)
    print(f"answers: {output}, best 20 to each: {qa_file.save_answers(output, found)}")
    print(qa_file.scores_of(questions, found, language))


def main(arguments: Sequence[str] | None = None) -> int:
    given = answer_arguments(__doc__, arguments)
    disable_progress_bar()
    return exit_code(lambda: answer(given))


if __name__ == "__main__":
    sys.exit(main())
