"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const details = () => document.querySelectorAll("details");

  // On a phone a row is a card: each cell says what it is, and empty ones are left out.
  for (const table of document.querySelectorAll("table:not(.hex)")) {
    const heads = Array.from(table.tHead ? table.tHead.rows[0].cells : [], (cell) => cell.textContent.trim());
    for (const body of table.tBodies) {
      for (const row of body.rows) {
        Array.from(row.cells).forEach((cell, at) => {
          if (!cell.textContent.trim() || cell.textContent.trim() === "-") cell.classList.add("nothing");
          if (heads[at]) cell.dataset.label = heads[at];
          const inner = document.createElement("span");
          inner.className = "cell";
          inner.append(...cell.childNodes);
          cell.append(inner);
        });
      }
    }
  }
  document.documentElement.classList.add("cards");

  const tools = one("tools");
  if (tools) {
    const rows = Array.from(one("table").tBodies[0].rows, (row) => [row, row.textContent.toLowerCase()]);
    const boxes = Array.from(tools.querySelectorAll("input[name=verdict]"));
    const filter = one("filter");
    const update = () => {
      const words = filter.value.toLowerCase().split(" ").filter(Boolean);
      const verdicts = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      let shown = 0;
      for (const [row, text] of rows) {
        row.hidden = !(verdicts.has(row.dataset.verdict) && words.every((word) => text.includes(word)));
        shown += row.hidden ? 0 : 1;
      }
      one("shown").textContent = shown + " of " + rows.length + " rows shown";
    };
    filter.addEventListener("input", update);
    for (const box of boxes) box.addEventListener("change", update);
    tools.hidden = false;
    update();
  }

  const unfold = one("unfold");
  if (unfold) {
    unfold.hidden = false;
    unfold.addEventListener("click", (event) => {
      const open = event.target.dataset.open;
      if (open === undefined) return;
      for (const each of document.querySelectorAll("details.connection")) each.open = open !== "";
    });
  }

  // A link to what is folded unfolds it.
  const reveal = () => {
    const target = location.hash && one(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", reveal);
  reveal();

  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = Array.from(details()).filter((each) => !each.open);
    for (const each of folded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of folded) each.open = false;
  });
})();
