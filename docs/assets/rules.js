// Filters above the table of all rules: words, area, severity and clause. The choice stands in the address, so that it can be sent on.
"use strict";
(() => {
  const AREAS = {
    1: "Pacemaker", 2: "systemd", 3: "retries", 4: "Heat and Puppet", 5: "hosts and clusters", 9: "input",
  };

  const begin = () => {
    const table = [...document.querySelectorAll(".md-typeset table")].find(
      (one) => one.querySelector("th")?.textContent.trim() === "code");
    if (!table || document.querySelector(".rule-filters")) return;
    const rows = [...table.querySelectorAll("tbody tr")].map((row) => {
      const cells = [...row.cells].map((cell) => cell.textContent.trim());
      return { row, text: cells.join(" ").toLowerCase(), area: AREAS[cells[0][2]] ?? "", severity: cells[3], clause: cells[4] };
    });
    const bar = document.createElement("form");
    bar.className = "rule-filters";
    bar.setAttribute("role", "search");
    bar.setAttribute("aria-label", "Filter the rules");
    const fields = {};
    const add = (name, field) => {
      field.name = name;
      field.setAttribute("aria-label", name);
      fields[name] = field;
      bar.append(field);
    };
    const words = document.createElement("input");
    words.type = "search";
    words.placeholder = "words";
    add("words", words);
    for (const name of ["area", "severity", "clause"]) {
      const choice = document.createElement("select");
      const values = [...new Set(rows.map((one) => one[name]))].sort();
      choice.append(new Option(`${name}: any`, ""), ...values.map((value) => new Option(value, value)));
      add(name, choice);
    }
    const count = document.createElement("output");
    count.setAttribute("aria-live", "polite");
    bar.append(count);
    const filter = (keep) => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const one of rows) {
        const fits = wanted.every((word) => one.text.includes(word)) &&
          ["area", "severity", "clause"].every((name) => !fields[name].value || fields[name].value === one[name]);
        one.row.hidden = !fits;
        shown += fits;
      }
      count.textContent = shown === rows.length ? `${shown} rules` : `${shown} of ${rows.length} rules`;
      if (!keep) return;
      const said = new URLSearchParams(Object.entries(fields).filter(([, field]) => field.value).map(([name, field]) => [name, field.value]));
      history.replaceState(null, "", `${location.pathname}${said.size ? `?${said}` : ""}${location.hash}`);
    };
    const given = new URLSearchParams(location.search);
    for (const [name, field] of Object.entries(fields)) {
      if (given.has(name)) field.value = given.get(name);
    }
    for (const kind of ["input", "change"]) bar.addEventListener(kind, () => filter(true)); // some browsers tell of a choice only by the second
    bar.addEventListener("submit", (event) => event.preventDefault());
    (table.closest(".md-typeset__scrollwrap") ?? table).before(bar);
    filter(false);
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
