// Parties: who else is on the line of a call, and the panel by which somebody is asked to join it.
//
// A card of softphone.js makes one of each. tools: ask(operation, members) of the agent service,
// attempt(act) which tells what is refused, say(words) to whoever listens to the page, and
// may(permission).

import { nameOf } from "./calls.js";
import { button, dialled, make } from "./dom.js";

const STATES = {
  connected: "talks",
  connecting: "is being called",
  hold: "on hold",
  disconnected: "is not on the line",
  silent_monitor: "listens",
  barge: "talks",
};

const FAILED = "could not be reached";
const GONE = "has gone";

/** Rows of all others, where it is more than the customer; in each, what can be done with him. */
export class Parties {
  #root;
  #tools;
  #call = null;
  #shown = "";
  #words = new Map();
  #looked = false; // whether the call was seen before

  constructor(root, tools) {
    this.#root = root;
    this.#tools = tools;
  }

  show(call) {
    this.#call = call;
    const several = call.phase === "talks" && call.others.length > 1;
    const words = new Map((several ? call.others : []).map((each) => [each, this.#wordsFor(each)]));
    this.#tell(words);
    this.#looked ||= call.phase === "talks";
    const rows = [...words.keys()].filter((each) => words.get(each) !== GONE || each === call.customer);
    const others = rows.length > 1 ? rows : [];
    const shown = JSON.stringify(others.map((each) => [each.connectionId, nameOf(each), words.get(each)]));
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = [...this.#root.querySelectorAll("button")].indexOf(document.activeElement);
    this.#root.replaceChildren(...others.map((each) => this.#row(each, words.get(each))));
    if (focused < 0) return;
    const next = this.#root.querySelectorAll("button")[focused] ?? this.#root.closest(".card");
    next.focus();
  }

  #row(party, words) {
    const name = nameOf(party);
    const state = party.state.type;
    const row = make("p", {}, make("span", {}, `${name} · ${words}`));
    if (state === "disconnected") return row;
    if (["connected", "hold"].includes(state) && this.#call.mayHold(party)) {
      const [label, operation] = state === "hold" ? ["Resume", "ResumeConnection"] : ["Hold", "HoldConnection"];
      row.append(this.#button(label, name, operation, party));
    }
    row.append(this.#button("Drop", name, "DestroyConnection", party));
    return row;
  }

  #button(label, name, operation, { connectionId }) {
    const members = { contactId: this.#call.id, connectionId };
    const made = button(label, () => this.#tools.attempt(() => this.#tools.ask(operation, members)), "quiet");
    made.setAttribute("aria-label", `${label} ${name}`);
    return made;
  }

  /** How he stands; of who is not there any more: as far as this page has seen it. */
  #wordsFor({ connectionId, state }) {
    if (state.type !== "disconnected" || !this.#looked) return STATES[state.type] ?? state.type;
    const before = this.#words.get(connectionId) ?? STATES.connecting;
    if (before === STATES.connecting) return FAILED;
    return [STATES.disconnected, FAILED].includes(before) ? before : GONE;
  }

  #tell(words) {
    const before = this.#words;
    this.#words = new Map([...words].map(([each, said]) => [each.connectionId, said]));
    const changed = [...words].filter(([each, said]) => before.get(each.connectionId) !== said);
    if (changed.length) this.#tools.say(changed.map(([each, said]) => `${nameOf(each)} ${said}`).join(", "));
  }
}

/** Whom to call while the customer waits: a quick connect of the queue, or a number. */
export class Consult {
  #root;
  #tools;
  #call = null;

  constructor(root, tools) {
    this.#root = root;
    this.#tools = tools;
    this.#form("quick", (form) => {
      const option = form.elements.endpoint.selectedOptions[0];
      return { type: option.dataset.type, endpointARN: option.value };
    });
    this.#form("number", (form) => ({ type: "phone_number", phoneNumber: dialled(form.elements.number.value) }));
  }

  get open() {
    return !this.#root.hidden;
  }

  close() {
    this.#root.hidden = true;
  }

  /** Shows whom there is; queueArn: whose quick connects. */
  async begin(call, queueArn) {
    this.#call = call;
    const endpoints = await this.#endpoints(queueArn);
    const mayDial = this.#tools.may("outboundCall");
    const options = endpoints.map((each) => {
      const option = make("option", { value: each.endpointARN }, each.name);
      option.dataset.type = each.type;
      return option;
    });
    this.#root.querySelector("select").replaceChildren(...options);
    this.#find("quick").hidden = !options.length;
    this.#find("number").hidden = !mayDial;
    this.#root.querySelector(".nobody").hidden = mayDial || options.length > 0;
    this.#root.hidden = false;
    (this.#root.querySelector("form:not([hidden]) :is(select, input)") ?? this.#root).focus();
  }

  async #endpoints(queueArn) {
    if (!queueArn) return [];
    const found = [];
    let nextToken;
    do {
      const page = await this.#tools.ask("GetEndpoints", { queueARNs: [queueArn], nextToken });
      found.push(...page.endpoints);
      nextToken = page.nextToken;
    } while (nextToken);
    return found;
  }

  #find(name) {
    return this.#root.querySelector(`form[name="${name}"]`);
  }

  #form(name, endpoint) {
    const form = this.#find(name);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#tools.attempt(async () => {
        const members = { contactId: this.#call.id, endpoint: endpoint(form) };
        await this.#tools.ask("CreateAdditionalConnection", members);
        form.reset();
        this.close();
        this.#root.closest(".card").focus();
      });
    });
  }
}
