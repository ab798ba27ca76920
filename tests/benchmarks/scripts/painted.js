/**
 * Notes of each reading that the page receives, `[patient, timestamp, whether it changes a number]`, and of each change
 * of a tile, `[patient, timestamp of the newest reading, other numbers that are shown for its own, time of the next
 * frame]`. Times are milliseconds since 1970.
 */
globalThis.noted = { readings: [], paints: [] };
{
  /** Decimals by place. Pressures are left out: a tile shows them in one text of several. */
  const PLACES = { pulse: 0, spo2: 0, resp_rate: 0, temperature: 1 };
  const textOf = (reading) => Object.entries(PLACES).map(([place, decimals]) => reading[place]?.toFixed(decimals) ?? "- -").join();
  const shownBy = (bed) => Object.keys(PLACES).map((place) => bed.querySelector(`[data-place=${place}] .digits`).textContent).join();

  /** Newest reading of each patient. */
  const newest = new Map();
  const receive = ({ data }) => {
    if (data.kind !== "event" || data.name !== "readings") return;
    for (const reading of data.data) {
      const [time, text, last] = [Date.parse(reading.timestamp), textOf(reading), newest.get(reading.patient_uuid)];
      noted.readings.push([reading.patient_uuid, time, text !== last?.text]);
      if (!last || time >= last.time) newest.set(reading.patient_uuid, { time, text });
    }
  };

  globalThis.SharedWorker = class extends SharedWorker {
    constructor(...how) {
      super(...how);
      // Before the page's own listener, and so before the numbers change.
      this.port.addEventListener("message", receive);
    }
  };

  new MutationObserver((changes) => {
    const digits = changes.map(({ target }) => target.parentElement?.closest(".digits") ?? target.closest?.(".digits"));
    const beds = new Set(digits.map((each) => each?.closest("icu-bed")).filter(Boolean));
    const seen = [...beds].flatMap((bed) => {
      const patient = bed.querySelector("a").href.split("/").at(-1);
      const [last, shown] = [newest.get(patient), shownBy(bed)];
      return last ? [[patient, last.time, last.text === shown ? "" : `${shown} for ${last.text}`]] : [];
    });
    // The frame in which they changed has been laid out and painted when the next one begins.
    if (seen.length) requestAnimationFrame(() => noted.paints.push(...seen.map((each) => [...each, Date.now()])));
  }).observe(document, { subtree: true, childList: true, characterData: true });
}
