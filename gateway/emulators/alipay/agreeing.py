"""Agreements: the page where a buyer signs, looked up, ended. One request, one unit."""

from typing import Final

from gateway.emulators.alipay import rows
from gateway.emulators.alipay.agreements import Agreement
from gateway.emulators.alipay.answers import Answer, done
from gateway.emulators.alipay.channel import Asked, Channel
from gateway.emulators.alipay.errors import Refusal
from gateway.emulators.alipay.records import new_number
from gateway.emulators.alipay.telling import tell
from gateway.emulators.core.book import Transaction

SIGNED, UNSIGNED = "dut_user_sign", "dut_user_unsign"
PAGE: Final = "<!DOCTYPE html><html><body><h1>Sign the agreement</h1></body></html>"


def ask(txn: Transaction, _channel: Channel, asked: Asked, now: int) -> Answer:
    """The page where a buyer signs; `number` of the agreement is the merchant's."""
    number = asked.biz["external_agreement_no"]
    kept = rows.by_number(txn, Agreement, asked.app.app_id, number)
    if kept is None:
        rows.insert(txn, _new(asked, number, now))
    elif kept.request != asked.text or kept.state != "TEMP":
        raise Refusal("INVALID_PARAMETER", "The number was used for another agreement.")
    return Answer(view={}, page=PAGE, signed=False)


def query(txn: Transaction, _channel: Channel, asked: Asked, _now: int) -> Answer:
    """How an agreement stands that is in force."""
    return done(dict(_require(txn, asked).told()))


def end(txn: Transaction, channel: Channel, asked: Asked, now: int) -> Answer:
    """The merchant ends an agreement."""
    finish(txn, channel, _require(txn, asked), now)
    return done({})


def sign(
    txn: Transaction, channel: Channel, agreement: Agreement, buyer_id: str, now: int
) -> Agreement:
    """The buyer signs; the merchant is told."""
    signed = rows.update(txn, agreement, agreement.sign(now, buyer_id))
    tell(txn, channel, signed, SIGNED, signed.told(), now=now)
    return signed


def finish(txn: Transaction, channel: Channel, agreement: Agreement, now: int) -> Agreement:
    """Either of the two ends it; the merchant is told."""
    ended = rows.update(txn, agreement, agreement.end(now))
    tell(txn, channel, ended, UNSIGNED, ended.told(), now=now)
    return ended


def _require(txn: Transaction, asked: Asked) -> Agreement:
    """The agreement in force that a request names; the channel's number wins. Raises Refusal."""
    biz, app_id = asked.biz, asked.app.app_id
    if "agreement_no" in biz:
        found = rows.by_channel_number(txn, Agreement, app_id, biz["agreement_no"])
    elif "external_agreement_no" in biz:
        found = rows.by_number(txn, Agreement, app_id, biz["external_agreement_no"])
    else:
        message = "agreement_no or external_agreement_no is required."
        raise Refusal("INVALID_PARAMETER", message)
    if found is None or found.state != "NORMAL":
        raise Refusal("USER_AGREEMENT_NOT_EXIST", "There is no such agreement in force.")
    return found


def _new(asked: Asked, number: str, now: int) -> Agreement:
    rule = asked.biz.get("period_rule_params", {})
    return Agreement.from_row(
        {
            **asked.making(number, "TEMP", now),
            "agreement_no": new_number(now, 12),
            "product_code": asked.biz["personal_product_code"],
            "sign_scene": asked.biz["sign_scene"],
            "single_max": rule.get("single_amount"),
            "total_max": rule.get("total_amount"),
            "payments_max": rule.get("total_payments"),
        }
    )
