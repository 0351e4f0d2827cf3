// Calls: the agent service, as this page uses it: who is signed in, what he has, what he does.
//
// Tokens are kept for this tab only (sessionStorage), so that a page that is loaded again in a call
// finds its way back. Nothing here knows of the document, or of sound.

const SERVICE = "AmazonConnectCTIService";
const POLL_MS = 25_000;
const ANSWER_MS = 40_000; // a poll, and some time for the network
const RENEW_MS = 60_000; // before an access token is over
const WAITS_MS = [500, 1_000, 2_000, 5_000];

/** What the server said no to: its words, and its name for them. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Nobody answers. */
export class Unreachable extends Error {}

/** An agent's session, and the operations of the agent service. */
export class Calls {
  #tokens = JSON.parse(sessionStorage.getItem("softphone") ?? "null");
  #renewing = null;
  #stopped = new AbortController();

  get signedIn() {
    return this.#tokens !== null;
  }

  async signIn(instance, username, password) {
    const answer = await this.#json("POST", "/auth/login", { instance, username, password });
    this.#stopped = new AbortController();
    this.#keep(answer);
  }

  /** forget: only here; otherwise the agent's sessions end everywhere. */
  async signOut({ forget = false } = {}) {
    this.#stopped.abort();
    const bearer = this.#tokens?.accessToken;
    this.#keep(null);
    if (!forget && bearer) await this.#json("POST", "/logout", {}, bearer);
  }

  /** An operation of the agent service; its result. Throws Refused or Unreachable. */
  ask(operation, members = {}) {
    return this.#withToken((bearer) =>
      this.#json("POST", "/api", members, bearer, { "X-Amz-Target": `${SERVICE}.${operation}` }),
    );
  }

  /** The answer to a browser's offer for a leg of this agent's. */
  async offer(channelId, sdp) {
    const send = (bearer) => this.#json("POST", "/softphone/offer", { channelId, sdp }, bearer);
    return (await this.#withToken(send)).sdp;
  }

  /** Tells every snapshot as it changes, until sign-out. lost(true | false): the server is away. */
  async watch(told, lost) {
    const stopped = this.#stopped.signal;
    let nextToken;
    let failures = 0;
    while (!stopped.aborted) {
      try {
        const known = failures ? undefined : nextToken; // after a failure: at once, not at a change
        const answer = await this.ask("GetAgentSnapshot", { nextToken: known, timeout: POLL_MS });
        if (stopped.aborted) return;
        if (failures) lost(false);
        failures = 0;
        nextToken = answer.nextToken;
        told(answer.snapshot);
      } catch (error) {
        if (stopped.aborted) return;
        const away = error instanceof Unreachable || error.status >= 500 || error.status === 429;
        if (!away) throw error;
        lost(true);
        const wait = WAITS_MS[Math.min(failures++, WAITS_MS.length - 1)];
        await new Promise((done) => setTimeout(done, wait));
      }
    }
  }

  #keep(tokens) {
    this.#tokens = tokens;
    if (tokens) sessionStorage.setItem("softphone", JSON.stringify(tokens));
    else sessionStorage.removeItem("softphone");
  }

  async #withToken(send) {
    if (!this.#tokens) throw new Refused(401, "UnauthorizedException", "signed out");
    if (this.#tokens.expiration - Date.now() < RENEW_MS) await this.#renew();
    try {
      return await send(this.#tokens.accessToken);
    } catch (error) {
      if (error.status !== 401 || !this.#tokens) throw error;
      await this.#renew();
      return await send(this.#tokens.accessToken);
    }
  }

  /** A new access token for the refresh token; once, whoever needs it. */
  #renew() {
    this.#renewing ??= this.#json("GET", "/auth/authorize", undefined, this.#tokens.refreshToken)
      .then((answer) => this.#keep({ ...this.#tokens, ...answer }))
      .finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #json(method, path, body, bearer, headers = {}) {
    let response;
    let answer;
    try {
      response = await fetch(path, {
        method,
        body: body === undefined ? undefined : JSON.stringify(body),
        headers: {
          "Content-Type": "application/json",
          ...(bearer ? { "X-Amz-Bearer": bearer } : {}),
          ...headers,
        },
        cache: "no-store",
        credentials: "omit",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      answer = await response.json();
    } catch {
      throw new Unreachable("the server does not answer");
    }
    if (response.ok) return answer;
    throw new Refused(response.status, answer.__type ?? answer.code, answer.message);
  }
}

// What a snapshot says of a call

const LOST = new Set(["missed", "rejected", "error"]);
const SETTING_UP = new Set(["Joining", "Dialing", "CallingCustomer"]);

/** A contact as this page shows it. phase: rings, begins, talks, over or lost. */
export function callOf(contact, snapshot) {
  const connections = contact.connections ?? [];
  const own = connections.find((each) => each.type === "agent" || each.type === "monitoring");
  const others = connections.filter((each) => each !== own);
  const customer = others.find((each) => each.initial) ?? others[0];
  const there = others.filter((each) => ["connected", "hold"].includes(each.state.type));
  const held = there.filter((each) => each.state.type === "hold");
  const rings = others.some((each) => each.state.type === "connecting");
  const all = Boolean(contact.contactFeatures?.multiPartyConferenceEnabled);
  return {
    id: contact.contactId,
    contact,
    own,
    others,
    customer,
    phase: phaseOf(contact, snapshot),
    isVoice: contact.type === "voice" || contact.type === "queue_callback",
    isHeld: customer?.state.type === "hold",
    several: there.length + rings > 1,
    hears: there.find((each) => each.state.type === "connected") ?? customer, // who gets the keys
    maySwap: there.length === 2 && held.length === 1 && !rings,
    mayJoin: there.length > 1 && held.length > 0 && !rings,
    mayConsult: own?.type === "agent" && !rings && there.length > 0 && (all || there.length < 2),
    // An agent who asks this one for advice is held by nobody, unless everybody may hold everybody.
    mayHold: (each) => there.includes(each) && (all || each !== customer || each.endpoint?.type !== "agent"),
    channelId: own?.softphoneMediaInfo?.mediaLegContextToken ?? null,
    since: contact.state.timestamp * 1000,
  };
}

function phaseOf(contact, snapshot) {
  const state = contact.state.type;
  if (LOST.has(state)) return "lost";
  if (state === "ended") return "over";
  if (state === "connected" || state === "paused") return "talks";
  return SETTING_UP.has(snapshot.state.name) ? "begins" : "rings";
}

/** How somebody on the line is called. */
export function nameOf(connection) {
  const endpoint = connection?.endpoint;
  return endpoint?.name ?? connection?.quickConnectName ?? endpoint?.phoneNumber ?? "somebody";
}
