"""What a connector is told of an attempt: made from our rows, so a re-send says the same."""

from dataclasses import replace
from datetime import timedelta

from gateway.domain.channel import AttemptKind, ChannelRequest
from gateway.domain.money import Money
from gateway.domain.payment import Payer, PaymentMethod
from tests.domain.lives import DECLINED, DONE, NOT_FOUND, PAID, SILENT, WAITING
from tests.domain.samples import START
from tests.usecases.world import World

HOUR = timedelta(hours=1)


def cny(minor_units: int) -> Money:
    return Money("CNY", minor_units)


def last(world: World) -> ChannelRequest:
    """What the channel was asked last."""
    return world.channel.requests[-1][1]


async def test_a_charge_says_what_it_is(world: World) -> None:
    """Its own number and time are those of the charge; nothing is known of the channel's yet."""
    payment = await world.paid(payer=Payer("p-1", ip_address="192.0.2.7"))

    request = last(world)

    assert request.number == request.charge_number == payment.attempt_number
    assert request.create_time == request.charge_create_time == START
    assert request.money == request.charge_money == payment.amount
    assert request.channel_number == request.charge_channel_number == ""
    assert request.client_ip == "192.0.2.7"


async def test_a_question_names_the_channels_number_once_it_is_told(world: World) -> None:
    """Of a charge and of a refund alike, from the first answer that named it."""
    await world.paying(replace(WAITING, channel_number="ch-7"))
    await world.recovering(PAID)
    assert (last(world).channel_number, last(world).charge_channel_number) == ("ch-7", "ch-7")

    (aggregate,) = world.rows.aggregates.values()
    await world.refunding(aggregate.payment, replace(WAITING, channel_number="re-1"))
    await world.recovering(SILENT)
    assert (last(world).channel_number, last(world).charge_channel_number) == ("re-1", "ch-1")


async def test_a_refund_says_of_what(world: World) -> None:
    """The whole amount, the time and the channel's number of the charge stand beside its own."""
    payment = await world.paid()
    world.clock.advance(HOUR)

    await world.refunding(payment, SILENT, amount=cny(1_000))
    sent = last(world)
    world.clock.advance(HOUR)
    await world.recovering(NOT_FOUND)

    assert last(world) == sent
    assert (sent.money, sent.charge_money) == (cny(1_000), cny(3_000))
    assert (sent.charge_create_time, sent.create_time) == (START, START + HOUR)
    assert (sent.channel_number, sent.charge_channel_number) == ("", "ch-1")
    assert sent.capture_channel_number == ""


async def test_a_refund_names_the_capture(world: World) -> None:
    """Money that was captured in parts comes back from the last part that was taken."""
    payment = await world.authorized()
    for number, outcome in (("cap-1", DONE), ("cap-2", DECLINED), ("cap-3", DONE)):
        told, final = replace(outcome, channel_number=number), number == "cap-3"
        key, amount = number, cny(500)
        await world.capturing(payment, told, idempotency_key=key, amount=amount, final=final)
        world.clock.advance(HOUR)

    await world.refunding(payment, SILENT)

    assert last(world).capture_channel_number == "cap-3"
    assert last(world).charge_channel_number == "ch-1"


async def test_what_is_returned_names_the_capture_that_came_late(world: World) -> None:
    """A capture that succeeded after all is given back by its own number, not by another's."""
    payment = await world.authorized()
    answer = await world.capturing(payment, DECLINED, idempotency_key="c-1", amount=cny(500))
    await world.capturing(payment, DONE, idempotency_key="c-2", amount=cny(700))
    late = world.attempt(answer.operation.attempt_number)
    await world.execution.conclude(late, replace(DONE, channel_number="cap-1"))

    await world.recovering(NOT_FOUND)

    assert (last(world).kind, last(world).money) == (AttemptKind.REFUND, cny(500))
    assert last(world).capture_channel_number == "cap-1"


async def test_nothing_that_is_printed_names_the_payer(world: World) -> None:
    """What a payer is called at a channel, and his address, stay out of every text of ours."""
    phone, address = "+8613800138000", "192.0.2.7"
    payment = await world.paid(
        method=PaymentMethod("sandbox", {"phone_number": phone}),
        payer=Payer("p-1", ip_address=address),
    )

    for text in (repr(last(world)), repr(payment)):
        assert phone not in text
        assert address not in text
