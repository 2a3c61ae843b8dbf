"""Judges what became of a file: which lines are lost, doubled, or under a session that is not theirs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from .texts import MARK, NOBODY, SESSIONS, VICTIM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .writing import RealFile

_WHO: Final = {session: who for who, session in SESSIONS.items()} | {VICTIM: "the victim"}
_TAIL: Final = 12
"""Characters at a line's end that have to be found: before them is what became fields."""
_OWN: Final = (" said", " failed")


@dataclass
class Judged:
    """What became of a file.

    Attributes:
        file: Which one.
        records: How many there are, of whom: ``A``, ``B``, ``none``, ``the victim``.
        lost: Lines of which a text is in no record.
        doubled: Texts that are in more records than lines.
        wrong: Texts under a session that is not theirs, or under none though their session's tag was there.
        levels: Texts of errors whose record is none.
    """

    file: RealFile
    records: Counter[str] = field(default_factory=Counter[str])
    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    levels: list[str] = field(default_factory=list[str])

    @property
    def faults(self) -> dict[str, list[str]]:
        """All that is wrong, by kind."""
        kinds = {
            "lost": self.lost, "doubled": self.doubled, "wrong session": self.wrong, "wrong level": self.levels,
        }  # fmt: skip
        return {kind: found for kind, found in kinds.items() if found}


def judge(file: RealFile, sources: Iterable[Mapping[str, Any]]) -> Judged:
    """Judge a file.

    Args:
        file: Which one.
        sources: The documents that were made of it, flat or nested.
    """
    judged = Judged(file)
    found: Counter[str] = Counter()
    texts: list[str] = []
    for source in sources:
        flat = dict(_flat(source))
        who = _WHO.get(str(flat.get("openreplay.session.id", "")), NOBODY)
        judged.records[who] += 1
        text = "\n".join(str(value) for value in flat.values())
        texts.append(text)
        for mark in {match[0] for match in MARK.finditer(text)}:
            found[mark] += 1
            if not _is_right(mark, who):
                judged.wrong.append(f"{mark}: under {who}")
            if " failed" in mark and file.has_levels and flat.get("level") != "error":
                judged.levels.append(f"{mark}: {flat.get('level')}")
    everything = "\n".join(texts)
    for line in file.text_lines:
        # A tag that is made harmless, or taken away, is no loss.
        tail = MARK.split(line)[-1].strip()[-_TAIL:] if not MARK.search(line) else ""
        if tail not in everything:
            judged.lost.append(line)
    lines = Counter(mark for line in file.lines for mark in {m[0] for m in MARK.finditer(line)})
    judged.lost += [mark for mark in lines if mark not in found]
    judged.doubled += [mark for mark, times in found.items() if times > lines[mark]]
    return judged


def documents_of(
    file: RealFile, sources: Iterable[Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Those of all documents that were made of a file, by ``log.file.path`` or ``log.file.name``."""
    for source in sources:
        flat = dict(_flat(source))
        name = str(flat.get("log.file.path") or flat.get("log.file.name") or "")
        if name.rpartition("/")[2] == file.path.name:
            yield source


def table(all_judged: Iterable[Judged]) -> str:
    """A row for each file: its records, of whom they are, and what is wrong, as a table of Markdown."""
    rows = [
        "| file | lines | records | of A | of B | of nobody | lost lines | doubled | wrong session | wrong level |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    total = [0] * 9
    for one in all_judged:
        numbers = [
            len(one.file.lines), sum(one.records.values()), *(one.records[who] for who in ("A", "B", NOBODY)),
            len(one.lost), len(one.doubled), len(one.wrong), len(one.levels),
        ]  # fmt: skip
        total = [before + number for before, number in zip(total, numbers, strict=True)]
        rows.append(f"| {one.file.name} | {' | '.join(map(str, numbers))} |")
    rows.append(f"| all {len(rows) - 2} | {' | '.join(map(str, total))} |")
    return "\n".join(rows)


def _is_right(mark: str, who: str) -> bool:
    owner = mark.partition("-")[0]
    return owner == who or (who == NOBODY and not mark.endswith(_OWN))


def _flat(source: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in source.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
