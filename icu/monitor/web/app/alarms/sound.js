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

/** Name of the lock that each page of a browser holds while its sound is on. */
const LOCK = "icu-sound";

export class Sound {
  /** @param {HTMLElement} button */
  constructor(button) {
    this._button = button;
    /** @type {AudioContext | null} */
    this._audio = null;
    this._urgency = 0;
    this._next = 0;
    button.addEventListener("click", () => this._toggle());
  }

  /** True while this page can be heard. */
  get isOn() {
    return this._audio !== null;
  }

  /**
   * Sound the most urgent alarm that is to sound.
   *
   * @param {import("../live/ward.js").Ward} ward
   */
  render(ward) {
    const sounding = [...ward.alarms, ...ward.admitted.flatMap((bed) => bed.alarms)].filter(sounds);
    this._urgency = Math.max(0, ...sounding.map(urgency));
    setAttribute(this._button, "aria-pressed", String(this.isOn));
    setAttribute(this._button, "aria-label", t(this.isOn ? "sound.turn_off" : "sound.turn_on"));
    setAttribute(this._button, "data-sounding", this.isOn ? String(this._urgency) : false);
    this._play();
  }

  async _toggle() {
    if (this._audio) {
      await this._audio.close();
      this._audio = null;
      this._release?.(undefined);
      return;
    }
    this._audio = new AudioContext();
    this._next = 0;
    navigator.locks?.request(LOCK, { mode: "shared" }, () => new Promise((release) => (this._release = release)));
  }

  _play() {
    const audio = this._audio;
    const burst = BURSTS[this._urgency];
    if (!audio || !burst || audio.currentTime < this._next) return;
    this._next = audio.currentTime + burst.every;
    for (const each of burst.tones) tone(audio, audio.currentTime + each, burst.pitch);
  }
}

/** Tell if any page of this browser has its sound on; null where the browser cannot tell. */
export async function anyoneListens() {
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
