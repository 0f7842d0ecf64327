"""Passwords in URIs are hidden wherever they stand, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clism_ray.passwords import masked, masked_tree

PASSWORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
USERS = st.text(st.sampled_from("abcXYZ09._-@%"), max_size=8)


@given(
    scheme=st.sampled_from(["postgresql", "mysql+pymysql", "s3", "mssql"]),
    user=USERS,
    password=PASSWORDS,
    before=st.sampled_from(["", "cannot reach ", "'", "("]),
    after=st.sampled_from(["", "/runs", ":5432/runs", "/a/b' (no such host)"]),
)
def test_any_password_before_the_host_is_hidden(
    scheme: str, user: str, password: str, before: str, after: str
) -> None:
    shown = masked(f"{before}{scheme}://{user}:{password}@host{after}")
    assert shown == f"{before}{scheme}://{user}:***@host{after}"
    assert masked(shown) == shown


@given(password=PASSWORDS.filter(lambda text: not text[0].isdigit()))
def test_one_for_a_server_is_hidden_too(password: str) -> None:
    assert masked(f"https://me:{password}@host:5000/a") == "https://me:***@host:5000/a"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:pa/ss@host:5432/runs", "postgresql://me:***@host:5432/runs"),
        ("postgresql://me:12/34@host/runs", "postgresql://me:***@host/runs"),
        ("https://me:12/34@host/runs", "https://me:12/34@host/runs"),  # asks port 12 of host me
        ("https://:word@host", "https://:***@host"),
        ("mysql://h/db?user=me&password=pw&ssl=1", "mysql://h/db?user=me&password=***&ssl=1"),
        ("https://h/f?X-Amz-Signature=ab12&v=1", "https://h/f?X-Amz-Signature=***&v=1"),
        ("two: s3://A:b@c/d and s3://E:f@g/h", "two: s3://A:***@c/d and s3://E:***@g/h"),
    ],
)
def test_where_passwords_stand(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "https://host:5000/a@b",
        "sqlite:////home/me/mlflow.db",
        "https://me@host/",
        "s3://bucket/a@b?endpoint_override=http://127.0.0.1:9000",
        "hdfs://host:8020/a@b",
        "a: b@c, 12:30, C:/x@y",
        "",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert masked(text) == text


def test_all_texts_of_a_tree_are_masked_and_its_other_values_stay() -> None:
    tree = {"a": ["s3://k:s@b", 1, None], "b": {"c": True, "d": ("x", "mysql://u:p@h")}}
    assert masked_tree(tree) == {
        "a": ["s3://k:***@b", 1, None],
        "b": {"c": True, "d": ["x", "mysql://u:***@h"]},
    }
