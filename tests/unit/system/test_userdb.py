"""Records of dynamic users."""

from __future__ import annotations

import json
from pathlib import Path

from remit.system.userdb import add_record, find_records, remove_record


def test_records_are_found_by_name_and_number_and_removed_again(tmp_path: Path) -> None:
    add_record("remit-v-x", 61234, "remit: cjones on web", tmp_path)
    by_name = json.loads((tmp_path / "remit-v-x.user").read_text())
    by_number = json.loads((tmp_path / "61234.user").read_text())
    assert by_name == by_number
    assert by_name["uid"] == 61234
    assert by_name["locked"] is True
    assert json.loads((tmp_path / "61234.group").read_text())["groupName"] == "remit-v-x"
    assert (tmp_path / "remit-v-x.user").stat().st_mode & 0o777 == 0o644
    add_record("remit-v-x", 61234, "again", tmp_path)
    (tmp_path / "remit-v-y.user").write_text("{}")
    (tmp_path / "other.user").write_text('{"uid": 1}')
    assert find_records("remit-v-", tmp_path) == {"remit-v-x": 61234}
    (tmp_path / "remit-v-y.user").unlink()
    (tmp_path / "other.user").unlink()
    remove_record("remit-v-x", 61234, tmp_path)
    assert list(tmp_path.iterdir()) == []
    remove_record("remit-v-x", 61234, tmp_path)
