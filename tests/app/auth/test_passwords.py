import pytest

from app.auth import passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "x" * 129,
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "password1234",
        "Password123456789",
        "qwertyuiop123!",
        "plackettplackett",
        "adalovelace12",
        "ada@lovelace.org",
    ],
)
def test_weak_passwords_are_refused_with_a_reason(password):
    assert passwords.why_refused(password, email="ada@lovelace.org", name="Ada Lovelace")


@pytest.mark.parametrize(
    "password", ["correct horse battery", "q8#Lm2!vZpr0", "grüne Äpfel am Abend", "x7" * 3 + "kqLwz!"]
)
def test_good_passwords_pass(password):
    assert passwords.why_refused(password, email="ada@lovelace.org", name="Ada Lovelace") is None


def test_a_hash_is_argon2id_and_fits_its_password_only():
    stored = passwords.hash_password("grüne Äpfel am Abend")
    assert stored.startswith("$argon2id$")
    assert passwords.is_password("grüne Äpfel am Abend", stored)
    assert passwords.is_password("gru\u0308ne A\u0308pfel am Abend", stored)
    assert not passwords.is_password("grune Apfel am Abend", stored)
    assert not passwords.is_outdated(stored)


def test_nobody_has_a_password_where_none_is_stored():
    assert not passwords.is_password("nobody has this password", None)
    assert not passwords.is_password("anything", "not a hash")
