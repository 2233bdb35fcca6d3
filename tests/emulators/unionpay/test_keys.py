"""Keys: several at once while they are exchanged, and what control tells of them."""

from pathlib import Path

from cryptography import x509

from tests.emulators.unionpay.till import MER_ID, OTHER_MER_ID, Merchant, Till, load


async def test_a_merchant_exchanges_its_certificate(till: Till) -> None:
    """Old and new both work until the older are retired."""
    old = till.merchant
    told = await till.control("POST", "/control/keys/rotate", {"what": "MERCHANT_CERTIFICATE"})
    assert old.cert_id in told["merchant_certificates"]
    assert len(told["merchant_certificates"]) == 2
    assert (await till.app()).code == "00"
    till.merchant = Merchant.of(till.keys)
    assert till.merchant.cert_id == told["settings"]["merchant_certificate_id"] != old.cert_id
    asked = till.payment()
    assert (await till.app()).code == "00"
    body = {"what": "MERCHANT_CERTIFICATE", "retire_older": True}
    await till.control("POST", "/control/keys/rotate", body)
    assert b"respCode=11" in (await till.app()).raw
    till.merchant = Merchant.of(till.keys)
    assert (
        await till.ask("/gateway/api/appTransReq.do", {**asked, "certId": till.merchant.cert_id})
    ).code == "00"
    assert (await till.as_merchant(OTHER_MER_ID).app()).code == "00"


async def test_another_certificate_repeats_the_same_request(till: Till) -> None:
    """Who signs anew with another key asks the same: the tn is the same."""
    asked = till.payment()
    first = await till.ask("/gateway/api/appTransReq.do", asked)
    await till.control("POST", "/control/keys/rotate", {"what": "MERCHANT_CERTIFICATE"})
    till.merchant = Merchant.of(till.keys)
    again = await till.ask(
        "/gateway/api/appTransReq.do", {**asked, "certId": till.merchant.cert_id}
    )
    assert first.fields["tn"] == again.fields["tn"]


async def test_unionpay_exchanges_its_certificate(till: Till) -> None:
    """The next answer has another, issued by the same authority; nobody need be told."""
    before = (await till.app()).fields["signPubKeyCert"]
    await till.control("POST", "/control/keys/rotate", {"what": "SIGNING_CERTIFICATE"})
    after = await till.app()
    assert (after.signed, after.fields["signPubKeyCert"] != before) == (True, True)


async def test_settings_name_what_a_gateway_needs(till: Till) -> None:
    """The files are there, the chain is whole, the certId is the serial in decimal."""
    settings = (await till.control("GET", f"/control/keys?mer_id={MER_ID}"))["settings"]
    assert settings["merchant_id"] == MER_ID
    certificate = load(Path(settings["merchant_certificate_file"]))
    assert settings["merchant_certificate_id"] == str(certificate.serial_number)
    root, middle = (load(Path(settings[f"{name}_certificate_file"])) for name in ("root", "middle"))
    certificate.verify_directly_issued_by(middle)
    middle.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    for authority in (root, middle):
        assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert settings["signer_name"] == "中国银联股份有限公司"
    assert (await till.try_control("GET", "/control/keys?mer_id=1")).status == 404
