"""An agent at the softphone's page, as he sees and uses it."""

import json

from browser.chromium import Page

UNTIL = """new Promise((done, failed) => {
  const end = Date.now() + 10_000;
  const look = () => {
    const found = (CONDITION);
    if (found) done(found);
    else if (Date.now() > end) failed(new Error(WHAT + ' is not there: ' + SHOWN));
    else setTimeout(look, 20);
  };
  look();
})"""

SHOWN = (
    "[...document.body.children].filter(each => each.id !== 'said' && each.checkVisibility())"
    ".map(each => each.innerText).join('\\n')"
)
"""All but what is only read out."""

BUTTONS = "[...document.querySelectorAll('button:not([hidden])')].filter(each => each.offsetParent)"


class Agent:
    """Words are matched as they are shown; whatever is awaited fails with what is shown instead."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, address: str, instance: str = "") -> None:
        self.page.open(f"{address}/softphone/{f'?instance={instance}' if instance else ''}")

    def sign_in(self, username: str, password: str, instance: str | None = None) -> None:
        given = {"username": username, "password": password}
        if instance is not None:
            given["instance"] = instance
        for name, value in given.items():
            self.page.run(f"document.forms['sign-in'].elements.{name}.value = {json.dumps(value)}")
        self.press("Sign in")

    def choose(self, status: str) -> None:
        self.page.run(
            "(select => { select.value = [...select.options].find(each => each.textContent ==="
            f" {json.dumps(status)}).value; select.dispatchEvent(new Event('change')) }})"
            "(document.getElementById('status'))"
        )

    def press(self, label: str) -> None:
        button = f"{BUTTONS}.find(each => each.textContent === {json.dumps(label)})"
        self._until(f"{button} && ({button}.click(), true)", label)

    def dial(self, number: str) -> None:
        self.page.run(f"document.forms.dial.elements.number.value = {json.dumps(number)}")
        self.press("Call")

    def consult(self, *, number: str | None = None, quick_connect: str | None = None) -> None:
        """Open the panel, and call somebody by it."""
        self.press("Consult")
        name, member = ("number", "number") if number else ("quick", "endpoint")
        form = f"document.querySelector('.consult:not([hidden]) form[name={name}]:not([hidden])')"
        self._until(form, f"the panel's {name}")
        if number:
            self.page.run(f"{form}.elements.number.value = {json.dumps(number)}")
        else:
            self.page.run(
                f"(select => {{ select.value = [...select.options].find(each => each.textContent"
                f" === {json.dumps(quick_connect)}).value }})({form}.elements.{member})"
            )
        self.page.run(f"{form}.requestSubmit()")

    def party(self, name: str, label: str) -> None:
        """Press a button in the row of a party."""
        button = f"document.querySelector(`.parties button[aria-label='{label} {name}']`)"
        self._until(f"{button} && ({button}.click(), true)", f"{label} {name}")

    def sees(self, *words: str) -> None:
        """Wait until all of this is shown."""
        for each in words:
            self._until(f"{SHOWN}.includes({json.dumps(each)})", each)

    def misses(self, *words: str) -> None:
        """Wait until none of this is shown."""
        for each in words:
            self._until(f"!{SHOWN}.includes({json.dumps(each)})", f"no {each}")

    def buttons(self) -> list[str]:
        """Those of the contact that is shown."""
        found: list[str] = self.page.run(
            "[...document.querySelectorAll('.buttons button:not([hidden])')]"
            ".map(each => each.textContent)"
        )
        return found

    def attribute(self, selector: str, name: str) -> str | None:
        found: str | None = self.page.run(
            f"document.querySelector({json.dumps(selector)})?.getAttribute({json.dumps(name)})"
        )
        return found

    def _until(self, condition: str, what: str) -> None:
        self.page.run(
            UNTIL.replace("CONDITION", condition)
            .replace("WHAT", json.dumps(what))
            .replace("SHOWN", SHOWN)
        )
