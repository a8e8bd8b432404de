// Sorts the tables of the page: a click on a head sorts by its column, upwards, downwards, as it was.
"use strict";
const NEXT = {none: "ascending", ascending: "descending", descending: "none"};
for (const table of document.querySelectorAll("table.numbers")) {
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  if (rows.length < 2) continue;
  table.classList.add("sortable");
  const key = (row, column) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  };
  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a < b ? -1 : a > b ? 1 : 0;
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return a.localeCompare(b, "en", {numeric: true});
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const next = NEXT[head.getAttribute("aria-sort")];
      for (const each of heads) each.setAttribute("aria-sort", each === head ? next : "none");
      const sign = next === "descending" ? -1 : 1;
      const order = next === "none" ? rows
        : [...rows].sort((a, b) => sign * compare(key(a, column), key(b, column)));
      body.append(...order);
    });
  });
}
