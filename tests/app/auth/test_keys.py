from hypothesis import given
from hypothesis import strategies as st

from app.auth.keys import ALPHABET, TokenParts, checksum, hash_secret, new_token, parse_token, same_secret, token_text


def test_a_token_reads_back_as_its_halves():
    parts = new_token()
    text = token_text(parts)
    assert text.startswith("plk_")
    assert len(text) == len("plk_") + 12 + 1 + 32 + 6
    assert parse_token(text) == parts


def test_the_checksum_is_crc32_in_base_62():
    # CRC-32 of "a_b" is 0x28CB39EA = 684,407,274 = 46·62⁴ + 19·62³ + 43·62² + 37·62 + 0.
    assert checksum(TokenParts(lookup="a", secret="b")) == "".join(ALPHABET[digit] for digit in (0, 46, 19, 43, 37, 0))


@given(place=st.integers(4, 54), character=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_told_without_asking_the_database(place: int, character: str):
    text = token_text(TokenParts(lookup="0123456789ab", secret="A" * 32))
    changed = text[:place] + character + text[place + 1 :]
    assert (parse_token(changed) is None) == (changed != text)


@given(st.text())
def test_no_text_breaks_the_parser(text: str):
    assert parse_token(text) is None


def test_a_secret_fits_its_own_hash_only():
    assert same_secret("one", hash_secret("one"))
    assert not same_secret("two", hash_secret("one"))
    assert not same_secret("\ud800", hash_secret("one"))
