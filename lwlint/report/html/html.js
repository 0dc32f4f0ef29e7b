"use strict";
(() => {
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));
  const one = (id) => document.getElementById(id);
  const findings = all(".finding");
  const said = one("said");
  let quiet = 0;

  const say = (words) => {
    said.textContent = words;
    clearTimeout(quiet);
    quiet = setTimeout(() => { said.textContent = ""; }, 4000);
  };
  const counted = (number) => number + (number === 1 ? " finding" : " findings");

  // what the search looks in: the finding with its evidence, its rule with the remedy, and its clause
  const words = new Map();
  const wordsOf = (finding) => {
    if (!words.has(finding)) {
      const rule = finding.closest(".rule");
      const above = [finding.closest(".clause").querySelector("h4"), rule.querySelector("h5"), rule.querySelector(".remedy")];
      words.set(finding, [finding, ...above].map((part) => (part ? part.textContent : "")).join("\n").toLowerCase());
    }
    return words.get(finding);
  };

  const filter = () => {
    const severities = new Set(all("input[name=severity]:checked").map((box) => box.value));
    const host = one("host").value;
    const clause = one("clause").value;
    const sought = one("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const fits = severities.has(finding.dataset.severity)
        && (!host || finding.dataset.hosts.split(" ").includes(host))
        && (!clause || finding.closest(".clause").dataset.clause === clause)
        && sought.every((word) => wordsOf(finding).includes(word));
      finding.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    for (const group of all(".rule, .clause")) {
      const there = all(".finding:not([hidden])", group).length;
      const count = group.querySelector(".count");
      const total = Number(count.dataset.all);
      group.hidden = there === 0;
      count.textContent = there === total ? counted(total) : there + " of " + counted(total);
    }
    for (const section of all("section.findings")) {
      const nothing = section.querySelector(".nothing");
      if (nothing) nothing.hidden = !section.querySelector(".finding") || section.querySelector(".finding:not([hidden])") !== null;
    }
    const total = counted(findings.length);
    one("count").textContent = shown === findings.length ? total : shown + " of " + total;
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

  const closed = [];
  addEventListener("beforeprint", () => {
    for (const details of all(".finding:not([open])")) { closed.push(details); details.open = true; }
  });
  addEventListener("afterprint", () => { for (const details of closed.splice(0)) details.open = false; });

  const controls = document.querySelector(".controls");
  if (!controls) return;
  controls.hidden = false;
  controls.addEventListener("input", filter);
  controls.addEventListener("change", filter); // some browsers tell of a choice only so
  one("clear").addEventListener("click", () => { clear(); filter(); });
  one("open").addEventListener("click", () => { for (const finding of findings) finding.open = !finding.hidden || finding.open; });
  one("close").addEventListener("click", () => { for (const finding of findings) finding.open = false; });
  for (const link of all(".matrix a")) {
    link.addEventListener("click", () => {
      clear();
      one("host").value = link.dataset.host;
      one("clause").value = link.dataset.clause;
      filter();
    });
  }
  filter(); // a page that the browser restores keeps what was typed
})();
