"""The messages that a person sees most, as they read in Chinese."""

from __future__ import annotations

import pytest

from codex_gateway.core import reply as say
from codex_gateway.core.diagnosis import Cause, Diagnosis
from codex_gateway.core.event import Context, Tokens, Window
from codex_gateway.core.holder import Holder
from codex_gateway.core.ids import RunId
from codex_gateway.core.manner import Detail, Language
from codex_gateway.core.outcome import FailureKind, StopReason
from codex_gateway.core.progress import Doing, Progress, Step
from codex_gateway.core.run import RunState
from codex_gateway.telegram.tongue import speaking
from codex_gateway.telegram.wording import word

RUN = RunId(3)
DONE = say.SettledCard(RUN, RunState.SUCCEEDED, 65.0, 7, 2, Tokens(12_000, 9_000, 345), None, None, None)
STOPPED = say.SettledCard(RUN, RunState.STOPPED, 65.0, 1, 0, None, StopReason.USER, None, None)
FAILED = say.SettledCard(RUN, RunState.FAILED, 3.0, 0, 0, None, None, FailureKind.NETWORK, None)
SLEEP = Step("1", "sleep 600")
LISTING = Step("2", "ls", is_done=True, exit_code=1)
HOLDER = Holder(4242, "codex resume", "pts/3")

READS: list[tuple[say.Reply, str]] = [
    (say.QueuedCard(RUN, 2), "⏳ 排队中 · 前面还有 2 个"),
    (
        say.RunningCard(
            RUN, 65.0, Progress(doing=Doing.RUNNING_COMMAND, steps=(LISTING, SLEEP), step_count=2, compactions=1)
        ),
        "⚙️ 进行中 · 1:05\n▸ sleep 600\n2 步 · 已压缩\n✗ ls（退出码 1）",
    ),
    (say.RunningCard(RUN, 65.0, Progress(doing=Doing.THINKING)), "⚙️ 进行中 · 1:05\n思考中…"),
    (
        say.RunningCard(RUN, 65.0, Progress(doing=Doing.THINKING), Diagnosis(Cause.MODEL, 40.0)),
        "⚙️ 进行中 · 1:05\n等待模型响应，已 0:40",
    ),
    (
        say.RunningCard(RUN, 65.0, Progress(doing=Doing.WAITING_FOR_SESSION, holder=HOLDER)),
        "⏸ 会话正被 codex resume (pid 4242, pts/3) 打开。\n它关闭后，你的提示词会自动开始执行。",
    ),
    (
        say.SettledCard(
            *(RUN, RunState.SUCCEEDED, 65.0, 7, 2, Tokens(12_000, 9_000, 345), None, None, None),
            context=Context(98_000, 258_000),
            windows=(Window(91.0, 18_000.0, None),),
        ),
        "✅ 完成 · 1:05 · 7 步 · 2 个文件 · 12.3k tokens · 上下文剩余 62% · ⚠️ 5 小时额度已用 91%",
    ),
    (STOPPED, "⏹ 已按你的要求停止 · 用时 1:05 · 1 步"),
    (FAILED, "❌ 失败 · 用时 0:03：无法连接模型服务。\n检查 Codex 所在机器的网络，然后重试。"),
    (
        say.StillRunning(RUN, Diagnosis(Cause.COMMAND, 900.0, command="make all", is_at_work=False)),
        "⏱ make all 已运行 15:00。它没有占用 CPU。",
    ),
    (
        say.ChoiceReport(Detail.FINAL, unknown="loud"),
        "没有“loud”这个选项。\n本聊天显示的任务细节：仅结果 – 只有结果和回答。",
    ),
]


@pytest.mark.parametrize(("reply", "text"), READS, ids=lambda value: type(value).__name__)
def test_a_message_reads_in_chinese(reply: say.Reply, text: str) -> None:
    with speaking(Language.CHINESE):
        [message] = word(reply, limit=3500)
    assert message.formatted.text == text


def test_a_verdict_reads_in_the_language_of_its_chat_and_not_of_another() -> None:
    with speaking(Language.CHINESE):
        [chinese] = word(DONE, limit=3500)
    [english] = word(DONE, limit=3500)
    assert chinese.formatted.text.startswith("✅ 完成") and english.formatted.text.startswith("✅ Done")
