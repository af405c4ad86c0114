"""A whole conversation with the service itself: a gateway process, its database, and the scripted Codex."""

from __future__ import annotations

from codex_gateway.demo.conversation import play
from codex_gateway.demo.stage import Cast, Stage
from gallery.exhibit import Chapter, Exhibit
from gallery.staging import Hanging, Room


async def played() -> Room:
    """What stands in the chat once it is over; some seconds. Raises StageBroken if something does not come."""
    async with Stage.open(Cast()) as stage:
        await play(stage, lambda: None)
        timeline = tuple(message for message in stage.chat.timeline if not message.deleted)
    exhibit = Exhibit("whole", "From the first prompt to the last answer", "", ())
    return Room(Chapter("conversation", "A conversation", (exhibit,)), (Hanging(exhibit, timeline),))
