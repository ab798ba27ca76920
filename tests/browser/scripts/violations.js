/** Rules of WCAG 2.2 AA that the page breaks, each with its elements. */
async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  // Without its own look at style sheets, which breaks our policy.
  const { violations } = await axe.run({ runOnly: tags, preload: false, resultTypes: ["violations"] });
  // The text of a tile is data that changes each second, and no label of its link, whose name is a sentence about them.
  const isAllowed = (id, { target }) => id === "label-content-name-mismatch" && document.querySelector(target)?.matches("icu-bed a");
  return violations.flatMap(({ id, help, nodes }) =>
    nodes
      .filter((node) => !isAllowed(id, node))
      .map(({ html, any }) => `${id}: ${help}: ${html} ${any[0]?.message ?? ""}`),
  );
};
