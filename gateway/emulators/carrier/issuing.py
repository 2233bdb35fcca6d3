"""The token endpoint's answer: a token for some or all of the scopes."""

from gateway.emulators.carrier import tokens
from gateway.emulators.carrier.answers import Answer
from gateway.emulators.carrier.commands import AskToken
from gateway.emulators.carrier.errors import OAuthRefusal
from gateway.emulators.carrier.routes import SCOPES
from gateway.emulators.carrier.turns import Turn


def issue_token(turn: Turn, asked: AskToken) -> Answer:
    """A token that no subscriber stands behind (2-legged). Raises OAuthRefusal."""
    scopes = SCOPES if asked.scopes is None else asked.scopes
    if not scopes <= SCOPES:
        raise OAuthRefusal("invalid_scope", "The client may not have one of these scopes.")
    tokens.forget_expired(turn.txn, turn.now_s)
    life_s = turn.house.token_life_s
    token = tokens.issue(turn.txn, turn.caller.client_id, scopes, None, turn.now_s + life_s)
    view = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": life_s,
        "scope": " ".join(sorted(scopes)),
    }
    return Answer(view=view, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})
