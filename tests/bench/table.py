"""The rows of a benchmark: medians of interleaved runs, and what they are held against."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure beside its peer's; lower is better, `ratio` is remit/peer."""

    name: str
    unit: str
    remit: float
    peer: float
    peer_name: str
    target: float | None = None

    @property
    def ratio(self) -> float:
        return self.remit / self.peer

    def to_json(self) -> dict[str, object]:
        met = None if self.target is None else self.ratio <= self.target
        return {
            "name": self.name,
            "unit": self.unit,
            "remit": round(self.remit, 3),
            "peer": round(self.peer, 3),
            "peer_name": self.peer_name,
            "ratio": round(self.ratio, 3),
            "target": self.target,
            "met": met,
        }


def from_runs(
    name: str,
    unit: str,
    pairs: Sequence[tuple[float, float]],
    peer_name: str,
    target: float | None = None,
) -> Row:
    """A row of the medians of pairs (remit's, the peer's), measured in turn."""
    ours, theirs = zip(*pairs, strict=True)
    return Row(name, unit, statistics.median(ours), statistics.median(theirs), peer_name, target)


def show(rows: Iterable[Row]) -> str:
    """A table for a terminal."""
    lines = [f"{'':44} {'remit':>10} {'peer':>10} {'ratio':>7} {'target':>7}"]
    for row in rows:
        goal = "" if row.target is None else f"{row.target:.2f}"
        verdict = "" if row.target is None else ("met" if row.ratio <= row.target else "MISSED")
        lines.append(
            f"{row.name:44} {row.remit:10.2f} {row.peer:10.2f} {row.ratio:7.2f} {goal:>7} "
            f"{verdict:7} {row.unit}, against {row.peer_name}"
        )
    return "\n".join(lines)


def write(rows: Iterable[Row], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    table = {"rows": [row.to_json() for row in rows]}
    path.write_text(json.dumps(table, indent=2) + "\n")
