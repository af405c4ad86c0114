"""The refusals of the Bot API, as the real server words them."""

from __future__ import annotations

from codex_gateway.demo.bot_api.wire import JsonObject


class ApiRefusal(Exception):
    """A request that is answered with `ok: false`."""

    def __init__(self, status: int, description: str, *, parameters: JsonObject | None = None) -> None:
        super().__init__(f"{status} {description}")
        self.status = status
        self.description = description
        self.parameters = parameters

    def to_json(self) -> JsonObject:
        body: JsonObject = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters is not None:
            body["parameters"] = self.parameters
        return body


class RuleBroken(ApiRefusal):
    """A request that no right client sends: answered 400 and kept in `server.violations`."""

    def __init__(self, path: str, reason: str, *, description: str = "", status: int = 400) -> None:
        super().__init__(status, description or f"Bad Request: {path}: {reason}")
        self.path = path
        self.reason = reason


def bad_request(reason: str) -> ApiRefusal:
    return ApiRefusal(400, f"Bad Request: {reason}")


def too_many_requests(retry_after_s: int) -> ApiRefusal:
    return ApiRefusal(429, f"Too Many Requests: retry after {retry_after_s}", parameters={"retry_after": retry_after_s})
