// Sound: microphone, speaker, ring tone, and the line to the gateway.
//
// Nothing here knows of the document. Whoever makes a Sound is told by its callbacks what an agent
// has to know: problem(key, words, action?) where something is wrong, problem(key) where it is not
// any more, changed() where devices have.

const CLEANED = ["echoCancellation", "noiseSuppression", "autoGainControl"];
const CONNECT_MS = 6_000; // where it can be had at all, it takes less than one second
const LOOK_MS = 2_000;
const RING = { tones: [440, 480], on: 1_200, every: 3_600, level: 0.12 };

const MICROPHONE_WORDS = {
  NotAllowedError:
    "This page may not use the microphone, so nobody would hear you. Allow it beside the address"
    + " of the page, then choose Try again.",
  NotFoundError: "There is no microphone. Plug one in, then choose Try again.",
  NotReadableError:
    "The microphone cannot be used: another program has it, or it is broken. Close that program or"
    + " plug in another one, then choose Try again.",
  OverconstrainedError: "The microphone that you chose is gone. Choose another one under Sound.",
};

/** The plain word for figures of a call; the first row that fits. Loss in percent, the rest in ms. */
const WORDS = [
  ["good", { loss: 1, jitter: 30, roundTrip: 250 }],
  ["fair", { loss: 5, jitter: 60, roundTrip: 500 }],
];

export function wordFor(figures) {
  const fits = ([, most]) => Object.keys(most).every((each) => (figures[each] ?? 0) <= most[each]);
  return WORDS.find(fits)?.[0] ?? "poor";
}

/** The agent's devices and what goes on on them. */
export class Sound {
  #problem;
  #changed;
  #stream = null;
  #context = null;
  #analyser = null;
  #ring = null;
  #player = new Audio();
  #lines = new Map();
  #muted = false;
  microphone = localStorage.getItem("softphone microphone") ?? "";
  speaker = localStorage.getItem("softphone speaker") ?? "";
  clean = localStorage.getItem("softphone clean") !== "no";

  constructor({ problem, changed }) {
    this.#problem = problem;
    this.#changed = changed;
    this.#player.autoplay = true;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
  }

  get ready() {
    return this.#stream !== null;
  }

  /** Whether a speaker can be chosen in this browser. */
  get choosesSpeaker() {
    return "setSinkId" in HTMLMediaElement.prototype;
  }

  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const of = (kind) => all.filter((each) => each.kind === kind && each.deviceId);
    return { microphones: of("audioinput"), speakers: of("audiooutput") };
  }

  /** Have the microphone at hand before the first call. */
  async prepare() {
    this.#awake();
    if (!navigator.mediaDevices) {
      this.#problem(
        "microphone",
        "A browser gives its microphone only to pages that are opened over https, or on this"
          + " computer itself. Ask for the https address of this page.",
      );
      return;
    }
    try {
      await this.#open();
      this.#problem("microphone");
    } catch (error) {
      const words = MICROPHONE_WORDS[error.name] ?? `The microphone cannot be used: ${error.message}`;
      this.#problem("microphone", words, ["Try again", () => this.prepare()]);
    }
    this.#changed();
  }

  async useMicrophone(deviceId) {
    this.microphone = deviceId;
    localStorage.setItem("softphone microphone", deviceId);
    await this.prepare();
  }

  /** Whether the browser takes noise and echo out of the microphone; a headset may do it better. */
  async useClean(clean) {
    this.clean = clean;
    localStorage.setItem("softphone clean", clean ? "yes" : "no");
    await this.prepare();
  }

  async useSpeaker(deviceId) {
    this.speaker = deviceId;
    localStorage.setItem("softphone speaker", deviceId);
    await this.#toSpeaker();
  }

  /** 0 to 1: how loud the microphone is now. */
  level() {
    if (!this.#analyser) return 0;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    return Math.min(1, 4 * Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
  }

  mute(muted) {
    this.#muted = muted;
    this.#stream?.getAudioTracks().forEach((track) => (track.enabled = !muted));
  }

  release() {
    [...this.#lines.keys()].forEach((channelId) => this.detach(channelId));
    this.ring(false);
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#analyser = null;
  }

  async #open() {
    const chosen = this.microphone;
    const wanted = Object.fromEntries(CLEANED.map((each) => [each, this.clean]));
    const ask = (audio) => navigator.mediaDevices.getUserMedia({ audio });
    let stream;
    try {
      stream = await ask(chosen ? { ...wanted, deviceId: { exact: chosen } } : wanted);
    } catch (error) {
      if (!chosen || !["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
      stream = await ask(wanted); // the one that was chosen last time is not there today
    }
    const [track] = stream.getAudioTracks();
    track.enabled = !this.#muted;
    track.addEventListener("ended", () => this.#stream === stream && this.#unplugged());
    for (const line of this.#lines.values()) await line.sender.replaceTrack(track);
    this.#stream?.getTracks().forEach((each) => each.stop());
    this.#stream = stream;
    this.#analyser = this.#context.createAnalyser();
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
    await this.#toSpeaker();
  }

  #unplugged() {
    this.#stream = null;
    this.prepare();
  }

  #devicesChanged() {
    this.#changed();
    if (!this.#stream && this.#context) this.prepare();
  }

  /** Browsers let a page be heard only after somebody has touched it. */
  #awake() {
    this.#context ??= new AudioContext();
    if (this.#context.state === "running") return;
    const wake = async () => {
      await this.#context.resume();
      await this.#player.play().catch(() => {});
      this.#problem("silence");
    };
    this.#context.resume().then(() => this.#problem("silence"));
    if (navigator.userActivation?.hasBeenActive) return;
    this.#problem("silence", "You would not hear a call: the browser waits for a click on this page.", [
      "Turn sound on",
      wake,
    ]);
    addEventListener("pointerdown", wake, { once: true });
    addEventListener("keydown", wake, { once: true });
  }

  async #toSpeaker() {
    try {
      if (this.choosesSpeaker) await this.#player.setSinkId(this.speaker);
      if (this.#context?.setSinkId) await this.#context.setSinkId(this.speaker);
      this.#problem("speaker");
    } catch {
      this.#problem("speaker", "The speaker that you chose is gone. Choose another one under Sound.");
    }
  }

  // The ring tone

  ring(on) {
    if (on === (this.#ring !== null)) return;
    if (!on) {
      clearInterval(this.#ring);
      this.#ring = null;
      return;
    }
    this.#awake();
    this.#ring = setInterval(() => this.#burst(), RING.every);
    this.#burst();
  }

  ringOnce() {
    this.#awake();
    this.#burst();
  }

  #burst() {
    const at = this.#context.currentTime;
    const end = at + RING.on / 1_000;
    const gain = this.#context.createGain();
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(RING.level, at + 0.05);
    gain.gain.setValueAtTime(RING.level, end - 0.1);
    gain.gain.linearRampToValueAtTime(0, end);
    gain.connect(this.#context.destination);
    for (const frequency of RING.tones) {
      const tone = this.#context.createOscillator();
      tone.frequency.value = frequency;
      tone.connect(gain);
      tone.start(at);
      tone.stop(end);
    }
  }

  // Lines

  /** Connect a leg; offer(sdp) gives the answer. Throws what offer throws, or Error. */
  async attach(channelId, offer, lost) {
    this.detach(channelId);
    if (!this.#stream) await this.prepare();
    const peer = new RTCPeerConnection({ iceServers: [] });
    const line = { peer, sender: null, before: null };
    this.#lines.set(channelId, line);
    try {
      const [track] = this.#stream?.getAudioTracks() ?? [];
      const { sender } = peer.addTransceiver(track ?? "audio", { direction: "sendrecv" });
      line.sender = sender;
      peer.addEventListener("track", (event) => {
        this.#player.srcObject = event.streams[0] ?? new MediaStream([event.track]);
        this.#player.play().catch(() => this.#awake());
      });
      await peer.setLocalDescription();
      const sdp = await offer(peer.localDescription.sdp);
      if (peer.signalingState === "closed") return;
      await peer.setRemoteDescription({ type: "answer", sdp });
      await connected(peer);
      peer.addEventListener("connectionstatechange", () => {
        if (peer.connectionState === "failed") lost();
      });
    } catch (error) {
      if (this.#lines.get(channelId) === line) this.detach(channelId);
      throw error;
    }
  }

  isAttached(channelId) {
    return this.#lines.has(channelId);
  }

  detach(channelId) {
    const line = this.#lines.get(channelId);
    if (!line) return;
    this.#lines.delete(channelId);
    line.peer.close();
    if (!this.#lines.size) this.#player.srcObject = null;
  }

  /** How a line has sounded since it was last asked; null: too early to tell. */
  async quality(channelId) {
    const line = this.#lines.get(channelId);
    if (line?.peer.connectionState !== "connected") return null;
    const now = await figures(line.peer);
    const before = line.before;
    if (before && now.at - before.at < LOOK_MS / 2) return line.last ?? null;
    line.before = now;
    if (!before) return null;
    const received = now.received - before.received;
    const lost = Math.max(0, now.lost - before.lost);
    line.last = {
      loss: received + lost ? (100 * lost) / (received + lost) : 0,
      arrives: received > 0,
      jitter: now.jitter,
      roundTrip: now.roundTrip,
      farLoss: now.farLoss,
    };
    return line.last;
  }
}

function connected(peer) {
  return new Promise((done, fail) => {
    const look = () => {
      if (peer.connectionState === "connected") done();
      if (["failed", "closed"].includes(peer.connectionState)) fail(new Error(BLOCKED));
    };
    peer.addEventListener("connectionstatechange", look);
    setTimeout(() => fail(new Error(BLOCKED)), CONNECT_MS);
    look();
  });
}

const BLOCKED = "no sound gets through: a firewall may be in the way (UDP to the gateway)";

async function figures(peer) {
  const found = { at: performance.now(), received: 0, lost: 0, jitter: 0, roundTrip: null, farLoss: null };
  for (const each of (await peer.getStats()).values()) {
    if (each.type === "inbound-rtp") {
      found.received = each.packetsReceived;
      found.lost = each.packetsLost;
      found.jitter = 1_000 * each.jitter;
    } else if (each.type === "candidate-pair" && each.nominated && each.state === "succeeded") {
      found.roundTrip = 1_000 * each.currentRoundTripTime;
    } else if (each.type === "remote-inbound-rtp") {
      found.farLoss = 100 * (each.fractionLost ?? 0);
    }
  }
  return found;
}
