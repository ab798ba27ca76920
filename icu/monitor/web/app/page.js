/** Addresses of this page: the server names them, so that they hold below any path of a proxy. */

const given = document.documentElement.dataset;

/** Address of the API, with a slash at its end. */
export const API = new URL(given.api ?? "./", document.baseURI).href;

/** Address of the ward's page. */
export const WARD = new URL(given.root ?? "./", document.baseURI).href;

/** Library that draws the strips: "uplot", or "canvas" where that one was not there when the package was built. */
export const CHARTS = given.charts ?? "canvas";

/**
 * Address of a patient's page.
 *
 * @param {string} patient
 */
export const bedsideAddress = (patient) => `${WARD}bedside/${patient}`;

/** Patient of this page, a uuid; "" on the page of the ward. */
export const PATIENT = given.page === "bedside" ? (location.pathname.split("/").at(-1) ?? "") : "";
