// Dom: how elements are made, and words for them. Nothing here knows of calls.

export function make(tag, members = {}, ...children) {
  const made = Object.assign(document.createElement(tag), members);
  made.append(...children);
  return made;
}

export function button(label, act, className = "") {
  const made = make("button", { type: "button", className }, label);
  made.addEventListener("click", () => act());
  return made;
}

export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** A length of time as a clock shows it. */
export function clock(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1_000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3_600);
  return `${hours ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** What was typed as a number, the way it is dialled. */
export const dialled = (typed) => typed.replace(/[\s().-]/g, "").replace(/^00/, "+");
