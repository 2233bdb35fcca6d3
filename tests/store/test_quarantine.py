"""The quarantine: a ring of a thousand, written by the runtime role; repeats count once."""

from hashlib import sha256

from gateway.store.quarantine import EXCERPT_LENGTH_MAX, REASON_LENGTH_MAX
from tests.store.scenes import rows_of, value_of

PLACES = 1_000


async def keep(database, body: bytes, channel: str = "wechat", reason: str = "forged") -> None:
    await database.quarantine.keep(channel, reason, sha256(body).digest(), len(body), body.decode())


async def test_what_is_kept_is_listed(database):
    """The newest stands first, with everything that was said of it."""
    await keep(database, b"one")
    await keep(database, b"two", "douyin", "stale")
    newest, oldest = await database.quarantine.list(10)
    assert (newest.channel, newest.reason, newest.excerpt) == ("douyin", "stale", "two")
    assert (oldest.digest, oldest.body_bytes) == (sha256(b"one").digest(), 3)
    assert newest.last_time >= oldest.last_time
    assert [item.excerpt for item in await database.quarantine.list(1)] == ["two"]


async def test_the_same_again_is_counted(database):
    """A body that comes again takes no other place; of another channel it is another."""
    for reason in ("forged", "stale", "stale"):
        await keep(database, b"one", reason=reason)
    await keep(database, b"one", "douyin")
    other, counted = await database.quarantine.list(10)
    assert (other.channel, other.times) == ("douyin", 1)
    assert (counted.times, counted.reason) == (3, "stale")
    assert counted.first_time < counted.last_time


async def test_it_never_grows(database, urls):
    """The place after the last is the first again, and the oldest gives way."""
    await rows_of(
        urls.owner,
        "insert into quarantine (channel, reason, digest, body_bytes, excerpt, last_time) "
        "select 'wechat', 'r', sha256(n::text::bytea), 1, n::text, now() - interval '1 day' "
        f"from generate_series(1, {PLACES}) as n",
    )
    await keep(database, b"newest")
    assert await value_of(urls.owner, "select count(*) from quarantine") == PLACES
    newest, *others = await database.quarantine.list(PLACES)
    assert (newest.excerpt, newest.times) == ("newest", 1)
    assert newest.first_time == newest.last_time
    assert len(others) == PLACES - 1


async def test_texts_are_cut(database):
    """Longer texts than the table takes are cut, not refused."""
    await database.quarantine.keep("wechat", "r" * 9_999, b"\0" * 32, 1, "e" * 9_999)
    [kept] = await database.quarantine.list(1)
    assert (len(kept.reason), len(kept.excerpt)) == (REASON_LENGTH_MAX, EXCERPT_LENGTH_MAX)
