"""How we prove to the operator's token server who we are: by a secret, or by a signed assertion.

The secret (RFC 6749 §2.3.1) is what most servers start with; CAMARA's security profile asks for the
assertion, private_key_jwt (RFC 7523), with which no secret of ours ever travels. An assertion is
good once and for two minutes.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote_plus

from gateway.channels.encoding import encode_base64
from gateway.channels.keys import MerchantKey, current

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_LIFETIME = timedelta(minutes=2)
"""From now on; servers accept 300 s in all."""

ASSERTION_BACKDATE = timedelta(seconds=10)
"""Servers refuse an assertion from the future, be their clock ever so little behind ours."""

_Json = dict[str, str | int]
_URLSAFE = str.maketrans("+/", "-_", "=")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A client that shows its secret.

    Raises:
        ValueError: one of them is empty.
    """

    client_id: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no server would accept."""
        if not self.client_id or not self.secret:
            raise ValueError("Carrier billing needs the client id and its secret: set both.")

    def headers(self) -> dict[str, str]:
        """Prove it by a header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return {"Authorization": f"Basic {encode_base64(pair.encode())}"}

    def fields(self, moment: datetime, nonce: str) -> dict[str, str]:
        """Prove nothing by fields."""
        del moment, nonce
        return {}


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A client that signs. `audience` is the full URL of the token server; a key's serial its kid.

    Raises:
        ValueError: one of them is empty.
    """

    client_id: str
    audience: str
    keys: tuple[MerchantKey, ...] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what no server would accept."""
        if not self.client_id or not self.audience or not self.keys:
            raise ValueError(
                "Carrier billing needs the client id, its key and the token server's full URL."
            )

    def headers(self) -> dict[str, str]:
        """Prove nothing by a header."""
        return {}

    def fields(self, moment: datetime, nonce: str) -> dict[str, str]:
        """Prove it by fields. Raises ValueError where no key is valid now."""
        return {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(moment, nonce),
        }

    def _assertion(self, moment: datetime, nonce: str) -> str:
        key = current(self.keys, moment)
        header: _Json = {"alg": "RS256", "typ": "JWT", "kid": key.serial}
        claims: _Json = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience,
            "jti": nonce,
            "iat": int((moment - ASSERTION_BACKDATE).timestamp()),
            "exp": int((moment + ASSERTION_LIFETIME).timestamp()),
        }
        text = f"{_part(header)}.{_part(claims)}"
        return f"{text}.{key.sign(text.encode()).translate(_URLSAFE)}"


Client = ClientSecret | ClientKey


def _part(value: _Json) -> str:
    data = json.dumps(value, separators=(",", ":")).encode()
    return encode_base64(data).translate(_URLSAFE)
