"""Questions for values on the queue of a home: one process asks, the page has the person enter them, and only the
process that asked can read them.

What is entered is sealed (X25519, HKDF, Fernet) with a key that the asking process made for this one question and keeps
to itself: what lies in the home for the moment until it is fetched is of use to nobody else, and a process that is
killed takes it along. A ticket opens the form of this question alone: it stands in the address that the person is
given, and in the home is only its digest.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from dynamic_plugins.storage.approval_queue import CONFIGURE, VALUES, Question, answers_to

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from dynamic_plugins.registry.entry import Variable
    from dynamic_plugins.storage.approval_queue import ApprovalQueue, Ending

_LABEL = 8
"""So wide are the labels of a question's facts."""


class OpenValues:
    """The question for *variables* that this process has put on *queue*; :meth:`close` it in any case.

    Raises OSError, and ValueError for what is too long to be put there.
    """

    def __init__(self, queue: ApprovalQueue, plugin: str, variables: Sequence[Variable], seconds: float) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self.ticket = secrets.token_urlsafe(32)
        self._key = X25519PrivateKey.generate()
        names = ", ".join(variable.name for variable in variables)
        door, pid, since, until = queue.asker(seconds)
        question = Question(
            id=secrets.token_hex(16),
            verb=CONFIGURE,
            name=plugin,
            version="",
            question=f"{plugin} needs {names}.",
            facts=_facts(plugin, variables),
            answers=answers_to(CONFIGURE),
            door=door,
            pid=pid,
            since=since,
            until=until,
            # Whether it is a secret is told here: its name alone does not always say.
            fields=tuple(replace(each, secret=each.is_secret, secret_declared=True) for each in variables),
            key=self._key.public_key().public_bytes_raw().hex(),
            ticket=_digest(self.ticket),
        )
        self._open = queue.place(question)

    @property
    def until(self) -> float:
        """When it ends, in seconds since 1970."""
        return self._open.question.until

    def given(self) -> dict[str, str] | None:
        """Return what the person entered, by name, once they have answered; nothing where they said no."""
        given = self._open.given()
        if given is None:
            return None
        return _unsealed(given.sealed, self._key) if given.answer == VALUES else {}

    def close(self) -> None:
        """Take the question off the queue, with what was entered; safe to repeat."""
        self._open.close()


def of_ticket(queue: ApprovalQueue, ticket: str) -> Question | None:
    """Return the open question for values whose form *ticket* opens."""
    digest = _digest(ticket)
    found = [each for each in queue.open() if each.ticket and hmac.compare_digest(each.ticket, digest)]
    return found[0] if found else None


def enter(queue: ApprovalQueue, question: Question, values: Mapping[str, str]) -> Ending:
    """Give *values* to whoever asks *question*, and return what became of that. Raises OSError."""
    return queue.answer(question.id, VALUES, sealed=_sealed(values, question.key))


def _facts(plugin: str, variables: Sequence[Variable]) -> tuple[str, ...]:
    lines = [("plugin", plugin)]
    lines += [("needs", f"{each.name} (secret)" if each.is_secret else each.name) for each in variables]
    return tuple(f"  {label:<{_LABEL}} {text}" for label, text in lines)


def _digest(ticket: str) -> str:
    return sha256(ticket.encode(errors="surrogatepass")).hexdigest()


def _sealed(values: Mapping[str, str], key: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    mine, theirs = X25519PrivateKey.generate(), X25519PublicKey.from_public_bytes(bytes.fromhex(key))
    own = mine.public_key()
    token = _cipher(mine.exchange(theirs), own, theirs).encrypt(json.dumps(dict(values)).encode())
    return f"{own.public_bytes_raw().hex()} {token.decode()}"


def _unsealed(sealed: str, key: X25519PrivateKey) -> dict[str, str]:
    """Return the values in *sealed*; nothing for what the page of this home did not seal."""
    from cryptography.fernet import InvalidToken
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    public, _, token = sealed.partition(" ")
    try:
        theirs = X25519PublicKey.from_public_bytes(bytes.fromhex(public))
        values = json.loads(_cipher(key.exchange(theirs), theirs, key.public_key()).decrypt(token.encode()))
    except (InvalidToken, ValueError):
        return {}
    return {str(name): str(value) for name, value in values.items()}


def _cipher(shared: bytes, sender: X25519PublicKey, receiver: X25519PublicKey) -> Fernet:
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    about = b"dynamic-plugins values" + sender.public_bytes_raw() + receiver.public_bytes_raw()
    return Fernet(base64.urlsafe_b64encode(HKDF(SHA256(), 32, None, about).derive(shared)))
