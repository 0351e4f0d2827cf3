// Softphone: the page. It shows what the agent's snapshot says and asks for what he chooses; calls.js
// speaks with the server, sound.js with devices. The server is right: nothing is shown as done
// before the snapshot says so, the microphone's mute excepted, which is quicker.

import { Calls, Refused, callOf, nameOf } from "./calls.js";
import { button, capital, clock, dialled, make } from "./dom.js";
import { Consult, Parties } from "./parties.js";
import { Sound, wordFor } from "./sound.js";

const $ = (id) => document.getElementById(id);
const KEYS = "123456789*0#";
const STATES = {
  AfterCallWork: "after contact work",
  Busy: "in a call",
  CallingCustomer: "calling",
  Dialing: "calling",
  Error: "a call has failed",
  Joining: "connecting",
  MissedCallAgent: "missed a call",
  Pending: "a call comes",
  PendingBusy: "a call comes",
};
const ATTACH_TRIES = 3;
const RETRY_MS = 1_000;
const QUIET_LOOKS = 3;
const ELSEWHERE = "This call goes on at another page of yours, or another program.";
const STOPPED = "The sound has stopped: the network has failed, or the call goes on at another page of yours.";

const calls = new Calls();
const sound = new Sound({ problem: notice, changed: showDevices });
const cards = new Map();
let snapshot = null;
let skew = 0;
let queueArn = null;
let permissions = [];
let acceptsByItself = false;
let dials = false; // a call from here is on its way

// Words

/** A text for the agent, one for each key; no words: it is over. action: [label, what it does]. */
function notice(key, words, action, tone = "bad") {
  const old = document.querySelector(`#notices [data-key="${key}"]`);
  if (!words) return old?.remove();
  if (old?.firstChild.textContent === words) return;
  const shown = make("p", { className: `notice ${tone}` }, make("span", {}, words));
  shown.dataset.key = key;
  const close = () => shown.remove();
  const [label, act] = action ?? ["Close", close];
  shown.append(button(label, act, "quiet"));
  old ? old.replaceWith(shown) : $("notices").append(shown);
}

function say(words) {
  $("said").textContent = words;
}

function explain(error) {
  if (!(error instanceof Refused)) return `${capital(error.message)}. Check your network; it is tried again when you do.`;
  if (error.code === "AccessDeniedException") return `You may not do that: ${error.message}`;
  return `The server refuses that: ${error.message}`;
}

/** Carry out what was chosen; what is refused is told. */
async function attempt(act) {
  try {
    await act();
    notice("attempt");
  } catch (error) {
    if (error.status === 401) signedOut();
    else notice("attempt", explain(error));
  }
}

// Signing in and out

$("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target.elements;
  const send = event.target.querySelector("button");
  send.disabled = true;
  try {
    await calls.signIn(form.instance.value.trim(), form.username.value.trim(), form.password.value);
    localStorage.setItem("softphone instance", form.instance.value.trim());
    form.password.value = "";
    notice("sign-in");
    notice("signed-out");
    await begin();
  } catch (error) {
    notice("sign-in", signInWords(error));
    form.password.focus();
  } finally {
    send.disabled = false;
  }
});

function signInWords(error) {
  if (!(error instanceof Refused)) return "The server does not answer. Check your network, then sign in again.";
  if (error.status === 401) return "Instance, user name or password is wrong. Try again, or ask who manages users.";
  if (error.status === 429) return "Too many attempts. Wait a minute, then sign in again.";
  return explain(error);
}

$("sign-out").addEventListener("click", async () => {
  const goes = [...cards.values()].some((card) => ["talks", "begins"].includes(card.call.phase));
  if (goes && !confirm("You are in a call, which would end. Sign out?")) return;
  await calls.signOut().catch(() => {});
  leave();
});

/** Somebody else has ended the session, or it is over. */
function signedOut() {
  if (!calls.signedIn) return;
  calls.signOut({ forget: true });
  leave();
  notice("signed-out", "You have been signed out, here or at another place. Sign in to go on.");
}

function leave() {
  sound.release();
  cards.forEach((card) => card.root.remove());
  cards.clear();
  snapshot = null;
  for (const key of ["attempt", "server", "microphone", "silence", "speaker", "desk-phone"]) notice(key);
  document.title = "Softphone";
  show("entrance");
  $("sign-in").elements.instance.focus();
}

function show(which) {
  for (const each of ["entrance", "desk"]) $(each).hidden = each !== which;
}

async function begin() {
  show("desk");
  sound.prepare();
  try {
    const [{ configuration }, { states }, granted] = await Promise.all(
      ["GetAgentConfiguration", "GetAgentStates", "GetAgentPermissions"].map((each) => calls.ask(each)),
    );
    permissions = granted.permissions;
    acceptsByItself = configuration.softphoneAutoAccept;
    $("name").textContent = configuration.name;
    queueArn = configuration.routingProfile.defaultOutboundQueue.queueARN;
    $("dial").hidden = !permissions.includes("outboundCall");
    $("status").replaceChildren(
      ...states.map((each) => make("option", { value: each.agentStateARN }, each.name)),
    );
    notice(
      "desk-phone",
      configuration.softphoneEnabled ? "" : `Your calls ring at your desk phone ${configuration.extension}.`,
      undefined,
      "plain",
    );
    await calls.watch(told, serverAway);
  } catch (error) {
    if (error.status === 401) return signedOut();
    if (error instanceof Refused) {
      await calls.signOut({ forget: true });
      leave();
      return notice("sign-in", explain(error));
    }
    serverAway(true);
    setTimeout(begin, 2_000);
  }
}

function serverAway(away) {
  $("connection").textContent = away ? "Not connected" : "";
  notice(
    "server",
    away ? "The server does not answer; this page tries again by itself. A call that you are in goes on." : "",
    ["Try now", () => location.reload()],
  );
  document.body.classList.toggle("away", away);
}

$("status").addEventListener("change", (event) => {
  const option = event.target.selectedOptions[0];
  const state = { agentStateARN: option.value, name: option.textContent, type: "" };
  attempt(() => calls.ask("PutAgentState", { state })).then(showStatus);
});

$("dial").addEventListener("submit", (event) => {
  event.preventDefault();
  const number = event.target.elements.number;
  attempt(async () => {
    const endpoint = { type: "phone_number", phoneNumber: dialled(number.value) };
    dials = true;
    await calls.ask("CreateOutboundContact", { endpoint, queueARN: queueArn }).catch((error) => {
      dials = false;
      throw error;
    });
    number.value = "";
  });
});

// What the snapshot says

function told(seen) {
  const first = snapshot === null;
  snapshot = seen;
  skew = seen.snapshotTimestamp * 1_000 - Date.now();
  showStatus();
  const now = new Map(seen.contacts.map((each) => [each.contactId, callOf(each, seen)]));
  for (const [id, card] of cards) {
    if (!now.has(id)) drop(id, card);
  }
  for (const [id, call] of now) {
    if (!cards.has(id)) cards.set(id, new Card(call, first || isOurs(call)));
    cards.get(id).show(call);
  }
  sound.mute([...now.values()].some((call) => call.phase === "talks" && call.own?.mute));
  const rings = [...now.values()].filter((call) => call.isVoice && call.phase === "rings");
  sound.ring(rings.length > 0);
  document.title = rings.length ? `☎ ${nameOf(rings[0].customer)}` : "Softphone";
  $("idle").hidden = now.size > 0;
  tick();
}

/** Whether this page shall have the sound of a call that it has not seen before. */
function isOurs(call) {
  if (call.phase === "rings") return acceptsByItself;
  const ours = dials || call.contact.initiationMethod !== "outbound";
  dials = false;
  return ours;
}

function drop(id, card) {
  cards.delete(id);
  sound.detach(card.call.channelId);
  const hadFocus = card.root.contains(document.activeElement);
  card.root.remove();
  if (hadFocus) $("status").focus();
}

function showStatus() {
  if (!snapshot) return;
  const chosen = snapshot.nextState ?? null;
  const current = snapshot.agentAvailabilityState.state;
  const options = [...$("status").options];
  const wanted = options.find((each) => (chosen ? each.value === chosen.agentStateARN : each.textContent === current));
  if (wanted && document.activeElement !== $("status")) wanted.selected = true;
  const does = snapshot.state.name === current ? "" : (STATES[snapshot.state.name] ?? snapshot.state.name);
  $("state").textContent = [does, chosen && `then ${chosen.name}`].filter(Boolean).join(", ");
  $("idle-words").textContent =
    snapshot.state.type === "routable"
      ? "Nothing now. A call rings here as soon as it comes."
      : `You are ${current}: no calls are sent to you. Choose another status to get some.`;
}

// A contact

const PHASES = {
  rings: "rings",
  begins: "is being connected",
  talks: "is connected",
  over: "has gone. When you have noted down what is needed, choose Done",
  lost: "is lost",
};

const BUTTONS = [
  {
    className: "good",
    label: () => "Answer",
    shown: (call) => call.phase === "rings",
    act: (call, card) => {
      card.isOurs = true;
      return calls.ask("AcceptContact", { contactId: call.id });
    },
  },
  {
    className: "bad",
    label: () => "Decline",
    shown: (call) => call.phase === "rings",
    act: (call) => calls.ask("RejectContact", { contactId: call.id }),
  },
  {
    label: (call) => (call.own.mute ? "Unmute" : "Mute"),
    on: (call) => call.own.mute,
    shown: (call) => call.isVoice && call.phase === "talks",
    act: (call) => {
      sound.mute(!call.own.mute);
      return calls.ask(call.own.mute ? "UnmuteParticipant" : "MuteParticipant", party(call, call.own));
    },
  },
  {
    label: (call) => (call.isHeld ? "Resume" : "Hold"),
    on: (call) => call.isHeld,
    shown: (call) => call.isVoice && call.phase === "talks" && !call.several && call.mayHold(call.customer),
    act: (call) => calls.ask(call.isHeld ? "ResumeConnection" : "HoldConnection", party(call, call.customer)),
  },
  {
    label: () => "Swap",
    shown: (call) => call.isVoice && call.phase === "talks" && call.maySwap,
    act: (call) => calls.ask("ToggleActiveConnections", { contactId: call.id }),
  },
  {
    label: () => "Join all",
    shown: (call) => call.isVoice && call.phase === "talks" && call.mayJoin,
    act: (call) => calls.ask("ConferenceConnections", { contactId: call.id }),
  },
  {
    label: (_, card) => (card.pad.hidden ? "Keys" : "No keys"),
    on: (_, card) => !card.pad.hidden,
    shown: (call) => call.isVoice && call.phase === "talks" && call.hears !== undefined,
    act: (_, card) => card.togglePad(),
  },
  {
    label: () => "Consult",
    on: (_, card) => card.consult.open,
    opens: true,
    shown: (call) => call.isVoice && call.phase === "talks" && call.mayConsult,
    act: (call, card) => card.toggleConsult(),
  },
  {
    className: "bad",
    label: (call) => (call.several ? "Leave" : "Hang up"),
    shown: (call) => call.isVoice && ["begins", "talks"].includes(call.phase),
    act: (call) => calls.ask("DestroyConnection", party(call, call.own)),
  },
  {
    className: "main",
    label: () => "Done",
    shown: (call) => ["over", "lost"].includes(call.phase),
    act: (call) => calls.ask("ClearContact", { contactId: call.id }),
  },
];

const party = (call, connection) => ({ contactId: call.id, connectionId: connection.connectionId });

class Card {
  #buttons;
  #tries = 0;
  #phase = null;
  #quiet = 0;

  /** isOurs: whether its sound comes to this page by itself; the agent may have several open. */
  constructor(call, isOurs) {
    this.call = call;
    this.isOurs = isOurs;
    this.root = $("contact").content.firstElementChild.cloneNode(true);
    this.pad = this.find(".pad");
    const tools = {
      ask: (operation, members) => calls.ask(operation, members),
      attempt,
      say,
      may: (each) => permissions.includes(each),
    };
    this.parties = new Parties(this.find(".parties"), tools);
    this.consult = new Consult(this.find(".consult"), tools);
    this.#buttons = BUTTONS.map((row) => {
      const made = button("", () => attempt(() => row.act(this.call, this)), row.className);
      this.find(".buttons").append(made);
      return made;
    });
    for (const key of KEYS) this.pad.append(button(key, () => this.press(key)));
    this.pad.addEventListener("keydown", (event) => KEYS.includes(event.key) && this.press(event.key));
    this.root.addEventListener("keydown", (event) => event.key === "Escape" && this.fold());
    $("contacts").append(this.root);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  show(call) {
    this.call = call;
    const { contact } = call;
    this.root.dataset.phase = call.isHeld ? "held" : call.phase;
    this.find(".customer").textContent = nameOf(call.customer ?? { endpoint: { name: contact.name } });
    this.find(".about").textContent = [capital(describe(call)), contact.queue?.name].filter(Boolean).join(" · ");
    this.find(".attributes").replaceChildren(
      ...Object.values(contact.attributes ?? {}).flatMap(({ name, value }) => [make("dt", {}, name), make("dd", {}, value)]),
    );
    this.#showButtons();
    this.parties.show(call);
    if (call.phase !== this.#phase) this.#changed();
    if (call.isVoice) this.#connectSound();
  }

  #showButtons() {
    BUTTONS.forEach((row, number) => {
      const made = this.#buttons[number];
      const shown = row.shown(this.call);
      if (!shown && made === document.activeElement) this.root.focus();
      made.hidden = !shown;
      if (!shown) return;
      made.textContent = row.label(this.call, this);
      const on = Boolean(row.on?.(this.call, this));
      made.classList.toggle("on", on);
      if (row.opens) made.setAttribute("aria-expanded", on);
    });
    if (this.call.phase !== "talks") this.pad.hidden = true;
    if (this.call.phase !== "talks" || !this.call.mayConsult) this.consult.close();
  }

  #changed() {
    this.#phase = this.call.phase;
    say(`${nameOf(this.call.customer)} ${PHASES[this.#phase]}`);
    if (this.#phase === "rings" && document.activeElement === document.body) {
      this.#buttons[0].focus();
    }
  }

  togglePad() {
    this.pad.hidden = !this.pad.hidden;
    this.#showButtons();
    if (!this.pad.hidden) this.pad.firstElementChild.focus();
  }

  /** Put away what was opened. */
  fold() {
    if (this.pad.hidden && !this.consult.open) return;
    this.pad.hidden = true;
    this.consult.close();
    this.#showButtons();
    this.root.focus();
  }

  async toggleConsult() {
    if (this.consult.open) this.consult.close();
    else await this.consult.begin(this.call, this.call.contact.queue?.queueARN ?? queueArn);
    this.#showButtons();
  }

  press(digits) {
    attempt(() => calls.ask("SendDigits", { ...party(this.call, this.call.hears), digits }));
  }

  // Its sound

  #connectSound() {
    const { channelId, phase } = this.call;
    const wanted = channelId !== null && ["begins", "talks"].includes(phase);
    if (!wanted) {
      sound.detach(channelId);
      if (["over", "lost"].includes(phase)) this.warn();
      return;
    }
    if (sound.isAttached(channelId) || this.#tries > 0) return;
    if (this.isOurs) this.connect();
    else this.warn(ELSEWHERE, "Connect here");
  }

  async connect() {
    const { channelId } = this.call;
    this.#tries += 1;
    try {
      await sound.attach(channelId, (sdp) => calls.offer(channelId, sdp), () => this.#lost());
      this.#tries = 0;
      this.warn();
    } catch (error) {
      if (error.status === 401) return signedOut();
      if (cards.get(this.call.id) !== this || this.call.channelId !== channelId) return;
      const why = error.message.replace(/^sdp: '[^']*' /, "");
      this.warn(`You hear nothing and are not heard: ${why}.`);
      if (this.#tries < ATTACH_TRIES) setTimeout(() => this.#again(), RETRY_MS);
    }
  }

  #again() {
    if (cards.get(this.call.id) === this && ["begins", "talks"].includes(this.call.phase)) this.connect();
  }

  #lost() {
    this.warn(STOPPED);
  }

  /** The gateway also sends silence: where nothing comes, the line is gone, for now or for good. */
  #arrives(arrives) {
    this.#quiet = arrives ? 0 : this.#quiet + 1;
    if (this.#quiet === QUIET_LOOKS) this.#lost();
    if (arrives && this.find(".warning").firstChild?.textContent === STOPPED) this.warn();
  }

  warn(words, label = "Connect again") {
    const shown = this.find(".warning");
    shown.hidden = !words;
    if (!words) return shown.replaceChildren();
    if (shown.firstChild?.textContent === words) return;
    const again = button(label, () => {
      this.isOurs = true;
      this.#tries = 0;
      this.connect();
    }, "quiet");
    shown.replaceChildren(make("span", {}, words), again);
    say(words);
  }

  async tick() {
    this.find(".timer").textContent = clock(Date.now() + skew - this.call.since);
    const heard = await sound.quality(this.call.channelId);
    const shown = this.find(".quality");
    shown.hidden = heard === null;
    if (heard === null) return;
    this.#arrives(heard.arrives);
    const word = heard.arrives ? wordFor(heard) : "nothing arrives";
    shown.dataset.word = word;
    shown.textContent = [
      `Sound: ${word}`,
      `loss ${heard.loss.toFixed(1)} %`,
      `jitter ${heard.jitter.toFixed(0)} ms`,
      heard.roundTrip === null ? "" : `round trip ${heard.roundTrip.toFixed(0)} ms`,
      heard.farLoss === null ? "" : `your voice: loss ${heard.farLoss.toFixed(1)} %`,
    ].filter(Boolean).join(" · ");
  }
}

function describe(call) {
  const { contact, phase } = call;
  if (!call.isVoice) return `${contact.type}: this page is for calls; open it where you work on those`;
  if (phase === "rings") return contact.type === "queue_callback" ? "callback" : "rings";
  if (phase === "begins") return "connecting";
  if (phase === "over") return "after contact work";
  if (phase === "lost") return contact.state.type === "error" ? "could not be connected" : contact.state.type;
  if (call.several) return call.isHeld ? "on hold, consulting" : call.mayJoin ? "connected" : "conference";
  return call.isHeld ? "on hold" : "connected";
}

// Devices

async function showDevices() {
  const { microphones, speakers } = await sound.devices();
  fill($("microphone"), microphones, sound.microphone, "Microphone");
  $("clean").checked = sound.clean;
  fill($("speaker"), speakers, sound.speaker, "Speaker");
  $("speaker-choice").hidden = !sound.choosesSpeaker || speakers.length === 0;
  $("microphone-state").textContent = sound.ready ? "" : "no microphone";
}

function fill(select, devices, chosen, kind) {
  const rows = devices.filter((each) => each.deviceId !== "default");
  const options = rows.map((each, number) => make("option", { value: each.deviceId }, each.label || `${kind} ${number + 1}`));
  select.replaceChildren(make("option", { value: "" }, "As the system says"), ...options);
  select.value = rows.some((each) => each.deviceId === chosen) ? chosen : "";
}

$("microphone").addEventListener("change", (event) => sound.useMicrophone(event.target.value));
$("clean").addEventListener("change", (event) => sound.useClean(event.target.checked));
$("speaker").addEventListener("change", (event) => sound.useSpeaker(event.target.value));
$("try-ring").addEventListener("click", () => sound.ringOnce());

// Time

function tick() {
  cards.forEach((card) => card.tick());
}

function meter() {
  if ($("sound").open && !$("desk").hidden) $("level").style.setProperty("width", `${100 * sound.level()}%`);
  requestAnimationFrame(meter);
}

setInterval(tick, 1_000);
meter();

addEventListener("beforeunload", (event) => {
  if ([...cards.values()].some((card) => sound.isAttached(card.call.channelId))) event.preventDefault();
});

// The beginning

$("sign-in").elements.instance.value =
  new URLSearchParams(location.search).get("instance") ?? localStorage.getItem("softphone instance") ?? "";
if (calls.signedIn) begin();
else leave();
