"""Entry: what the customer types.

* Nothing typed, also when only the terminating key was pressed, is no input: `Timeout` when stored,
  InputTimeLimitExceeded in a menu.
* A terminating sequence with `*` in it leaves no key to cancel with.
* A stored phone number is stored as E.164, with its `+`.
* Input that is to be stored encrypted is encrypted before anybody here sees it; what is stored is
  what was heard. A key that comes to nothing fails the action before it asks.
* A task has nobody who types: a menu is at once out of time, storing fails.

Source: behaviour specification, sections 6.4 and 6.6.
"""

from msgspec.structs import replace

from ringfloor.base.limits import FLOW_INPUT_DIGITS_MAX, FLOW_INTER_DIGIT_MS
from ringfloor.base.time import SECOND
from ringfloor.domain.dialogue import Ask, Digits, Encryption, Gather, Heard
from ringfloor.flow import phone, references
from ringfloor.flow.blocks.messages import PROMPTS, is_too_long, prompt_of
from ringfloor.flow.blocks.scene import FAILURE, Outcome, Scene
from ringfloor.flow.catalog import TIME_LIMIT
from ringfloor.flow.values import is_true

_PHONE_DIGITS_MAX = 18
"""E.164 has 15 digits; 011 may stand before them."""


def gather(scene: Scene) -> Ask | Outcome:
    store = is_true(scene.parameters.get("StoreInput"))
    if scene.channel == "TASK":
        return FAILURE if store else Outcome(error=TIME_LIMIT)
    prompt = prompt_of(scene, scene.parameters)
    encryption = _encryption(scene) if store else None
    if (
        is_too_long(prompt)
        or (prompt is None and any(name in scene.parameters for name in PROMPTS))
        or (encryption is None and store and "InputEncryption" in scene.parameters)
    ):
        return FAILURE
    keypad = scene.record("DTMFConfiguration")
    terminator = references.as_text(keypad.get("InputTerminationSequence")) or "#"
    return Gather(
        prompt=prompt if prompt is not None and prompt.value else None,
        max_digits=_digits_max(scene) if store else 1,
        first_digit_ms=scene.milliseconds(
            scene.parameters.get("InputTimeLimitSeconds"), 5 * SECOND
        ),
        inter_digit_ms=scene.milliseconds(
            keypad.get("InterdigitTimeLimitSeconds"), FLOW_INTER_DIGIT_MS
        ),
        terminators=terminator if store else "",
        cancel_key=store and "*" not in terminator and not is_true(keypad.get("DisableCancelKey")),
        encryption=encryption,
    )


def _encryption(scene: Scene) -> Encryption | None:
    given = scene.record("InputEncryption")
    key_id, key = scene.written(given.get("EncryptionKeyId")), scene.written(given.get("Key"))
    wanted = "CustomValidation" in scene.record("InputValidation")
    return Encryption(key_id, key) if key_id and key and wanted else None


def _digits_max(scene: Scene) -> int:
    validation = scene.record("InputValidation")
    if "PhoneNumberValidation" in validation:
        return _PHONE_DIGITS_MAX
    custom = validation.get("CustomValidation")
    given = custom.get("MaximumLength") if isinstance(custom, dict) else None
    return scene.whole(given, 1, FLOW_INPUT_DIGITS_MAX) or FLOW_INPUT_DIGITS_MAX


def typed(scene: Scene, heard: Heard) -> Outcome:
    if not isinstance(heard, Digits):
        return FAILURE
    if not is_true(scene.parameters.get("StoreInput")):
        return Outcome(result=heard.digits) if heard.digits else Outcome(error=TIME_LIMIT)
    encrypted = "InputEncryption" in scene.parameters
    if encrypted and heard.digits and set(heard.digits) <= _KEYS:
        return FAILURE
    if len(heard.digits) > (_CIPHER_CHARS_MAX if encrypted else _digits_max(scene)):
        return FAILURE
    stored: str | None = heard.digits or "Timeout"
    form = scene.record("InputValidation").get("PhoneNumberValidation")
    if heard.digits and isinstance(form, dict):
        country = references.as_text(form.get("CountryCode"))
        stored = (
            phone.local(heard.digits, country)
            if form.get("NumberFormat") == "Local"
            else phone.international(heard.digits)
        )
    if stored is None:
        return Outcome(error="InvalidPhoneNumber")
    return Outcome(session=replace(scene.session, stored_input=stored))


_KEYS = frozenset("0123456789*#")
"""What is made of nothing else was not encrypted, and is not stored."""
_CIPHER_CHARS_MAX = 4_096
"""Base64 of what an RSA key and AES make of 255 digits, with room to spare."""
