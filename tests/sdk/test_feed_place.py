"""The reader's place in the feed: nothing twice, no hole unseen, over every kind of new beginning."""

import json
from typing import Any

import pytest

from engine.client.errors import NoAnswerError
from engine.client.feed import Event, Follower, Lines, Mark, Snapshot


def message(kind: str, seq: int, epoch: int = 1, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "epoch": epoch, "seq": seq, "type": "fill", **more}


def seqs(follower: Follower, *messages: dict[str, Any]) -> list[int]:
    """Return the seqs of what a follower tells of some messages."""
    told = [follower.take(each) for each in messages]
    return [each.mark.seq for each in told if each is not None]


def test_it_begins_with_a_snapshot_and_resumes_after_its_mark() -> None:
    """Without a mark nothing is asked for; after events, what comes after the last of them."""
    follower = Follower(None, [])
    assert [] == follower.query()
    snapshot = follower.take(message("snapshot", 4))
    assert isinstance(snapshot, Snapshot)
    assert (Mark(1, 4), None) == (snapshot.mark, snapshot.resync)
    event = follower.take(message("event", 5))
    assert isinstance(event, Event)
    assert "fill" == event.type
    assert [("epoch", "1"), ("since_seq", "5")] == follower.query()


def test_what_was_told_is_not_told_again() -> None:
    """Events that come a second time, after a reconnection or doubled, are left out."""
    follower = Follower(Mark(1, 5), [])
    assert [6, 7, 8] == seqs(follower, *(message("event", n) for n in (4, 5, 6, 6, 7, 5, 7, 8)))


@pytest.mark.parametrize("kind", ["event", "heartbeat"])
def test_a_hole_ends_the_connection_and_keeps_the_place(kind: str) -> None:
    """A seq that jumps ends the connection; what is asked for next begins before the hole."""
    follower = Follower(Mark(1, 5), [])
    with pytest.raises(NoAnswerError):
        follower.take(message(kind, 8))
    assert [("epoch", "1"), ("since_seq", "5")] == follower.query()


def test_a_feed_of_some_profiles_jumps_and_marks_heartbeats() -> None:
    """Seqs of some profiles have gaps by design; a heartbeat tells how far others were passed over."""
    follower = Follower(Mark(1, 5), ["main"])
    assert [9] == seqs(follower, message("event", 9), message("heartbeat", 20))
    assert [("profile", "main"), ("epoch", "1"), ("since_seq", "20")] == follower.query()


def test_a_slow_reader_goes_on_where_it_was() -> None:
    """Disconnected for its slowness it asks for what it has not got: nothing of it is lost."""
    follower = Follower(Mark(1, 5), [])
    assert None is follower.take({"kind": "resync_required", "reason": "slow", "epoch": 1, "seq": 9})
    assert [("epoch", "1"), ("since_seq", "5")] == follower.query()
    assert [6] == seqs(follower, message("event", 6))


def test_resync_and_a_new_epoch_begin_again_with_a_snapshot() -> None:
    """Both void the mark; the snapshot that follows says why."""
    follower = Follower(Mark(1, 5), [])
    assert None is follower.take({"kind": "resync_required", "reason": "ahead", "epoch": 1, "seq": 5})
    assert [] == follower.query()
    again = follower.take(message("snapshot", 90))
    assert isinstance(again, Snapshot)
    assert "ahead" == again.resync
    with pytest.raises(NoAnswerError):
        follower.take(message("event", 91, epoch=2))
    assert [] == follower.query()
    restored = follower.take(message("snapshot", 3, epoch=2))
    assert isinstance(restored, Snapshot)
    assert ("epoch", Mark(2, 3)) == (restored.resync, follower.mark)


def test_events_are_read_out_of_any_pieces() -> None:
    """A stream gives the same messages however it is cut; comments and other fields are passed over."""
    stream = b"retry: 1000\n\n: hello\n" + b"".join(
        f"id: 1:{n}\nevent: event\ndata: {json.dumps(message('event', n))}\n\n".encode() for n in range(3)
    )
    for size in (1, 7, len(stream)):
        lines = Lines()
        read = [m for at in range(0, len(stream), size) for m in lines.take(stream[at : at + size])]
        assert [0, 1, 2] == [each["seq"] for each in read]
    with pytest.raises(NoAnswerError):
        Lines().take(b"data: <h1>\n\n")
