"""Windows to a micro-batch without padding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clism_ray.records import IGNORED
from clism_ray.tasks.qa_windows import Window


@dataclass(frozen=True, slots=True)
class QuestionBatch:
    """N windows laid end to end in T tokens, each with one question. Positions are in T.

    An empty micro-batch has one window of two tokens whose answer is IGNORED, so that it runs
    through the same graph and weighs nothing.
    """

    ids_T: NDArray[np.int64]
    types_T: NDArray[np.int64]  # 0, and 1 for the passage and its [SEP]
    offsets_N1: NDArray[np.int64]  # window n is tokens offsets[n] .. offsets[n + 1] - 1
    passage_N2: NDArray[np.int64]  # the passage's first token and the one after its last
    asking_N: NDArray[np.int64]  # [QUE], or [CLS] without it
    start_N: NDArray[np.int64]  # position of the answer's first token, or IGNORED
    end_N: NDArray[np.int64]


def micro_batches(windows: Sequence[Window], size: int) -> Iterator[QuestionBatch]:
    """The windows in order, `size` at a time; the last micro-batch may be smaller."""
    for first in range(0, len(windows), size):
        yield pack(windows[first : first + size])


def pack(windows: Sequence[Window]) -> QuestionBatch:
    """Lay windows end to end."""
    if not windows:
        zero, ignored = np.zeros(1, np.int64), np.full(1, IGNORED)
        pair = np.zeros(2, np.int64)
        return QuestionBatch(
            pair, pair, np.array([0, 2]), np.array([[1, 2]]), zero, ignored, ignored
        )
    offsets = np.cumsum([0, *(len(window.ids_L) for window in windows)])
    starts = offsets[:-1]
    passage = starts + [window.passage for window in windows]
    types = np.zeros(offsets[-1], np.int64)
    for first, stop in zip(passage, offsets[1:], strict=True):
        types[first:stop] = 1
    answers = [window.answer for window in windows]
    return QuestionBatch(
        ids_T=np.concatenate([window.ids_L for window in windows]).astype(np.int64),
        types_T=types,
        offsets_N1=offsets,
        passage_N2=np.stack([passage, offsets[1:] - 1], axis=1),
        asking_N=starts + [window.asking for window in windows],
        start_N=_places(starts, [answer and answer[0] for answer in answers]),
        end_N=_places(starts, [answer and answer[1] for answer in answers]),
    )


def to_tensors(batch: QuestionBatch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a micro-batch on a device."""
    return {
        field.name: torch.from_numpy(getattr(batch, field.name)).to(device, non_blocking=True)
        for field in fields(batch)
    }


def _places(starts: NDArray[np.int64], places: Sequence[int | None]) -> NDArray[np.int64]:
    return np.array(
        [
            IGNORED if place is None else start + place
            for start, place in zip(starts, places, strict=True)
        ]
    )
