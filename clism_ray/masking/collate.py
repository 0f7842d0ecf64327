"""Examples to a micro-batch without padding, and a micro-batch to bytes and back."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from safetensors.numpy import load, save

from clism_ray.records import IGNORED, Batch, Example


def collate(
    examples: Sequence[Example],
    language_pairs: Sequence[str],
    dropped: Mapping[str, int],
    left_out: Sequence[int] = (),
) -> Batch:
    """Lay examples end to end: the B joint sequences, then the B plain ones.

    What is lacking (no example, no question, no masked token) gets one place labelled IGNORED, so
    that every micro-batch runs through the same graph.
    """
    if not examples:
        return empty_batch(dropped, left_out)
    joint = [example.joint_ids for example in examples]
    plain = [example.plain_ids for example in examples]
    lengths = [len(ids) for ids in (*joint, *plain)]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    pool = np.full(offsets[-1], -1)
    types = np.zeros(offsets[-1])
    count = len(examples)
    for index, example in enumerate(examples):
        start = offsets[index]
        pool[start + example.masked_source[0] : start + example.masked_source[1]] = index
        pool[start + example.target[0] : start + example.target[1]] = count + index
        types[start + example.target[0] : offsets[index + 1]] = 1
        pool[offsets[count + index] + 1 : offsets[count + index + 1] - 1] = 2 * count + index
    return Batch(
        ids_T=_array([token for ids in (*joint, *plain) for token in ids]),
        types_T=_array(types),
        offsets_N1=_array(offsets),
        pool_T=_array(pool),
        question_Q=_places(offsets, [e.questions for e in examples], empty=0),
        start_Q=_places(offsets, [[first for first, _ in e.answers] for e in examples], IGNORED),
        end_Q=_places(offsets, [[last for _, last in e.answers] for e in examples], IGNORED),
        masked_M=_places(offsets, [e.mlm_positions for e in examples], empty=0),
        label_M=_array([label for e in examples for label in e.mlm_labels] or [IGNORED]),
        row_id_B=_array([example.row_id for example in examples]),
        language_B=_array([language_pairs.index(example.language) for example in examples]),
        source_key_B=_array([example.source_key for example in examples]),
        target_key_B=_array([example.target_key for example in examples]),
        left_out_R=_array(left_out),
        dropped=dict(dropped),
    )


def empty_batch(dropped: Mapping[str, int] | None = None, left_out: Sequence[int] = ()) -> Batch:
    """A micro-batch that weighs nothing: one pair of two-token sequences, every label IGNORED."""
    zero, ignored = _array([0]), _array([IGNORED])
    return Batch(
        ids_T=_array([0, 0, 0, 0]),
        types_T=_array([0, 0, 0, 0]),
        offsets_N1=_array([0, 2, 4]),
        pool_T=_array([0, 1, 2, 2]),
        question_Q=zero,
        start_Q=ignored,
        end_Q=ignored,
        masked_M=zero,
        label_M=ignored,
        row_id_B=_array([-1]),
        language_B=zero,
        source_key_B=zero,
        target_key_B=zero,
        left_out_R=_array(left_out),
        dropped=dict(dropped or {}),
    )


def with_targets_alone(batch: Batch) -> Batch:
    """The micro-batch and B sequences more, [CLS] target [SEP] as they were before MLM.

    The target of pair b is pooled in 3B + b. So each sentence of a pair stands there alone.
    """
    clean = batch.ids_T.copy()
    real = batch.label_M != IGNORED
    clean[batch.masked_M[real]] = batch.label_M[real]
    pairs = len(batch.row_id_B)
    ids, pools, ends = [batch.ids_T], [batch.pool_T], [batch.offsets_N1]
    for index in range(pairs):
        start, stop = batch.offsets_N1[index : index + 2]
        own = clean[batch.pool_T == pairs + index]
        ids += [clean[[start]], own, clean[[stop - 1]]]
        pools += [_array([-1]), np.full(len(own), 3 * pairs + index), _array([-1])]
        ends.append(ends[-1][-1:] + len(own) + 2)
    all_ids = np.concatenate(ids)
    added = np.zeros(len(all_ids) - len(batch.types_T), dtype=np.int64)
    return dataclasses.replace(
        batch,
        ids_T=all_ids,
        types_T=np.concatenate([batch.types_T, added]),
        offsets_N1=np.concatenate(ends),
        pool_T=np.concatenate(pools),
    )


def make_batch(
    row_ids: Sequence[int], results: Sequence[Example | str], language_pairs: Sequence[str]
) -> Batch:
    """The micro-batch of those pairs that became examples; the others are counted by reason."""
    examples = [result for result in results if isinstance(result, Example)]
    left_out = {
        row: result for row, result in zip(row_ids, results, strict=True) if isinstance(result, str)
    }
    return collate(examples, language_pairs, Counter(left_out.values()), [*left_out])


def to_bytes(batch: Batch) -> bytes:
    """A micro-batch as safetensors bytes; the drop reasons are scalars beside the tensors."""
    tensors = {name: getattr(batch, name) for name in _TENSORS}
    counts = {f"dropped/{reason}": _array([count]) for reason, count in batch.dropped.items()}
    return save({**tensors, **counts})


def from_bytes(data: bytes) -> Batch:
    """The micro-batch that `to_bytes` wrote."""
    tensors = load(data)
    dropped = {
        name.removeprefix("dropped/"): int(tensors.pop(name)[0])
        for name in sorted(tensors)
        if name.startswith("dropped/")
    }
    return Batch(**tensors, dropped=dropped)


_TENSORS = [name for name in Batch.__dataclass_fields__ if name != "dropped"]


def _places(offsets: np.ndarray, positions: Sequence[Sequence[int]], empty: int) -> np.ndarray:
    flat = [offsets[index] + place for index, places in enumerate(positions) for place in places]
    return _array(flat or [empty])


def _array(values: object) -> np.ndarray:
    return np.asarray(values, dtype=np.int64)
