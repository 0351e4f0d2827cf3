"""The vault: what it keeps opens with its keys, for its purpose, unchanged, and not otherwise."""

import base64
from argparse import Namespace

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringfloor.base.errors import Fault
from ringfloor.config import Settings, settings
from ringfloor.journal.memory import MemoryJournal
from ringfloor.node.vault import (
    SEALING_NOTE,
    Vault,
    WrongKey,
    derived_key,
    prove,
    sealing_key,
    settle,
)

OLD, NEW = b"o" * 32, b"n" * 32
KEY = base64.b64encode(NEW).decode()
SECRET = b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_what_was_sealed_opens_and_shows_nothing():
    vault = Vault((OLD,))
    sealed = vault.seal(SECRET, "secret of AKIA1")
    assert vault.open(sealed, "secret of AKIA1") == SECRET
    assert SECRET not in sealed
    assert vault.seal(SECRET, "secret of AKIA1") != sealed, (
        "the same twice shows that it is the same"
    )
    assert OLD.decode() not in repr(vault) + repr(vars(vault))


@pytest.mark.parametrize(
    ("vault", "purpose"),
    [(Vault((NEW,)), "secret of AKIA1"), (Vault((OLD,)), "secret of AKIA2")],
    ids=["another key", "another purpose"],
)
def test_it_opens_for_nobody_and_nothing_else(vault, purpose):
    sealed = Vault((OLD,)).seal(SECRET, "secret of AKIA1")
    with pytest.raises(WrongKey) as caught:
        vault.open(sealed, purpose)
    assert SECRET.decode() not in str(caught.value)


def test_every_single_changed_bit_is_noticed():
    vault = Vault((OLD,))
    sealed = vault.seal(SECRET, "p")
    for position in range(len(sealed)):
        for bit in (0x01, 0x80):
            changed = bytearray(sealed)
            changed[position] ^= bit
            with pytest.raises(WrongKey):
                vault.open(bytes(changed), "p")
    for length in range(len(sealed)):
        with pytest.raises(WrongKey):
            vault.open(sealed[:length], "p")


def test_keys_turn():
    sealed = Vault((OLD,)).seal(SECRET, "p")
    turning = Vault((NEW, OLD))
    assert turning.open(sealed, "p") == SECRET
    assert not turning.fresh(sealed)
    again = turning.seal(SECRET, "p")
    assert turning.fresh(again)
    assert Vault((NEW,)).open(again, "p") == SECRET


def test_a_key_made_from_a_secret_is_always_the_same_and_is_hkdf():

    other = HKDF(SHA256(), 32, salt=b"ringfloor vault", info=b"encryption key")
    assert derived_key(SECRET.decode()) == other.derive(SECRET)
    assert derived_key("another") != derived_key(SECRET.decode())


def test_a_start_with_the_wrong_key_is_refused_and_says_what_to_do():
    journal = MemoryJournal()
    prove(journal, None)
    key = sealing_key(journal, None)
    assert sealing_key(journal, None) == key
    prove(journal, Vault((OLD,)))  # from here on there is a vault
    assert sealing_key(journal, Vault((OLD,))) == key, "what was plain is taken over"
    for wrong in (None, Vault((NEW,))):
        with pytest.raises(Fault, match=r"RINGFLOOR_ENCRYPTION_KEY.*root's secret"):
            prove(journal, wrong)
    with pytest.raises(Fault, match="RINGFLOOR_ENCRYPTION_KEY"):
        sealing_key(journal, None)


def test_the_sealing_key_is_never_in_plain_and_turns_with_the_others():
    journal = MemoryJournal()
    journal.put_note(SEALING_NOTE, b"p" * 32)
    for vault in (Vault((OLD,)), Vault((NEW, OLD))):
        prove(journal, vault)
        assert sealing_key(journal, vault) == b"p" * 32
        assert b"pppp" not in (journal.note(SEALING_NOTE) or b"")
        settle(journal, vault)
    prove(journal, Vault((NEW,)))
    assert sealing_key(journal, Vault((NEW,))) == b"p" * 32
    with pytest.raises(Fault):
        prove(journal, Vault((OLD,)))


def test_a_turn_that_was_not_finished_can_be_finished():
    journal = MemoryJournal()
    prove(journal, Vault((OLD,)))
    prove(journal, Vault((NEW, OLD)))  # and then the process dies
    prove(journal, Vault((OLD,)))


@pytest.mark.parametrize(
    ("value", "keys"), [("", 0), (KEY, 1), (f"{KEY} {KEY}\n", 2)], ids=["none", "one", "two"]
)
def test_keys_come_from_the_environment_or_a_file(tmp_path, value, keys):
    file = tmp_path / "keys"
    file.write_text(value)
    for given in (value, f"@{file}"):
        found = settings(Namespace(), {"RINGFLOOR_ENCRYPTION_KEY": given})
        assert found.encryption_keys == (NEW,) * keys


@pytest.mark.parametrize("value", ["x", KEY[:-4], "@/no/such/file", f"{KEY} {KEY}A"])
def test_what_is_no_key_is_refused_without_being_shown(value):
    with pytest.raises(Fault, match="RINGFLOOR_ENCRYPTION_KEY") as caught:
        settings(Namespace(), {"RINGFLOOR_ENCRYPTION_KEY": value})
    assert KEY[:-4] not in str(caught.value)


def test_settings_show_no_secret():
    shown = repr(Settings(secret_access_key="rootsecret", encryption_keys=(NEW,)))
    assert "rootsecret" not in shown
    assert "nnnn" not in shown
    assert "port=8080" in shown
