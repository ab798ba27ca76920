/** Columns and rows of the ward's grid: as large as the tiles can be without a scroll bar. */

/** Beds up to which a tile has lines and limits. */
export const ROOMY = 24;

/** Proportions of a tile that shows all it has, and the least of them that can be read. CSS pixels. */
const TILES = {
  roomy: { wide: 470, tall: 250, least: 0.5, scrolling: 300 },
  dense: { wide: 185, tall: 96, least: 0.85, scrolling: 190 },
};

/** Width below which a screen is a phone, which shows one column and scrolls. CSS pixels. */
const PHONE = 600;

/**
 * @typedef {object} Layout
 * @property {number} columns
 * @property {number} rows
 * @property {boolean} dense numbers alone
 * @property {boolean} scrolls
 */

/**
 * Choose the grid.
 *
 * @param {number} beds
 * @param {number} width of the grid, CSS pixels
 * @param {number} height
 * @returns {Layout}
 */
export function layout(beds, width, height) {
  if (width < PHONE) return { columns: 1, rows: beds, dense: false, scrolls: true };
  const dense = beds > ROOMY;
  const { wide, tall, least, scrolling } = dense ? TILES.dense : TILES.roomy;
  let best = { columns: 1, rows: beds, size: 0 };
  for (let columns = 1; columns <= beds; columns++) {
    const rows = Math.ceil(beds / columns);
    const size = Math.min(width / columns / wide, height / rows / tall);
    if (size > best.size) best = { columns, rows, size };
  }
  if (best.size >= least) return { columns: best.columns, rows: best.rows, dense, scrolls: false };
  const columns = Math.max(1, Math.floor(width / scrolling));
  return { columns, rows: Math.ceil(beds / columns), dense, scrolls: true };
}
