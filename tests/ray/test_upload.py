"""What `ray job submit --working-dir .` sends from a clean clone."""

import subprocess
from pathlib import Path
from zipfile import ZipFile

import pytest
from ray._private.runtime_env.packaging import create_package
from ray._private.runtime_env.working_dir import upload_working_dir_if_needed

pytestmark = pytest.mark.ray

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 5_000_000  # bytes


def clean_clone(folder: Path) -> None:
    """The tracked files as they are now, with what git keeps beside them."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)  # objects as large as the files


def uploaded(folder: Path, package: Path) -> list[str]:
    """Pack a folder as Ray does, with its own choice of files; the names of the files."""

    def pack(working_dir: str, excludes: list[str], is_file: bool = False) -> None:
        assert not is_file
        create_package(working_dir, package, include_gitignore=True, excludes=excludes)

    upload_working_dir_if_needed(
        {"working_dir": str(folder)}, include_gitignore=True, upload_fn=pack
    )
    with ZipFile(package) as archive:
        return [name for name in archive.namelist() if not name.endswith("/")]


def test_the_upload_is_small_and_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clone, package = tmp_path / "clone", tmp_path / "package.zip"
    clone.mkdir()
    clean_clone(clone)
    (clone / ".venv").mkdir()
    (clone / ".venv" / "large").write_bytes(b"x")
    (clone / "runs").mkdir()
    (clone / "runs" / "large").write_bytes(b"x")
    (clone / ".env").write_text("AWS_SECRET_ACCESS_KEY=x", encoding="utf-8")
    names = uploaded(clone, package)
    size = package.stat().st_size
    assert size < LIMIT
    assert {"jobs/pretrain.py", "clism_ray/cli.py", "configs/pretrain/demo.yaml"} <= set(names)
    tops = {name.partition("/")[0] for name in names}
    assert not tops & {".git", ".venv", ".env", "runs", "tests", ".ci"}
    with capsys.disabled():
        print(f"\nray job submit --working-dir . uploads {len(names)} files, {size / 1e6:.2f} MB")
