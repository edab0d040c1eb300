"use strict";
// Looks into problems: a list that filters make, and one problem whole. The address holds what is shown, so that it can be sent.
(async () => {
  const AT_ONCE = 60;
  const FILTERS = [
    ["set", "data"], ["change", "against the base"], ["model", "model"], ["method", "method"], ["verdict", "verdict"],
    ["edge", "edge"], ["drop", "left out for"], ["seed", "seed"], ["round", "round"],
  ];
  const SEARCH_WAIT = 120;
  const NARROW = "(max-width: 700px)";
  const at = (id) => document.getElementById(id);
  const home = at("samples"), form = at("filters"), list = at("problems"), view = at("problem");
  const { beside } = home.dataset;
  const embedded = await unpacked(at("data").textContent);
  let samples = new Samples(embedded, async () => embedded.texts);
  let found = { rows: [], problems: [], count: 0 }, shown = 0, open = -1, all = false, touched = false;
  const fields = {};

  const element = (tag, content, kind) => {
    const made = document.createElement(tag);
    if (content !== undefined) made.append(...[content].flat());
    if (kind) made.className = kind;
    return made;
  };
  const wanted = () => Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));

  const filtered = () => Object.values(wanted()).some(Boolean);

  // Filters: a field is there where there is something to choose.
  const choicesOf = (column) => (column === "change" ? Object.entries(CHANGES) : [...samples.choices(column).keys()].map((n) => [n, n]));
  const makeFilters = () => {
    const before = Object.keys(fields).length ? wanted() : fromAddress();
    form.replaceChildren();
    for (const [column, title] of FILTERS) {
      const select = element("select");
      const choices = choicesOf(column);
      select.append(new Option("all", ""), ...choices.map(([value, name]) => new Option(name, value)));
      select.value = before[column] || "";
      if (select.selectedIndex < 0) select.value = "";
      fields[column] = select;
      const label = element("label", [title, select]);
      label.hidden = choices.length < 2 && column !== "change";
      form.append(label);
    }
    const search = element("input");
    Object.assign(search, { type: "search", value: before.q || "" });
    fields.q = search;
    form.append(element("label", ["problem or text", search]));
  };

  // The address: #samples?model=multi&change=gained&problem=...
  const fromAddress = () => {
    const [place, query] = location.hash.slice(1).split("?");
    return place === "samples" ? Object.fromEntries(new URLSearchParams(query || "")) : {};
  };
  const toAddress = () => {
    if (!touched) return;
    const held = Object.entries({ ...wanted(), problem: open < 0 ? "" : samples.problems[open][0] }).filter(([, value]) => value);
    history.replaceState(null, "", `#samples?${new URLSearchParams(held)}`);
  };

  // A text in which what is searched for is marked.
  const marked = (text) => {
    const words = fields.q.value.trim().toLowerCase();
    if (!words) return [text];
    const parts = [], lowered = text.toLowerCase();
    let from = 0;
    for (let place; (place = lowered.indexOf(words, from)) >= 0; from = place + words.length) {
      parts.push(text.slice(from, place), element("mark", text.slice(place, place + words.length)));
    }
    return [...parts, text.slice(from)];
  };

  // One sample as a card.
  const card = (sample, title) => {
    const box = element("div", undefined, `card${filtered() && found.rows[sample.row] ? " found" : ""}`);
    const verdict = element("span", sample.verdict.replace("_", " "), `verdict ${sample.verdict}`);
    const head = element("p", [element("strong", title), " ", verdict], "head");
    if (sample.answer) head.append(" ", element("span", sample.answer, "given"));
    const facts = [`${sample.tokens} tokens`, sample.reason && `read: ${sample.reason}`, sample.drop && `left out: ${sample.drop}`];
    box.append(head, element("pre", marked(sample.completion)));
    if (sample.output) box.append(element("p", "printed", "note"), element("pre", sample.output, "printed"));
    box.append(element("p", facts.filter(Boolean).join(" · "), "note"));
    if (sample.prompt !== null && sample.prompt !== undefined) {
      const asked = element("details", [element("summary", "prompt"), element("pre", marked(sample.prompt))]);
      box.append(asked);
    }
    return box;
  };

  // Answers of a problem: a row of cards for each model, a card for each method.
  const answered = (rows) => {
    const groups = new Map();
    const place = (row) => [samples.order.model.indexOf(samples.columns.model[row]), samples.order.seed.indexOf(samples.columns.seed[row])];
    rows.sort((a, b) => place(a)[0] - place(b)[0] || place(a)[1] - place(b)[1]);
    for (const row of rows) {
      const sample = samples.sample(row);
      const seed = samples.names.seed.length > 1 ? `, seed ${sample.seed}` : "";
      const title = `${sample.model}${seed}`;
      groups.set(title, [...(groups.get(title) || []), sample]);
    }
    return [...groups].flatMap(([title, group]) => [
      element("h4", title),
      element("div", group.map((sample) => card(sample, sample.method)), "cards"),
    ]);
  };

  // Samples of a training problem, each beside what it was translated to.
  const sampled = (rows) => {
    const translations = new Map();
    for (const row of rows) {
      const source = samples.columns.source[row];
      if (source >= 0) translations.set(source, [...(translations.get(source) || []), row]);
    }
    const lone = rows.filter((row) => samples.columns.source[row] < 0);
    return lone.map((row) => {
      const sample = samples.sample(row), beside = (translations.get(row) || []).map((other) => samples.sample(other));
      const where = `${sample.model}${sample.round > 1 ? `, round ${sample.round}` : ""}`;
      const cards = [card(sample, sample.edge || `${sample.method}, by ${where}`), ...beside.map((other) => card(other, other.edge))];
      return element("div", cards, "cards");
    });
  };

  const show = async (problem) => {
    open = problem;
    for (const item of list.querySelectorAll("button")) {
      if (Number(item.value) === problem) item.setAttribute("aria-current", "true");
      else item.removeAttribute("aria-current");
    }
    toAddress();
    if (problem < 0) return view.replaceChildren(element("p", "No problem passes these filters.", "note"));
    const rows = samples.rowsOf[problem];
    for (const piece of new Set(rows.map((row) => samples.pieceOf(row)))) await samples.needTexts(piece);
    if (open !== problem) return undefined;
    const [id, question, gold] = samples.problems[problem];
    const sets = [...new Set(rows.map((row) => samples.names.set[samples.columns.set[row]]))].join(", ");
    const measured = rows.filter((row) => samples.isMeasured(row)), others = rows.filter((row) => !samples.isMeasured(row));
    view.replaceChildren(
      element("p", [`${sets} · `, ...marked(id)], "note"), element("h3", marked(question), "question"),
      element("p", ["gold answer: ", element("strong", gold || "not known")]),
      ...answered(measured), ...(others.length ? [element("h4", "Samples, each beside its translations"), ...sampled(others)] : []),
    );
    home.dataset.problem = id;
    return undefined;
  };

  const showMore = () => {
    const items = found.problems.slice(shown, shown + AT_ONCE).map((problem) => {
      const button = element("button", samples.problems[problem][1] || samples.problems[problem][0]);
      Object.assign(button, { type: "button", value: String(problem) });
      return element("li", button);
    });
    list.append(...items);
    shown = Math.min(found.problems.length, shown + AT_ONCE);
    at("more").hidden = shown >= found.problems.length;
  };

  const filter = () => {
    const started = performance.now();
    found = samples.matches(wanted());
    home.dataset.filterMs = (performance.now() - started).toFixed(1);
    const number = (value) => value.toLocaleString("en");
    const missing = fields.q.value && samples.missing.length ? "; what models said is being loaded" : "";
    at("count").textContent = `${number(found.problems.length)} problems, ${number(found.count)} of ${number(samples.total)} samples${missing}`;
    shown = 0;
    list.replaceChildren();
    showMore();
  };

  const update = (problem) => {
    filter();
    const place = found.problems.indexOf(problem);
    while (place >= shown) showMore();
    show(found.problems.includes(problem) ? problem : found.problems.length ? found.problems[0] : -1);
  };

  // A search looks through what models said, too: all of it is loaded then, piece by piece.
  let searching = 0;
  const search = async () => {
    const mine = ++searching;
    await new Promise((resolve) => { setTimeout(resolve, SEARCH_WAIT); });
    if (mine !== searching) return;
    update(open);
    for (const piece of fields.q.value.trim() ? samples.missing : []) {
      await samples.needTexts(piece);
      if (mine !== searching) return;
    }
    if (fields.q.value.trim()) update(open);
  };

  const numberOf = (id) => samples.problems.findIndex((problem) => problem[0] === id);
  const loadAll = async () => {
    if (all || !beside) return;
    all = true;
    try {
      const index = await loadBeside(beside, "index");
      const id = open < 0 ? fromAddress().problem : samples.problems[open][0];
      samples = new Samples(index, (piece) => loadBeside(beside, String(piece)));
      at("shown").textContent = `All ${samples.total.toLocaleString("en")} samples of these runs.`;
      makeFilters();
      update(numberOf(id));
    } catch {
      at("shown").textContent = at("shown").dataset.alone;
    }
    home.dataset.all = "true";
  };

  const step = (by) => {
    const place = found.problems.indexOf(open) + by;
    if (place < 0 || place >= found.problems.length) return;
    while (place >= shown) showMore();
    show(found.problems[place]);
    list.children[place].firstChild.focus();
  };
  const togglePrompts = () => {
    const prompts = [...view.querySelectorAll("details")];
    const opened = prompts.some((prompt) => !prompt.open);
    for (const prompt of prompts) prompt.open = opened;
  };
  const KEYS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), p: togglePrompts, "/": () => fields.q.focus(),
  };
  home.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT"].includes(event.target.tagName);
    if (event.key === "Escape" && typing && list.firstChild) {
      event.preventDefault();  // a browser would empty the field, and leave the list as it is
      (list.querySelector("[aria-current]") || list.querySelector("button")).focus();
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    if (event.key.startsWith("Arrow") && !list.contains(event.target)) return;
    event.preventDefault();
    touched = true;
    KEYS[event.key]();
  });
  form.addEventListener("input", (event) => {
    touched = true;
    if (event.target === fields.q) search(); else update(open);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    touched = true;
    show(Number(button.value)).then(() => matchMedia(NARROW).matches && view.scrollIntoView());
  });
  at("more").addEventListener("click", showMore);
  const follow = async () => {
    const held = fromAddress();
    if (!Object.keys(held).length) return;
    touched = true;
    const fill = () => {
      for (const [name, field] of Object.entries(fields)) {
        field.value = held[name] || "";
        if (field.selectedIndex < 0) field.value = "";  // of another page
      }
    };
    fill();
    await loadAll();
    fill();
    update(numberOf(held.problem));
    if (held.problem && !found.problems.includes(numberOf(held.problem))) at("count").textContent += "; the problem of this link is not among them";
    if (held.q) search();
    home.scrollIntoView();
  };
  window.addEventListener("hashchange", follow);

  makeFilters();
  filter();
  const held = fromAddress();
  if (Object.keys(held).length) {
    await follow();
  } else {
    await show(found.problems.length ? found.problems[0] : -1);
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && loadAll(), { rootMargin: "300px" }).observe(home);
  }
  home.dataset.ready = "true";
})();
