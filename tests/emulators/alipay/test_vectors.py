"""Published messages and certificates that nobody of this project made hold here too."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.emulators.alipay.authentication import authenticate
from gateway.emulators.alipay.certificates import roots_sn
from gateway.emulators.alipay.errors import Unproven
from gateway.emulators.alipay.form import read_form, signed_text
from gateway.emulators.alipay.keys import App, Keys

VECTORS = Path(__file__).parents[2] / "channels" / "vectors.json"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    """The published vectors by their ids."""
    return {vector["id"]: vector for vector in json.loads(VECTORS.read_text("utf-8"))["vectors"]}


def test_a_published_request_is_read_and_verified(vectors: dict[str, Any]) -> None:
    """Sent as a form it gives the published text, and proves the app by its certificate."""
    vector = vectors["ali.v1.request_sign.trade_query"]
    params = vector["params"]
    key = load_pem_public_key(vector["public_key"].encode())
    assert isinstance(key, rsa.RSAPublicKey)
    app = App(params["app_id"], "2088000000000000", {params["app_cert_sn"]: key.public_numbers()})
    keys = Keys({app.app_id: app}, [], [], params["alipay_root_cert_sn"])
    raw = urlencode({**params, "sign": vector["signature"]}).encode()
    form = read_form("/gateway.do", raw, FORM)
    text = signed_text(form.values, without=frozenset(("sign",)))
    assert text == vector["sign_string"].encode()
    caller = authenticate(keys, form)
    assert (caller.app.app_id, caller.certified) == (params["app_id"], True)
    for name in params:
        changed = urlencode({**params, name: params[name] + "x", "sign": vector["signature"]})
        with pytest.raises(Unproven):
            authenticate(keys, read_form("/gateway.do", changed.encode(), FORM))


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_the_published_roots_have_their_sn(vectors: dict[str, Any]) -> None:
    """The file of roots, with one of SM2 and one that cannot be read, has the published name."""
    vector = vectors["ali.root_cert_sn"]
    assert roots_sn("".join(vector["certificates"]).encode()) == vector["sn"]
