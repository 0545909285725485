"""The signatures of Standard Webhooks."""

import pytest

from app.webhooks import signing
from app.webhooks.signing import BadSignatureError

# The example of the scheme's own documentation and libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signed(*secrets: str, body: bytes = BODY) -> dict[str, str]:
    return signing.headers([signing.read_secret(one) for one in secrets], MESSAGE, TIMESTAMP, body)


def verify(headers: dict[str, str], *, body: bytes = BODY, now: float = TIMESTAMP, secret: str = SECRET) -> None:
    signing.verify(signing.read_secret(secret), headers, body, now=now)


def test_a_signature_is_what_the_scheme_says() -> None:
    assert signed(SECRET) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }
    verify(signed(SECRET))


def test_both_secrets_open_a_message_while_one_is_being_replaced() -> None:
    other = signing.write_secret(b"other" * 6)
    headers = signed(other, SECRET)
    verify(headers)
    verify(headers, secret=other)


@pytest.mark.parametrize(
    "change",
    [
        {"body": BODY + b" "},
        {"now": TIMESTAMP + 301},
        {"now": TIMESTAMP - 301},
        {"secret": signing.write_secret(b"other" * 6)},
    ],
    ids=["another body", "too old", "from the future", "another secret"],
)
def test_a_message_that_is_not_what_it_says_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadSignatureError):
        verify(signed(SECRET), **change)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_the_id_and_the_time_are_signed_too(name: str) -> None:
    headers = signed(SECRET)
    headers[name] = headers[name][:-1] + "1"
    with pytest.raises(BadSignatureError):
        verify(headers)
