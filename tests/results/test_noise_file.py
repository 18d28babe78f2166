"""What a calibration found is kept for later runs, whole or not at all."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.results.conftest import STARTED_AT

from outboxbench.results.folders import RunReadError, RunWriteError
from outboxbench.results.machine import Pinning
from outboxbench.results.noise import MetricNoise, Noise
from outboxbench.results.noise_store import read_noise, write_noise

if TYPE_CHECKING:
    from pathlib import Path

    from outboxbench.results.model import Run


@pytest.fixture
def noise(run: Run) -> Noise:
    return Noise(
        measured_at=STARTED_AT,
        environment=run.environment,
        server_version="18.6",
        pinning=Pinning(server_cores=(0,), client_cores=(1,)),
        strategy="asyncpg",
        loop="uvloop",
        workload="charge",
        clients=8,
        window_s=1.0,
        rounds=3,
        metrics={
            "ok_per_s": MetricNoise(
                block_sigma=0.05, paired_sigma=0.02, drift=-0.01, differences=(0.01, -0.03, 0.02)
            )
        },
    )


def test_it_comes_back_as_it_was_written(tmp_path: Path, noise: Noise) -> None:
    write_noise(tmp_path / "noise.json", noise)

    assert read_noise(tmp_path / "noise.json") == noise
    assert [path.name for path in tmp_path.iterdir()] == ["noise.json"]


def test_its_folder_is_made(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "kept" / "here" / "noise.json"

    write_noise(path, noise)

    assert read_noise(path) == noise


def test_a_later_calibration_replaces_an_earlier_one(tmp_path: Path, noise: Noise) -> None:
    path = tmp_path / "noise.json"
    later = noise.model_copy(update={"measured_at": STARTED_AT + timedelta(days=1)})

    write_noise(path, noise)
    write_noise(path, later)

    assert read_noise(path) == later


def test_where_nothing_was_calibrated_there_is_none(tmp_path: Path) -> None:
    assert read_noise(tmp_path / "noise.json") is None
    assert read_noise(tmp_path / "nowhere" / "noise.json") is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"{}", b"[]", b'{"schema_version": 1}'])
def test_what_is_damaged_is_told_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "noise.json"
    path.write_bytes(content)

    with pytest.raises(RunReadError, match=r"noise\.json is damaged.* `outboxbench calibrate`$"):
        read_noise(path)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_told(tmp_path: Path, noise: Noise, kept: float) -> None:
    path = tmp_path / "noise.json"
    write_noise(path, noise)
    content = path.read_bytes()
    # The newline at the end is no loss.
    path.write_bytes(content[: int((len(content) - 1) * kept)])

    with pytest.raises(RunReadError, match=r"noise\.json is damaged"):
        read_noise(path)


@pytest.mark.parametrize(
    ("key", "value"), [("schema_version", 2), ("rounds", 1), ("clients", 0), ("surprise", 1)]
)
def test_another_version_and_a_value_that_cannot_be_are_told(
    tmp_path: Path, noise: Noise, key: str, value: int
) -> None:
    path = tmp_path / "noise.json"
    path.write_text(json.dumps(json.loads(noise.model_dump_json()) | {key: value}))

    with pytest.raises(RunReadError, match="is damaged, or of another version: remove it"):
        read_noise(path)


def test_a_folder_in_its_place_is_told(tmp_path: Path, noise: Noise) -> None:
    with pytest.raises(RunReadError, match=r"cannot read .*Is a directory"):
        read_noise(tmp_path)
    with pytest.raises(RunWriteError, match="cannot write"):
        write_noise(tmp_path, noise)


def test_a_file_in_the_place_of_its_folder_is_told_and_kept(tmp_path: Path, noise: Noise) -> None:
    in_the_way = tmp_path / "kept"
    in_the_way.write_text("mine")

    with pytest.raises(RunWriteError, match=r"cannot make the folder .*kept .* with --noise$"):
        write_noise(in_the_way / "noise.json", noise)
    with pytest.raises(RunReadError, match=r"cannot read .*Not a directory"):
        read_noise(in_the_way / "noise.json")
    assert in_the_way.read_text() == "mine"
