"use strict";
// Sorts and filters what is there without it as well, and prepares it for paper.
(() => {
  const TRAITS = ["strategy", "loop", "profile"];
  const form = document.querySelector("form.filters");
  const status = form && form.querySelector("[role=status]");
  const tables = [...document.querySelectorAll("table.sortable")];
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
  let sorted = "";

  // A number where there is one, else text; nothing for a dash, which stays last.
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = (cell.dataset.v ?? cell.textContent).trim();
    if (text === "–" || text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text : number;
  };

  const compare = (a, b) => {
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  };

  const sort = (table, heading, original) => {
    const column = heading.cellIndex;
    const order = { none: "ascending", ascending: "descending", descending: "none" }[
      heading.getAttribute("aria-sort")
    ];
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", order);
    const sign = order === "descending" ? -1 : 1;
    const keyed = original.map((row) => ({ row, key: key(row, column) }));
    if (order !== "none") {
      keyed.sort((a, b) => {
        if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
        return sign * compare(a.key, b.key);
      });
    }
    table.tBodies[0].append(...keyed.map((each) => each.row));
    const title = heading.textContent.trim().replace(/\s+/g, " ");
    sorted = order === "none" ? "In the order of the run. " : `Sorted by ${title}, ${order}. `;
    tell();
  };

  const tell = () => {
    const shown = rows.filter((row) => !row.hidden).length;
    const which = shown === rows.length ? `All ${shown}` : `${shown} of ${rows.length}`;
    status.textContent = `${sorted}${which} rows shown.`;
  };

  const filter = () => {
    const wanted = TRAITS.map((trait) => [trait, form.elements[trait]?.value ?? ""]);
    const fits = (element) =>
      wanted.every(([trait, value]) => !value || (element.dataset[trait] ?? value) === value);
    for (const row of rows) row.hidden = !fits(row);
    for (const table of tables) {
      for (const cell of table.querySelectorAll("th[data-strategy], td[data-strategy]")) {
        cell.hidden = !fits(cell);
      }
      const all = table.tBodies[0].rows;
      const shown = [...all].filter((row) => !row.hidden).length;
      const noun = all.length === 1 ? "row" : "rows";
      table.querySelector(".count").textContent =
        shown === all.length ? `${shown} ${noun}` : `${shown} of ${all.length} ${noun}`;
    }
    sorted = "";
    tell();
  };

  for (const table of tables) {
    const original = [...table.tBodies[0].rows];
    for (const heading of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => sort(table, heading, original));
    }
  }
  // On paper nobody can unfold them.
  addEventListener("beforeprint", () => {
    for (const box of document.querySelectorAll(".answer > details")) box.open = true;
  });
  if (form) {
    form.hidden = false;
    form.addEventListener("change", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    // A browser may have kept what was chosen before a reload.
    filter();
  }
})();
