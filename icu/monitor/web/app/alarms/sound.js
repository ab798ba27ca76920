/** The sound of the most urgent alarm: three bursts that differ. Off until somebody clicks, as browsers want it. */

import { setAttribute } from "../dom.js";
import { t } from "../text/text.js";
import { sounds, urgency } from "./order.js";

/**
 * Bursts by urgency: times of the tones in seconds, their pitch in hertz, and seconds between two bursts. Like those of
 * IEC 60601-1-8 a high one is ten tones, a medium one three, a low one two.
 *
 * @type {Record<number, { tones: number[], pitch: number, every: number }>}
 */
const BURSTS = {
  3: { tones: [0, 0.15, 0.3, 0.55, 0.7, 1.2, 1.35, 1.5, 1.75, 1.9], pitch: 880, every: 5 },
  2: { tones: [0, 0.25, 0.5], pitch: 660, every: 8 },
  1: { tones: [0, 0.3], pitch: 440, every: 20 },
};

/** Seconds of a tone. */
const LENGTH = 0.1;

/** Milliseconds without a connection after which that sounds, as a medium alarm: a restart of the server is shorter. */
const LOST_AFTER = 10_000;

/** Name of the lock that each page of a browser holds while its sound is on. */
const LOCK = "icu-sound";

export class Sound {
  /** @param {HTMLElement} button */
  constructor(button) {
    this._button = button;
    /** @type {AudioContext | null} */
    this._audio = null;
    this._urgency = 0;
    /** Urgency of the last burst. */
    this._played = 0;
    this._next = 0;
    /** True while a page of this browser can be heard: this one, or another that says so by its lock. */
    this.isHeard = false;
    button.addEventListener("click", () => this._toggle());
  }

  /** True while this page can be heard. */
  get isOn() {
    return this._audio?.state === "running";
  }

  /**
   * Sound the most urgent of the alarms.
   *
   * @param {import("../live/ward.js").Ward} ward
   */
  render(ward) {
    this._urgency = soundingUrgency(ward);
    setAttribute(this._button, "aria-pressed", String(this.isOn));
    setAttribute(this._button, "aria-label", t(this.isOn ? "sound.turn_off" : "sound.turn_on"));
    setAttribute(this._button, "data-sounding", this.isOn ? String(this._urgency) : false);
    this._play();
    anyoneListens().then((anyone) => (this.isHeard = this.isOn || Boolean(anyone)));
  }

  _toggle() {
    if (this._audio) this._stop(this._audio);
    else this._start();
  }

  _start() {
    const audio = new AudioContext();
    this._audio = audio;
    this._played = 0;
    // The system takes the sound away too, for a call: the bell must not go on to promise it.
    audio.onstatechange = () => audio.state !== "running" && this._stop(audio);
    navigator.locks?.request(LOCK, { mode: "shared" }, () => new Promise((release) => (this._release = release)));
  }

  /** @param {AudioContext} audio */
  _stop(audio) {
    if (audio.state !== "closed") audio.close();
    if (audio !== this._audio) return;
    this._audio = null;
    this._release?.(undefined);
  }

  _play() {
    const audio = this._audio;
    const burst = BURSTS[this._urgency];
    if (!burst) this._played = 0;
    // A more urgent alarm does not wait for the end of a milder one's pause.
    if (!audio || !burst || (audio.currentTime < this._next && this._urgency <= this._played)) return;
    this._played = this._urgency;
    this._next = audio.currentTime + burst.every;
    for (const each of burst.tones) tone(audio, audio.currentTime + each, burst.pitch);
  }
}

/**
 * Urgency of what is to sound: of the alarms of the ward and its beds, and of a connection that is lost.
 *
 * @param {import("../live/ward.js").Ward} ward
 */
export function soundingUrgency(ward) {
  const sounding = [...ward.alarms, ...ward.admitted.flatMap((bed) => bed.alarms)].filter(sounds);
  const now = ward.clock.now();
  const isLost = ward.lostSince !== null && now !== null && now - ward.lostSince >= LOST_AFTER;
  return Math.max(isLost ? 2 : 0, ...sounding.map(urgency));
}

/** Tell if any page of this browser has its sound on; null where the browser cannot tell. */
async function anyoneListens() {
  if (!navigator.locks) return null;
  const { held } = await navigator.locks.query();
  return held?.some((lock) => lock.name === LOCK) ?? null;
}

/**
 * @param {AudioContext} audio
 * @param {number} at seconds of its clock
 * @param {number} pitch
 */
function tone(audio, at, pitch) {
  const oscillator = audio.createOscillator();
  const volume = audio.createGain();
  oscillator.frequency.value = pitch;
  volume.gain.setValueAtTime(0, at);
  // Edges of 10 ms: without them each tone clicks.
  volume.gain.linearRampToValueAtTime(0.3, at + 0.01);
  volume.gain.setValueAtTime(0.3, at + LENGTH - 0.01);
  volume.gain.linearRampToValueAtTime(0, at + LENGTH);
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + LENGTH);
}
