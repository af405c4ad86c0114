"""Which session a chat speaks to, and in which directory: what people choose, and what they ask about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from codex_gateway.core.ids import BotName, ThreadId
from codex_gateway.core.ports import Shelf
from codex_gateway.core.reply import (
    Ambiguous,
    BindFault,
    Bound,
    NotBound,
    NoWorkdir,
    Reply,
    SessionList,
    SessionReport,
    SessionToBegin,
    Unbound,
    WorkdirChanged,
)
from codex_gateway.core.run import Run
from codex_gateway.core.saved import DirectoryFault, SavedSession
from codex_gateway.log import Log
from codex_gateway.service.errand import Counter, Errand
from codex_gateway.service.queries import Queries
from codex_gateway.store.bindings import Bindings, Told

_log = Log(__name__)
#: Conversations listed at once: more would not fit on a phone with their buttons.
PAGE = 6


class Binding:
    """The wishes AskSessions, AskSession, Bind, Unbind, NewSession and ForkSession."""

    def __init__(
        self,
        bindings: Bindings,
        counter: Counter,
        *,
        shelves: Mapping[BotName, Shelf],
        queries: Queries,
        clock: Callable[[], float],
    ) -> None:
        self._bindings = bindings
        self._counter = counter
        self._shelves = shelves
        self._queries = queries
        self._clock = clock

    async def list(self, errand: Errand, *, skip: int, in_place: bool) -> None:
        """Show a page of what there is."""
        page = await self._shelf(errand).page(skip=skip, limit=PAGE)
        bound = await self._bindings.of(errand.chat)
        thread_id = None if bound is None else bound.session.thread_id
        await self._counter.answer(errand, SessionList(page, thread_id, self._clock()), in_place=in_place)

    async def tell(self, errand: Errand) -> None:
        """Say plainly what this chat is bound to."""
        await self._counter.answer(errand, await self._report(errand))

    async def bind(self, errand: Errand, *, session: str | None, workdir: str | None) -> None:
        """Bind the chat to a session, to a directory, or to both."""
        directory = await self._named(errand, workdir)
        if isinstance(directory, NoWorkdir):
            await self._counter.answer(errand, directory)
        elif session is not None:
            found = await self._search(errand, session)
            if isinstance(found, SavedSession):
                await self._bind(errand, found, directory)
            else:
                await self._counter.answer(errand, found)
        elif directory is not None:
            await self._move(errand, directory)
        else:
            await self._counter.answer(errand, NotBound(BindFault.NOTHING_NAMED))

    async def unbind(self, errand: Errand) -> None:
        """Let the chat speak to the bot's own session again."""
        bound = await self._bindings.of(errand.chat)
        if bound is None or not bound.is_own:
            await self._counter.answer(errand, NotBound(BindFault.NOT_BOUND))
            return
        own = await self._bindings.of_bot(errand.chat.bot)
        said = Unbound(None if own is None else own.session.thread_id, errand.policy.workdir)
        await self._bindings.unbind(errand.chat, told=self._told(errand, said), now=self._clock())

    async def new(self, errand: Errand, *, workdir: str | None) -> None:
        """Let the next prompt begin a conversation; without a directory it stays where the chat works."""
        directory = await self._named(errand, workdir)
        if isinstance(directory, NoWorkdir):
            await self._counter.answer(errand, directory)
            return
        bound = await self._bindings.of(errand.chat)
        kept = directory or (None if bound is None else bound.workdir)
        said = SessionToBegin(kept or errand.policy.workdir)
        await self._bindings.begin(
            errand.chat,
            codex_home=errand.policy.codex_home,
            workdir=kept,
            told=self._told(errand, said),
            now=self._clock(),
        )

    async def fork(self, errand: Errand) -> None:
        """Let the next prompt go on in a fork of the chat's session."""
        bound = await self._bindings.of(errand.chat)
        if bound is None or bound.session.thread_id is None:
            await self._counter.answer(errand, NotBound(BindFault.NOTHING_TO_FORK))
        elif not await self._shelf(errand).can_fork():
            version = await self._shelf(errand).version()
            await self._counter.answer(errand, NotBound(BindFault.CANNOT_FORK, version or ""))
        else:
            said = SessionToBegin(bound.workdir or errand.policy.workdir, bound.session.thread_id)
            await self._bindings.fork(errand.chat, bound.session, told=self._told(errand, said), now=self._clock())

    async def placed(self, errand: Errand) -> Errand | None:
        """The errand with the directory that its chat works in; None, and answered: nobody may work there any more."""
        bound = await self._bindings.of(errand.chat)
        if bound is None or bound.workdir is None:
            return errand
        found = await self._named(errand, str(bound.workdir))
        if isinstance(found, NoWorkdir):
            await self._counter.answer(errand, found)
            return None
        return replace(errand, policy=replace(errand.policy, workdir=bound.workdir))

    async def placed_as(self, errand: Errand, run: Run) -> Errand | None:
        """The errand with the directory of a run that is to be done over; None, and answered: nobody may work there."""
        if run.workdir == errand.policy.workdir:
            return errand
        found = await self._named(errand, str(run.workdir))
        if isinstance(found, NoWorkdir):
            bound = await self._bindings.of(errand.chat)
            if bound is not None and bound.session.id == run.session.id and bound.workdir is None:
                return errand  # codex_workdir has been changed since, which is what the advice may have been
            await self._counter.answer(errand, found)
            return None
        return replace(errand, policy=replace(errand.policy, workdir=run.workdir))

    async def is_open(self, errand: Errand, run: Run) -> bool:
        """Whether what a run has done may be shown. False, and answered: nobody may work in its directory any more."""
        if run.workdir == errand.policy.workdir:
            return True
        found = await self._named(errand, str(run.workdir))
        if isinstance(found, NoWorkdir):
            await self._counter.answer(errand, found)
        return not isinstance(found, NoWorkdir)

    async def _bind(self, errand: Errand, session: SavedSession, directory: Path | None) -> None:
        if session.is_archived:
            await self._counter.answer(errand, NotBound(BindFault.ARCHIVED, session.thread_id))
            return
        elsewhere = None
        if directory is None and session.workdir is not None:
            own = await self._shelf(errand).workdir(str(session.workdir))
            if isinstance(own, DirectoryFault):
                elsewhere = session.workdir
            else:
                directory = own
        said = Bound(session, directory or errand.policy.workdir, elsewhere)
        _log.info("chat.bound", bot=errand.chat.bot, chat=errand.chat.chat_id, session=session.thread_id)
        await self._bindings.bind(
            errand.chat,
            codex_home=errand.policy.codex_home,
            thread_id=session.thread_id,
            workdir=directory,
            told=self._told(errand, said),
            now=self._clock(),
        )

    async def _move(self, errand: Errand, directory: Path) -> None:
        bound = await self._bindings.of(errand.chat)
        if bound is None:
            await self._counter.answer(errand, NotBound(BindFault.NOTHING_NAMED))
            return
        told = self._told(errand, WorkdirChanged(directory))
        await self._bindings.move(errand.chat, bound.session, workdir=directory, told=told, now=self._clock())

    async def _search(self, errand: Errand, words: str) -> SavedSession | Reply:
        shelf = self._shelf(errand)
        named = await shelf.find(ThreadId(words))
        if named is not None:
            return named
        match await shelf.matching(words, limit=PAGE):
            case []:
                return NotBound(BindFault.NO_SUCH_SESSION, words)
            case [single]:
                return single
            case several:
                return Ambiguous(words, tuple(several), self._clock())

    async def _named(self, errand: Errand, words: str | None) -> Path | NoWorkdir | None:
        if words is None:
            return None
        found = await self._shelf(errand).workdir(words)
        return NoWorkdir(words, found, errand.policy.workdir) if isinstance(found, DirectoryFault) else found

    async def _report(self, errand: Errand) -> SessionReport:
        shelf = self._shelf(errand)
        report = await self._queries.session(errand.chat, errand.policy, await self._bindings.of(errand.chat))
        version = await shelf.version()
        if report.thread_id is None:
            return replace(report, codex_version=version)
        is_held, holder = await shelf.holder(report.thread_id)
        saved = await shelf.find(report.thread_id)
        return replace(report, codex_version=version, saved=saved, is_held=is_held, holder=holder)

    def _told(self, errand: Errand, reply: Reply) -> Told:
        return Told(errand.inbox_id, self._counter.compose(errand)(reply), errand.request.message_id)

    def _shelf(self, errand: Errand) -> Shelf:
        return self._shelves[errand.chat.bot]
