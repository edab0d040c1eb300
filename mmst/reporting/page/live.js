"use strict";
// Asks what the jobs are at, and shows it.
(() => {
  const EVERY = 2000;
  const at = (id) => document.getElementById(id);
  const element = (tag, content, kind) => {
    const made = document.createElement(tag);
    made.append(...[content].flat());
    if (kind) made.className = kind;
    return made;
  };
  const rate = (value, unit) => (value ? `${value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 })} ${unit}/s` : "");
  const bar = (live) => {
    const made = document.createElement("progress");
    Object.assign(made, { max: Math.max(1, live.total), value: live.done });
    made.setAttribute("aria-label", live.title);
    return made;
  };
  const job = (found) => {
    const box = element("section", element("h2", found.name));
    const live = found.live;
    if (found.state === "done") box.append(element("p", `done in ${Math.round(found.seconds)} s`, "note"));
    if (found.state === "failed") box.append(element("p", `failed: ${found.why}`, "warning"));
    if (found.state === "silent") box.append(element("p", `no word for ${found.quiet} s: it was stopped, or waits`, "warning"));
    if (found.state === "at work" && !live) box.append(element("p", "starting", "note"));
    if (live) {
      const stage = live.stage ? `stage ${live.stage} of ${live.of}: ` : "";
      const facts = [`${live.done.toLocaleString("en")} of ${live.total.toLocaleString("en")}`, rate(live.rows_per_second, "rows"),
        rate(live.tokens_per_second, "tokens"), live.note, live.left];
      box.append(element("p", element("strong", `${stage}${live.title}`)), bar(live), element("p", facts.filter(Boolean).join(" · ")));
    }
    return box;
  };
  const ask = async () => {
    try {
      const state = await (await fetch("/state")).json();
      const busy = state.jobs.filter((found) => found.state === "at work").length;
      at("name").textContent = state.name;
      at("left").textContent = state.left || (busy ? `${busy} at work` : "Nothing is at work here.");
      at("jobs").replaceChildren(...state.jobs.map(job));
    } catch {
      at("left").textContent = "The server does not answer; it may have been stopped.";
    }
    setTimeout(ask, EVERY);
  };
  ask();
})();
