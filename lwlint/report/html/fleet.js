"use strict";
(() => {
  const one = (id) => document.getElementById(id);
  const data = JSON.parse(one("index").textContent);
  const [ID, NAME, RELEASE, HOSTS, ABSENT, ERRORS, WARNINGS, NOTES, UNKNOWN, VERDICT, CHUNK, AT, RULES, NODES] = Array(14).keys();
  const PAGE = 100;
  const chunks = new Map();
  let sorted = ERRORS, up = false, shown = PAGE, fitting = data.clusters;

  const make = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const words = data.clusters.map((c) => [c[ID], c[NAME], c[RELEASE], c[VERDICT], c[NODES], ...c[RULES].map((r) => data.rules[r].slice(0, 3).join(" "))].join("\n").toLowerCase());
  data.clusters.forEach((c, i) => { c.words = words[i]; });

  const order = (a, b) => {
    const [x, y] = [a[sorted], b[sorted]];
    const way = typeof x === "number" ? x - y : String(x).localeCompare(String(y));
    return (up ? way : -way) || b[WARNINGS] - a[WARNINGS] || (a[ID] < b[ID] ? -1 : 1);
  };
  const rows = () => {
    const body = one("rows");
    const some = fitting.slice(0, shown).map((c) => {
      const row = make("tr");
      row.dataset.id = c[ID];
      row.tabIndex = 0;
      row.setAttribute("aria-selected", String(location.hash === `#${c[ID]}`));
      const name = make("th", c[NAME] || "(without a name)");
      name.scope = "row";
      name.append(make("small", c[ID]));
      row.append(name, make("td", c[RELEASE]));
      for (const field of [HOSTS, ABSENT, ERRORS, WARNINGS, NOTES, UNKNOWN]) {
        row.append(make("td", c[field], field === ERRORS && c[field] ? "number some" : "number"));
      }
      row.append(make("td", c[VERDICT]));
      return row;
    });
    body.replaceChildren(...some);
    one("count").textContent = `${fitting.length} of ${data.clusters.length} clusters`;
    one("more").hidden = shown >= fitting.length;
  };
  const choose = () => {
    const sought = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const release = one("release").value, clause = one("clause").value;
    fitting = data.clusters.filter((c) => (!release || c[RELEASE] === release)
      && (!clause || c[RULES].some((r) => data.rules[r][2] === clause))
      && sought.every((word) => c.words.includes(word))).sort(order);
    shown = PAGE;
    rows();
  };

  const chunk = (number) => {
    if (!chunks.has(number)) {
      const packed = Uint8Array.from(atob(one(`chunk${number}`).textContent), (c) => c.charCodeAt(0));
      const plain = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
      chunks.set(number, new Response(plain).json());
    }
    return chunks.get(number);
  };
  const found = (cluster, hosts, f) => {
    const [severity, rule, message, on, places, text, commands, allowed] = f;
    const [code, id, clause, remedy] = data.rules[rule];
    const box = make("div", undefined, "found");
    const head = make("p");
    head.append(make("b", severity, severity), ` ${code} ${id} (${clause}): ${message}${allowed === null ? "" : ` (allowed: ${allowed})`}`);
    box.append(head, make("small", on.length === hosts.length && hosts.length > 1 ? "on all hosts" : on.map((i) => hosts[i]).join(", ")));
    for (const place of places) box.append(make("small", place));
    if (text) box.append(make("pre", text));
    if (commands.length) box.append(make("pre", commands.join("\n")));
    if (remedy) box.append(make("small", remedy));
    return box;
  };
  const open = async () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const cluster = data.clusters.find((c) => c[ID] === id);
    const box = one("cluster");
    box.hidden = !cluster;
    if (!cluster) return;
    for (const row of one("rows").children) row.setAttribute("aria-selected", String(row.dataset.id === id));
    const detail = (await chunk(cluster[CHUNK]))[cluster[AT]];
    if (decodeURIComponent(location.hash.slice(1)) !== id) return;
    const list = make("table", undefined, "plain"), body = make("tbody");
    const names = make("tr");
    ["Host", "Release", "Captured", "Report", "Missing", "Rules failed", "Not evaluated"].forEach((name, i) => names.append(make("th", name, i > 4 ? "number" : "")));
    for (const host of detail.hosts) {
      const row = make("tr");
      host.forEach((value, i) => row.append(make(i ? "td" : "th", value, i > 4 ? "number" : "")));
      body.append(row);
    }
    const head = make("thead");
    head.append(names);
    list.append(head, body);
    const wide = make("div", undefined, "scroll");
    wide.append(list);
    const hosts = detail.hosts.map((host) => host[0]);
    const title = make("h2", cluster[NAME] || "(without a name)");
    title.append(make("small", `${cluster[VERDICT]}${detail.absent.length ? `; no report of ${detail.absent.join(", ")}` : ""}`));
    const whole = make("p", undefined, "summary");
    whole.append("The whole report of this cluster: ", make("code", `lwlint fleet report STORE --cluster ${id}`));
    box.replaceChildren(title, whole, wide, ...detail.findings.map((f) => found(cluster, hosts, f)));
    box.scrollIntoView();
    box.focus({ preventScroll: true });
  };

  one("rows").addEventListener("click", (event) => { const row = event.target.closest("tr"); if (row) location.hash = row.dataset.id; });
  one("rows").addEventListener("keydown", (event) => { if (event.key === "Enter") location.hash = event.target.closest("tr").dataset.id; });
  one("more").addEventListener("click", () => { shown += PAGE; rows(); });
  for (const name of ["search", "release", "clause"]) one(name).addEventListener("input", choose);
  document.querySelectorAll("#clusters th button").forEach((button) => button.addEventListener("click", () => {
    const field = Number(button.value);
    up = sorted === field ? !up : field < HOSTS;
    sorted = field;
    choose();
  }));
  window.addEventListener("hashchange", open);
  one("controls").hidden = false;
  choose();
  open();
})();
