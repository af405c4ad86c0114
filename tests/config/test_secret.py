from __future__ import annotations

import copy
import dataclasses
import json

import pytest

from codex_gateway.config import Secret


@dataclasses.dataclass
class Holder:
    secret: Secret


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("hunter2")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>20}", f"{secret!r}", "%s" % secret, repr([secret])]  # noqa: UP031
    shown += [repr(Holder(secret)), str(dataclasses.asdict(Holder(secret))), str(copy.deepcopy(secret))]
    assert not any("hunter2" in text for text in shown)
    assert str(secret) == "***"
    with pytest.raises(TypeError):
        json.dumps(secret)


def test_a_secret_reveals_itself_when_asked() -> None:
    assert Secret("hunter2").reveal() == "hunter2"


def test_two_secrets_are_equal_when_their_texts_are() -> None:
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
