"""A diagnosis as a column of a row: JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from codex_gateway.core.diagnosis import Cause, Diagnosis


def as_text(diagnosis: Diagnosis | None) -> str | None:
    """For the row; what is not known is left out."""
    if diagnosis is None:
        return None
    known = {name: value for name, value in asdict(diagnosis).items() if value is not None}
    return json.dumps(known | {"since_s": round(diagnosis.since_s, 1)}, ensure_ascii=False)


def of_text(text: str | None) -> Diagnosis | None:
    """From the row."""
    if text is None:
        return None
    fields = json.loads(text)
    return Diagnosis(**(fields | {"cause": Cause(fields["cause"])}))
