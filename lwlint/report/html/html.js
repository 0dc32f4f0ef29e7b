"use strict";
(() => {
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const one = (id) => document.getElementById(id);
  const said = one("said");
  let quiet = 0;

  const say = (words) => {
    said.textContent = words;
    clearTimeout(quiet);
    quiet = setTimeout(() => { said.textContent = ""; }, 4000);
  };
  const counted = (number) => number + (number === 1 ? " finding" : " findings");
  const ofAll = (number, total) => (number === total ? counted(total) : number + " of " + counted(total));
  const set = (element, name, value) => { if (element[name] !== value) element[name] = value; };

  // everything that filters need is looked up once: a page may have forty clusters
  const findings = all(".finding").map((element) => {
    const rule = element.closest(".rule");
    const clause = rule.closest(".clause");
    return {
      element,
      rule,
      clause,
      clauseId: clause.dataset.clause,
      items: all(".item", element).map((item) => ({ element: item, words: null })),
      head: element.querySelector("summary"),
      severity: element.dataset.severity,
      hosts: element.dataset.hosts.split(" ").filter(Boolean),
      folded: element.closest(".folded"),
    };
  });
  const byId = new Map(findings.map((finding) => [finding.element.id, finding]));
  const groups = new Map();
  for (const finding of findings) {
    for (const group of [finding.rule, finding.clause]) {
      if (!groups.has(group)) {
        const count = group.querySelector(".count");
        groups.set(group, { count, total: Number(count.dataset.all), there: 0 });
      }
    }
  }
  const clusters = all(".cluster").map((element) => ({
    element,
    nothing: element.querySelector(".findings > .nothing"),
    findings: findings.filter((finding) => element.contains(finding.element)),
    cells: all(".matrix a", element).map((link) => {
      const small = link.querySelector("small[data-all]");
      return { link, small, key: link.dataset.host + " " + link.dataset.clause, total: Number(small.dataset.all) };
    }),
    matrix: all(".matrix tr", element).map((row) => Array.from(row.cells).slice(1)),
    away: "",
    rows: all(".matrix tbody tr", element).map((row) => ({ row, clause: row.querySelector("th").dataset.clause })),
    columns: all(".matrix thead span[data-host]", element).map((span) => span.dataset.host),
    runs: all(".commands .run", element).map((run) => ({
      run,
      hosts: run.dataset.hosts.split(" "),
      lines: all(".line", run).map((line) => ({ line, of: line.dataset.of.split(" ") })),
    })),
    commands: element.querySelector("section.commands"),
  }));
  const total = findings.reduce((sum, finding) => sum + finding.items.length, 0);

  // what the search looks in: an item with its evidence, its rule with the remedy, and its clause
  const above = new Map();
  const aboveOf = (finding) => {
    if (!above.has(finding.rule)) {
      const parts = [finding.clause.querySelector("h4"), finding.rule.querySelector("h5"), finding.rule.querySelector(".remedy")];
      above.set(finding.rule, parts.map((part) => (part ? part.textContent : "")).join("\n").toLowerCase());
    }
    return above.get(finding.rule);
  };
  const wordsOf = (finding, item) => {
    if (item.words === null) {
      const said = item.element.querySelector(".message") ? "" : finding.head.textContent;
      item.words = [said, item.element.textContent, finding.head.textContent.split(" ")[0]].join("\n").toLowerCase();
    }
    return item.words;
  };

  // the words are looked up while the browser has nothing else to do, so that the first letter of a search does not wait for them
  let known = 0;
  const learn = (deadline) => {
    while (known < findings.length && deadline.timeRemaining() > 2) {
      for (const item of findings[known].items) wordsOf(findings[known], item);
      aboveOf(findings[known]);
      known += 1;
    }
    if (known < findings.length) requestIdleCallback(learn);
  };
  if (window.requestIdleCallback) requestIdleCallback(learn);

  let hits = [];
  let at = -1;
  let opened = [];

  const filter = () => {
    const severities = new Set(all("input[name=severity]:checked").map((box) => box.value));
    const every = severities.size === all("input[name=severity]").length;
    const host = one("host").value;
    const clause = one("clause").value;
    const sought = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const filtered = Boolean(host || clause || sought.length || !every);
    let shown = 0;
    hits = [];
    for (const group of groups.values()) group.there = 0;
    const folds = new Map();
    const cells = new Map();
    for (const finding of findings) {
      const fits = severities.has(finding.severity) && (!host || finding.hosts.includes(host))
        && (!clause || finding.clauseId === clause);
      let there = 0;
      for (const item of finding.items) {
        const found = fits && sought.every((word) => wordsOf(finding, item).includes(word) || aboveOf(finding).includes(word));
        set(item.element, "hidden", !found);
        if (found) {
          there += 1;
          if (sought.length) hits.push({ finding, item });
        }
      }
      set(finding.element, "hidden", there === 0);
      finding.there = there;
      shown += there;
      groups.get(finding.rule).there += there;
      groups.get(finding.clause).there += there;
      if (finding.folded) folds.set(finding.folded, (folds.get(finding.folded) || 0) + there);
      if (finding.severity !== "allowed") {
        for (const name of finding.hosts) {
          const key = name + " " + finding.clauseId;
          cells.set(key, (cells.get(key) || 0) + there);
        }
      }
    }
    for (const [group, { count, total: number, there }] of groups) {
      set(group, "hidden", there === 0);
      set(count, "textContent", ofAll(there, number));
    }
    for (const [fold, there] of folds) {
      set(fold, "hidden", there === 0);
      if (filtered && there && !fold.open) { fold.open = true; fold.dataset.byFilter = ""; }
      if (!filtered && "byFilter" in fold.dataset) { fold.open = false; delete fold.dataset.byFilter; }
    }
    for (const cluster of clusters) {
      const some = cluster.findings.some((finding) => finding.there);
      if (cluster.nothing) set(cluster.nothing, "hidden", some || cluster.findings.length === 0);
      for (const { link, small, key, total: number } of cluster.cells) {
        const there = cells.get(key) || 0;
        set(small, "textContent", ofAll(there, number));
        link.classList.toggle("faint", there === 0);
      }
      for (const { row, clause: name } of cluster.rows) set(row, "hidden", Boolean(clause && name !== clause));
      const own = cluster.columns.includes(host) ? host : ""; // the one column that stays
      if (own !== cluster.away) {
        cluster.away = own;
        for (const row of cluster.matrix) row.forEach((cell, i) => { cell.hidden = Boolean(own) && cluster.columns[i] !== own; });
      }
      let lines = 0;
      for (const { run, hosts, lines: inside } of cluster.runs) {
        let lasting = 0;
        for (const { line, of } of inside) {
          const stays = of.some((name) => byId.get(name).there);
          set(line, "hidden", !stays);
          lasting += stays ? 1 : 0;
        }
        const stays = lasting > 0 && (!host || hosts.includes(host));
        set(run, "hidden", !stays);
        lines += stays ? 1 : 0;
      }
      if (cluster.commands) set(cluster.commands, "hidden", lines === 0);
    }
    set(one("count"), "textContent", ofAll(shown, total));
  };

  const mark = (words) => {
    if (!window.CSS || !CSS.highlights) return;
    CSS.highlights.delete("hit");
    const place = hits[at] && hits[at].finding.element;
    if (!place) return;
    const ranges = [];
    const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node.data.toLowerCase();
      for (const word of words) {
        for (let i = text.indexOf(word); i >= 0; i = text.indexOf(word, i + word.length)) {
          const range = new Range();
          range.setStart(node, i);
          range.setEnd(node, i + word.length);
          ranges.push(range);
        }
      }
    }
    CSS.highlights.set("hit", new Highlight(...ranges));
  };

  // to a hit: what it is in is opened, and closed again when another one is looked at
  const move = (to) => {
    for (const details of opened.splice(0)) details.open = false;
    for (const place of all(".hit")) place.classList.remove("hit");
    at = hits.length ? (to + hits.length) % hits.length : -1;
    one("hit").textContent = hits.length ? at + 1 + "/" + hits.length : one("search").value.trim() ? "none" : "";
    for (const name of ["before", "next"]) one(name).disabled = hits.length === 0;
    if (at >= 0) {
      const { finding, item } = hits[at];
      if (!finding.element.open) { finding.element.open = true; opened.push(finding.element); }
      const place = finding.items.length > 1 ? item.element : finding.element;
      place.classList.add("hit");
      const show = () => place.scrollIntoView({ block: "center" });
      show();
      requestAnimationFrame(show); // what was not laid out before may have another height than was thought
    }
    mark(one("search").value.toLowerCase().split(/\s+/).filter(Boolean));
  };

  const clear = () => {
    one("search").value = "";
    one("host").value = "";
    one("clause").value = "";
    for (const box of all("input[name=severity]")) box.checked = true;
  };

  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (refused) {
      const area = document.createElement("textarea");
      area.value = text;
      area.setAttribute("readonly", "");
      area.className = "unseen";
      document.body.append(area);
      area.select();
      let done = false;
      try { done = document.execCommand("copy"); } catch (unknown) { done = false; }
      area.remove();
      return done;
    }
  };

  const copy = async (button) => {
    const source = one(button.dataset.copy);
    const done = await copied(source.textContent);
    button.focus();
    if (done) { say("Copied"); return; }
    const shown = source.hidden ? button.closest(".what") : source;
    getSelection().selectAllChildren(shown);
    say("The browser does not let this page copy. It is selected: press Ctrl+C.");
  };

  const openTarget = () => {
    let place = location.hash ? one(decodeURIComponent(location.hash.slice(1))) : null;
    while (place) {
      if (place.tagName === "DETAILS") place.open = true;
      place = place.parentElement;
    }
  };

  for (const button of all("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  addEventListener("hashchange", openTarget);
  openTarget();

  for (const table of all("table.sortable")) {
    const body = table.tBodies[0];
    all("thead th", table).forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const before = head.getAttribute("aria-sort");
        for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
        const rows = Array.from(body.rows);
        const value = (row) => row.cells[i].textContent.trim();
        const numbers = rows.every((row) => value(row) !== "" && !Number.isNaN(Number(value(row))));
        // numbers begin with the greatest, words with the first
        const down = before ? before === "ascending" : numbers;
        rows.sort((a, b) => (numbers ? value(a) - value(b) : value(a).localeCompare(value(b), "en", { numeric: true })) * (down ? -1 : 1));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        body.append(...rows);
      });
    });
  }

  for (const bar of all(".zoom")) {
    const frame = bar.nextElementSibling;
    const picture = frame.querySelector("svg");
    const [width, height] = ["width", "height"].map((name) => Number(picture.getAttribute(name)));
    let scale = 1;
    const zoom = (to, x, y) => {
      const before = scale;
      scale = Math.min(Math.max(to, 0.1), 8);
      picture.setAttribute("width", width * scale);
      picture.setAttribute("height", height * scale);
      frame.scrollLeft = (frame.scrollLeft + x) * (scale / before) - x;
      frame.scrollTop = (frame.scrollTop + y) * (scale / before) - y;
    };
    const fit = () => (frame.clientWidth - 24) / width;
    bar.hidden = false;
    for (const button of all("button", bar)) {
      const by = Number(button.dataset.by);
      button.addEventListener("click", () => zoom(by === 0 ? fit() : by === 1 ? 1 : scale * by, frame.clientWidth / 2, 0));
    }
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return; // without it the page scrolls, as everywhere
      event.preventDefault();
      const box = frame.getBoundingClientRect();
      zoom(scale * (event.deltaY < 0 ? 1.15 : 1 / 1.15), event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    frame.addEventListener("keydown", (event) => {
      const to = { "+": scale * 1.25, "-": scale * 0.8, 0: 1 }[event.key];
      if (to && !event.ctrlKey && !event.metaKey) zoom(to, frame.clientWidth / 2, 0);
    });
  }

  const controls = document.querySelector(".controls");
  if (!controls) return;
  controls.hidden = false;
  const search = one("search");
  const changed = (event) => {
    filter();
    if (!event || event.target === search || search.value) move(0);
  };
  let waiting = 0;
  controls.addEventListener("input", (event) => {
    clearTimeout(waiting);
    if (event.target !== search || total < 2000) changed(event);
    else waiting = setTimeout(changed, 120, event); // not at each letter of a word, where there is much to look in
  });
  controls.addEventListener("change", (event) => { if (event.target !== search) changed(event); }); // some browsers tell of a choice only so
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); move(at + (event.shiftKey ? -1 : 1)); }
    if (event.key === "Escape" && search.value === "") search.blur();
  });
  one("before").addEventListener("click", () => move(at - 1));
  one("next").addEventListener("click", () => move(at + 1));
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement ? document.activeElement.tagName : "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  });
  one("clear").addEventListener("click", () => { clear(); filter(); move(0); });
  one("open").addEventListener("click", () => {
    opened = [];
    for (const { element, folded } of findings) {
      if (element.hidden) continue;
      element.open = true;
      if (folded) folded.open = true;
    }
  });
  one("close").addEventListener("click", () => {
    opened = [];
    for (const { element, folded } of findings) {
      element.open = false;
      if (folded) folded.open = false;
    }
  });
  for (const link of all(".matrix a")) {
    link.addEventListener("click", () => {
      clear();
      one("host").value = link.dataset.host;
      one("clause").value = link.dataset.clause;
      filter();
      move(0);
    });
  }
  filter(); // a page that the browser restores keeps what was typed
  if (search.value) move(0);
  else for (const name of ["before", "next"]) one(name).disabled = true;
})();
