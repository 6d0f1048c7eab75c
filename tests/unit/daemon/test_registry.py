"""The registry: records outlive remitd, bad files harm nothing, handles find one's own sessions."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from remit.daemon.registry import Record, Registry, parse_record


def record(number: int, **changes: object) -> Record:
    fields: dict[str, object] = {
        "id": f"{number:032x}",
        "name": "",
        "owner": "cjones",
        "uid": 1000,
        "endpoint": "web",
        "run_as": "remit-v-x",
        "account_uid": 0,
        "boot": "b" * 32,
        "invocation": "",
        "created": 1,
        "peer": "192.0.2.1:1",
        "idle_timeout": 7200,
        "max_lifetime": 86400,
        **changes,
    }
    return Record(**fields)  # type: ignore[arg-type]


def test_records_are_found_again(tmp_path: Path) -> None:
    first = Registry(tmp_path)
    first.load()
    first.put(record(1))
    first.put(record(2).end(5, "removed by you"))
    second = Registry(tmp_path)
    assert second.load() == []
    assert second.all() == [record(1), record(2).end(5, "removed by you")]
    assert second.living() == [record(1)]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_dropped_record_leaves_no_file(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    registry.put(record(1))
    registry.drop(record(1).id)
    assert registry.all() == []
    assert list(tmp_path.iterdir()) == []


def test_what_ended_long_ago_is_forgotten_and_what_lives_is_not(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    for each in (record(1), record(2).end(100, "idle"), record(3).end(200, "idle")):
        registry.put(each)
    registry.forget_before(150)
    assert [each.id for each in registry.all()] == [record(1).id, record(3).id]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        json.dumps({**asdict(record(1)), "extra": 1}).encode(),
        json.dumps({**asdict(record(1)), "uid": "1000"}).encode(),
        json.dumps({**asdict(record(1)), "uid": True}).encode(),
        json.dumps({**asdict(record(1)), "id": "../../etc/passwd"}).encode(),
        json.dumps({**asdict(record(1)), "id": record(1).id + "\n"}).encode(),
        json.dumps({**asdict(record(1)), "name": "-rf"}).encode(),
    ],
)
def test_a_corrupt_file_is_put_aside_and_the_others_are_read(
    tmp_path: Path, content: bytes
) -> None:
    registry = Registry(tmp_path)
    registry.load()
    registry.put(record(2))
    (tmp_path / f"{record(1).id}.json").write_bytes(content)
    again = Registry(tmp_path)
    (fault,) = again.load()
    assert record(1).id in fault
    assert again.all() == [record(2)]
    assert (tmp_path / f"{record(1).id}.bad").read_bytes() == content


def test_a_file_under_another_sessions_name_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / f"{record(1).id}.json").write_text(json.dumps(asdict(record(2))))
    assert len(Registry(tmp_path).load()) == 1
    assert parse_record(json.dumps(asdict(record(2))).encode()) == record(2)


def test_a_handle_is_a_name_an_id_or_its_beginning(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    up = record(0xAAAA << 112, name="up")
    other = record(0xAAAB << 112)
    for each in (up, other):
        registry.put(each)
    assert registry.find(1000, "up") == up
    assert registry.find(1000, up.id) == up
    assert registry.find(1000, "aaab") == other
    assert registry.find(1000, "aaaa") == up
    assert registry.find(1000, "aaa") is None, "too short to be meant"
    assert registry.find(1000, "") is None
    assert registry.find(1000, "bbbb") is None


def test_a_beginning_that_two_sessions_share_finds_neither(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    registry.put(record((0xAAAA << 112) + 1))
    registry.put(record((0xAAAA << 112) + 2))
    assert registry.find(1000, "aaaa") is None


def test_another_users_session_is_not_there(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    registry.put(record(1, name="up"))
    assert registry.find(1001, "up") is None
    assert registry.find(1001, record(1).id) is None


def test_a_living_session_comes_before_an_ended_one_of_the_same_name(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    registry.load()
    registry.put(record(1, name="up").end(9, "removed by you"))
    ended = registry.find(1000, "up")
    assert ended is not None
    assert ended.reason == "removed by you"
    registry.put(record(2, name="up"))
    assert registry.find(1000, "up") == record(2, name="up")
