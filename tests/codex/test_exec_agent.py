"""What an agent promises beside what every turn looks like (test_every_version), in both formats of session files."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from codex.turns import Bench, Ear, recorded, until
from codex_gateway.codex.child import proc
from codex_gateway.codex.options import ApprovalsMode, InputMode
from codex_gateway.core import event as ev
from codex_gateway.core.ids import ThreadId
from codex_gateway.core.outcome import Answered, Detached, Failed, FailureKind
from support.codex_lab import kill_if_alive

UNKNOWN = ThreadId("01a1f920-e197-7680-af9c-1ed048038c95")


def failure(outcome: object) -> FailureKind:
    assert isinstance(outcome, Failed), outcome
    return outcome.kind


async def test_a_new_session_is_started_and_named(bench: Bench) -> None:
    ear = Ear()
    assert await bench.ask("hello", ear=ear) == Answered("echo: hello")
    named = ear.all(ev.SessionIdentified)
    assert named[-1].session_file is not None
    assert named[-1].session_file.name.endswith(f"{named[0].thread_id}.jsonl")


async def test_two_turns_go_into_one_session(bench: Bench) -> None:
    thread_id = await bench.new_session()
    for prompt in ("one", "two"):
        ear = Ear()
        assert await bench.ask(prompt, thread_id, ear=ear) == Answered(f"echo: {prompt}")
        assert ear.said == [f"echo: {prompt}"]
        assert {named.thread_id for named in ear.all(ev.SessionIdentified)} == {thread_id}
    assert len(list(bench.options.home.glob("sessions/**/*.jsonl"))) == 1


async def test_the_steps_of_a_turn_are_told_in_order(bench: Bench) -> None:
    thread_id = await bench.new_session()
    ear = Ear()
    prompt = (
        "go\n@reason **Plan**\n@comment I look around.\n@sh echo hi; exit 3\n@patch made.txt content\n@say Made it."
    )
    assert await bench.ask(prompt, thread_id, ear=ear) == Answered("Made it.")
    steps = [event for event in ear.events if not isinstance(event, ev.OutputSeen | ev.Notice | ev.Usage)]
    match steps:
        case [
            ev.ProcessStarted(),
            *_,
            ev.TurnStarted(),
            ev.Reasoning("**Plan**"),
            ev.Message("I look around.", ev.Phase.COMMENTARY),
            ev.CommandStarted(first, "echo hi; exit 3"),
            ev.CommandFinished(first_done, "echo hi; exit 3", 3),
            ev.CommandStarted(second, "apply_patch made.txt"),
            ev.FileChanged((path,)),
            ev.CommandFinished(second_done, "apply_patch made.txt", 0),
            ev.Message("Made it.", ev.Phase.FINAL_ANSWER),
            ev.Concluded(Answered("Made it.")),
        ]:
            assert (first, second) == (first_done, second_done)
            assert Path(path).name == "made.txt"
        case _:
            pytest.fail("\n".join(map(str, steps)))
    offsets = [offset for event, offset in ear.heard if isinstance(event, ev.Message)]
    assert 0 < offsets[0] < offsets[1] <= len(bench.session_text(thread_id).encode())
    usage = ear.all(ev.Usage)
    assert usage[0].thread_total.total - usage[0].last.total == 1000, "the first turn alone cost 1000"
    assert usage[-1].thread_total.total == 4000


async def test_the_certain_outcome_is_told_once_and_is_the_one_returned(bench: Bench) -> None:
    """That it comes before the process is gone shows where one does not go away after its answer."""
    ear = Ear()
    outcome = await bench.ask("hello", ear=ear)
    assert [event.outcome for event in ear.all(ev.Concluded)] == [outcome]


@pytest.mark.parametrize("prompt", ["-n is a dash", "中文 \N{PILE OF POO} and\nlines", "nul \0 byte", "x" * 100_000])
async def test_any_prompt_arrives_as_it_is(bench: Bench, prompt: str) -> None:
    outcome = await bench.ask(prompt)
    assert outcome == Answered(f"echo: {prompt}")


@pytest.mark.parametrize(
    ("prompt", "input_mode"), [("\ufeffmarked", InputMode.STDIN), ("nul \0 byte", InputMode.ARG)], ids=["mark", "nul"]
)
async def test_a_turn_is_known_by_what_codex_makes_of_its_prompt(
    bench: Bench, prompt: str, input_mode: InputMode
) -> None:
    ear = Ear()
    outcome = await bench.ask(f"{prompt}\n@sh echo\n@say fin", ear=ear, input_mode=input_mode)
    assert outcome == Answered("fin") and ear.said == ["fin"]
    assert ear.has(ev.TurnStarted) and ear.has(ev.CommandFinished) and ear.has(ev.Usage)


async def test_a_prompt_can_be_an_argument(bench: Bench) -> None:
    thread_id = await bench.new_session()
    for session in (None, thread_id):
        for prompt in ("-n is a dash", "two\nlines", "-", "--last"):
            outcome = await bench.ask(prompt, session, input_mode=InputMode.ARG)
            assert outcome == Answered(f"echo: {prompt}".rstrip())


async def test_a_terminal_for_its_output_changes_nothing(bench: Bench) -> None:
    thread_id = await bench.new_session()
    ear = Ear()
    outcome = await bench.ask("@comment one\n@sh test -t 1; echo\n@say two", thread_id, ear=ear, use_pty=True)
    assert outcome == Answered("two")
    assert ear.said == ["one", "two"]


async def test_a_terminal_goes_with_its_codex_and_a_codex_with_its_terminal(bench: Bench) -> None:
    for number in (None, signal.SIGTERM, signal.SIGKILL):
        ear = Ear()
        task = asyncio.create_task(bench.ask("@sh setsid sleep 1000 & sleep 1000", ear=ear, use_pty=True))
        await until(partial(ear.has, ev.CommandStarted))
        if number is None:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            os.kill(ear.all(ev.ProcessStarted)[0].pid, number)
            assert failure(await task) is FailureKind.KILLED
        assert bench.left_behind() == []


async def test_a_codex_that_is_killed_under_its_terminal_is_told_as_such(bench: Bench) -> None:
    ear = Ear()
    task = asyncio.create_task(bench.ask("@sh sleep 1000", ear=ear, use_pty=True))
    await until(lambda: ear.has(ev.CommandStarted))
    [holder] = ear.all(ev.ProcessStarted)
    [codex] = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
    os.kill(int(codex), signal.SIGKILL)
    outcome = await task
    assert failure(outcome) is FailureKind.KILLED
    assert "SIGKILL" in str(outcome) and "Traceback" not in str(outcome)


async def test_an_image_goes_along(bench: Bench) -> None:
    image = bench.folder / "dot.png"
    image.write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
            "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
        )
    )
    thread_id = await bench.new_session()
    agent = bench.agent()
    for session in (None, thread_id):
        turn = replace(bench.turn("look", session), images=(image, image))
        assert await agent.perform(turn, bench.attempt(agent, turn), Ear()) == Answered("echo: look")


async def test_an_unknown_session_is_refused_before_anything_is_started(bench: Bench) -> None:
    await bench.new_session()
    for name in (UNKNOWN, ThreadId("my session"), ThreadId("--last")):
        ear = Ear()
        assert failure(await bench.ask("hello", name, ear=ear)) is FailureKind.UNKNOWN_SESSION
        assert ear.events == []
    assert len(list(bench.options.home.glob("sessions/**/*.jsonl"))) == 1


async def test_what_cannot_be_started_is_a_failure_and_no_exception(bench: Bench) -> None:
    assert failure(await bench.ask("hello", cli_cmd="no-such-codex")) is FailureKind.NOT_INSTALLED
    not_executable = bench.folder / "codex.txt"
    not_executable.write_text("x")
    assert failure(await bench.ask("hello", cli_cmd=str(not_executable))) is FailureKind.NOT_EXECUTABLE
    lost = replace(bench, workdir=bench.folder / "gone")
    assert failure(await lost.ask("hello")) is FailureKind.NO_WORKDIR


async def test_a_folder_without_git_is_refused_if_codex_checks(bench: Bench) -> None:
    assert (
        failure(await bench.ask("hello", skip_git_check=False, approvals_mode=ApprovalsMode.READ_ONLY))
        is FailureKind.GIT_CHECK
    )


async def test_an_option_that_codex_does_not_know_is_a_usage_failure(bench: Bench) -> None:
    assert failure(await bench.ask("hello", cli_args=("--no-such-option",))) is FailureKind.USAGE


async def test_cancelling_stops_everything_that_was_started(bench: Bench) -> None:
    thread_id = await bench.new_session()
    ear = Ear()
    task = asyncio.create_task(bench.ask("@sh sleep 1000 & setsid sleep 1000 & wait", thread_id, ear=ear))
    await until(lambda: ear.has(ev.CommandStarted) and len(bench.left_behind()) >= 4)  # Codex, its shell, two sleepers
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.left_behind() == []
    assert await bench.ask("again", thread_id) == Answered("echo: again")


@pytest.mark.parametrize("use_pty", [False, True])
async def test_cancelling_ends_what_carries_no_mark_at_all(bench: Bench, use_pty: bool) -> None:
    told = bench.folder / "pid"
    script = f"@sh env -i setsid sh -c 'echo $$ > {told}; exec sleep 1000' & wait"
    task = asyncio.create_task(bench.ask(script, use_pty=use_pty))
    await until(lambda: told.is_file() and told.read_text().endswith("\n"))
    stranger = proc.identify(int(told.read_text()))
    assert stranger is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    try:
        assert not proc.is_alive(stranger)
    finally:
        kill_if_alive([stranger.pid])


async def test_a_killed_codex_leaves_no_orphans(bench: Bench) -> None:
    thread_id = await bench.new_session()
    ear = Ear()
    task = asyncio.create_task(bench.ask("@sh sleep 1000 & setsid sleep 1000 & wait", thread_id, ear=ear))
    await until(lambda: ear.has(ev.CommandStarted) and len(bench.left_behind()) >= 4)
    os.kill(ear.all(ev.ProcessStarted)[0].pid, signal.SIGKILL)
    outcome = await task
    assert failure(outcome) is FailureKind.KILLED
    assert "SIGKILL" in str(outcome)
    assert bench.left_behind() == []


async def test_what_a_finished_turn_leaves_running_goes_on(bench: Bench) -> None:
    thread_id = await bench.new_session()
    up, done = bench.workdir / "up", bench.workdir / "done"
    server = f"setsid sh -c 'touch {up}; until test -e {done}; do sleep 0.02; done' </dev/null >/dev/null 2>&1 &"
    prompt = f"@sh {server} until test -e {up}; do sleep 0.02; done\n@say started"
    assert await bench.ask(prompt, thread_id) == Answered("started")
    assert len(bench.left_behind()) >= 1
    done.touch()
    await until(lambda: not bench.left_behind())


async def test_a_turn_goes_on_without_us_and_is_taken_up_again(bench: Bench) -> None:
    thread_id = await bench.new_session()
    gate = bench.workdir / "gate"
    agent, ear = bench.agent(), Ear()
    turn = bench.turn(f"@comment before\n@sh until test -e {gate}; do sleep 0.02; done\n@say after", thread_id)
    attempt = bench.attempt(agent, turn)
    task = asyncio.create_task(agent.perform(turn, attempt, ear))
    await until(lambda: ear.has(ev.CommandStarted))
    agent.release()
    assert await task == Detached()
    later = Ear()
    task = asyncio.create_task(bench.agent().reattach(recorded(attempt, ear), later))
    await until(lambda: later.has(ev.CommandStarted))
    gate.touch()
    assert await task == Answered("after")
    assert later.said == ["before", "after"]
    assert later.all(ev.ProcessStarted) == ear.all(ev.ProcessStarted)
    messages = [(event, offset) for event, offset in later.heard if isinstance(event, ev.Message)]
    assert messages[0] in ear.heard, "the same event has the same offset in both lives"
    assert bench.session_text(thread_id).count('"task_started"') == 2


async def test_a_process_whose_pid_was_never_recorded_is_found(bench: Bench) -> None:
    gate = bench.workdir / "gate"
    agent, ear = bench.agent(), Ear()
    turn = bench.turn(f"@sh until test -e {gate}; do sleep 0.02; done\n@say after")
    attempt = bench.attempt(agent, turn)
    task = asyncio.create_task(agent.perform(turn, attempt, ear))
    await until(lambda: ear.has(ev.CommandStarted))
    agent.release()
    assert await task == Detached()
    later = Ear()
    task = asyncio.create_task(bench.agent().reattach(attempt, later))
    await until(lambda: later.has(ev.ProcessStarted))
    gate.touch()
    assert await task == Answered("after")
    assert later.all(ev.ProcessStarted) == ear.all(ev.ProcessStarted)
    assert later.all(ev.SessionIdentified)[0] == ear.all(ev.SessionIdentified)[0]


@pytest.mark.parametrize("pid_is_known", [True, False])
async def test_a_turn_that_is_to_be_stopped_is_stopped_while_it_is_being_looked_for(
    bench: Bench, pid_is_known: bool
) -> None:
    agent, ear, turn = bench.agent(), Ear(), bench.turn("@sh sleep 1000")
    attempt = bench.attempt(agent, turn)
    performing = asyncio.create_task(agent.perform(turn, attempt, ear))
    await until(lambda: ear.has(ev.CommandStarted))
    agent.release()
    assert await performing == Detached()
    attempt = recorded(attempt, ear) if pid_is_known else attempt
    reattaching = asyncio.create_task(bench.agent().reattach(attempt, Ear()))
    await asyncio.sleep(0)  # its first step
    reattaching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reattaching
    assert bench.left_behind() == []


async def test_a_turn_that_ended_while_we_were_away_is_read_from_its_files(bench: Bench) -> None:
    for thread_id in (None, await bench.new_session()):
        for end, expected in (("@say done", Answered("done")), ("@status 400", None)):
            gate = bench.workdir / f"gate-{next(bench.numbers)}"
            agent, ear = bench.agent(), Ear()
            turn = bench.turn(f"@sh until test -e {gate}; do sleep 0.02; done\n{end}", thread_id)
            attempt = bench.attempt(agent, turn)
            task = asyncio.create_task(agent.perform(turn, attempt, ear))
            await until(partial(ear.has, ev.CommandStarted))
            agent.release()
            assert await task == Detached()
            gate.touch()
            began = ear.all(ev.ProcessStarted)[0]
            process = proc.ProcessId(began.pid, began.start_ticks)
            # one that is about to end has lost its environment, and so its mark, a moment before
            await until(lambda process=process: not bench.left_behind() and not proc.is_alive(process))
            later = Ear()
            outcome = await bench.agent().reattach(recorded(attempt, ear), later)
            assert outcome == expected or failure(outcome) is FailureKind.REFUSED
            assert not later.has(ev.ProcessStarted)


async def test_a_turn_that_was_killed_while_we_were_away_is_lost(bench: Bench) -> None:
    thread_id = await bench.new_session()
    agent, ear = bench.agent(), Ear()
    turn = bench.turn("@comment a\n@sh setsid sleep 1000 & sleep 1000", thread_id)
    attempt = bench.attempt(agent, turn)
    task = asyncio.create_task(agent.perform(turn, attempt, ear))
    await until(lambda: ear.has(ev.CommandStarted) and len(bench.left_behind()) >= 4)
    agent.release()
    assert await task == Detached()
    pid = ear.all(ev.ProcessStarted)[0].pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)  # whoever had adopted it would do that
    outcome = await bench.agent().reattach(recorded(attempt, ear), Ear())
    assert failure(outcome) is FailureKind.LOST
    assert bench.left_behind() == []


async def test_an_attempt_that_never_began_was_not_run(bench: Bench) -> None:
    thread_id = await bench.new_session()
    for session in (None, thread_id):
        agent = bench.agent()
        attempt = bench.attempt(agent, bench.turn("never", session))
        assert failure(await agent.reattach(attempt, Ear())) is FailureKind.NOT_STARTED


async def test_somebody_elses_turn_is_not_taken_for_one_that_never_began(bench: Bench) -> None:
    thread_id = await bench.new_session()
    agent = bench.agent()
    attempt = bench.attempt(agent, bench.turn("never", thread_id))
    assert await bench.ask("something else", thread_id) == Answered("echo: something else")
    ear = Ear()
    assert failure(await agent.reattach(attempt, ear)) is FailureKind.NOT_STARTED
    attempt.directory.mkdir(parents=True)
    (attempt.directory / "prompt").write_text("never")
    (attempt.directory / "stdout").touch()
    assert failure(await agent.reattach(attempt, ear)) is FailureKind.NOT_STARTED
    assert ear.said == []


async def test_a_turn_in_another_session_is_stopped_and_said(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    impostor = scripted.folder / "impostor"
    impostor.write_text(
        "#!/bin/sh\n"
        f'echo \'{{"type":"thread.started","thread_id":"{UNKNOWN}"}}\'\n'
        'echo \'{"type":"turn.started"}\'\n'
        "exec sleep 1000\n"
    )
    impostor.chmod(0o755)
    ear = Ear()
    outcome = await scripted.ask("hello", thread_id, ear=ear, cli_cmd=str(impostor))
    assert failure(outcome) is FailureKind.WRONG_SESSION
    assert UNKNOWN in str(outcome)
    assert not ear.has(ev.SessionIdentified), "nobody must be bound to it"
    assert scripted.left_behind() == []


async def test_a_process_that_does_not_go_away_after_its_answer_is_stopped(scripted: Bench) -> None:
    thread_id = await scripted.new_session()
    lingering = scripted.folder / "lingering"
    lingering.write_text(f'#!/bin/sh\n"{scripted.options.cli_cmd}" "$@"\nexec sleep 1000\n')
    lingering.chmod(0o755)
    ear = Ear()
    outcome = await scripted.ask("hello", thread_id, ear=ear, cli_cmd=str(lingering), exit_timeout_s=0.1)
    assert outcome == Answered("echo: hello")
    assert ear.all(ev.Concluded) == [ev.Concluded(outcome)]
    assert scripted.left_behind() == []


async def test_an_orderly_end_without_any_sense_is_not_a_success(scripted: Bench) -> None:
    silent = scripted.folder / "silent"
    silent.write_text("#!/bin/sh\ncat >/dev/null\necho 'what?' >&2\n")
    silent.chmod(0o755)
    outcome = await scripted.ask("hello", cli_cmd=str(silent))
    assert failure(outcome) is FailureKind.NOT_UNDERSTOOD
    assert "what?" in str(outcome)


async def test_torn_lines_are_put_together(scripted: Bench) -> None:
    environ = {**scripted.options.environ, "CODEX_SCRIPTED_TORN_MS": "3"}
    ear = Ear()
    outcome = await scripted.ask("@comment one\n@sh echo\n@say two", ear=ear, environ=environ)
    assert outcome == Answered("two")
    assert ear.said == ["one", "two"]


async def test_standard_error_is_passed_on_if_asked_for(scripted: Bench) -> None:
    noisy = scripted.folder / "noisy"
    noisy.write_text(f'#!/bin/sh\necho "so noisy" >&2\nexec "{scripted.options.cli_cmd}" "$@"\n')
    noisy.chmod(0o755)
    for wanted in (False, True):
        ear = Ear()
        await scripted.ask("hello", ear=ear, cli_cmd=str(noisy), stream_stderr=wanted)
        assert (ev.Notice("so noisy") in ear.events) is wanted


async def test_a_listener_that_fails_leaves_nothing_running(scripted: Bench) -> None:
    class Deaf(Ear):
        async def __call__(self, event: ev.Event, offset_bytes: int) -> None:
            if isinstance(event, ev.TurnStarted):
                raise RuntimeError("the books are closed")

    with pytest.raises(RuntimeError, match="the books are closed"):
        await scripted.ask("@sh sleep 1000", ear=Deaf())
    assert scripted.left_behind() == []


async def test_secrets_of_ours_do_not_reach_the_model(scripted: Bench) -> None:
    environ = {**scripted.options.environ, "ALPHA_TOKEN": "123:hunter2", "TELEGRAM_BOT_TOKEN": "456:hunter2"}
    thread_id = await scripted.new_session()
    await scripted.ask("@sh env\n@say done", thread_id, environ=environ)
    text = scripted.session_text(thread_id)
    assert "CODEX_GATEWAY_ATTEMPT=" in text
    assert "hunter2" not in text
