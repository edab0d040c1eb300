"use strict";
// Looks through the samples that the page holds: columns of numbers and texts, filtered in one pass.
(async () => {
  const PAGE = 20;
  const FILTERS = [["set", "data"], ["method", "method"], ["verdict", "verdict"], ["edge", "edge"], ["round", "round"], ["model", "model"]];
  const bytes = Uint8Array.from(atob(document.getElementById("data").textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const { problems, prompts, names, columns } = await new Response(stream).json();
  const total = columns.problem.length;
  const form = document.getElementById("filters"), rows = document.getElementById("rows");
  const count = document.getElementById("count"), more = document.getElementById("more");
  let found = [], shown = 0;

  const element = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const labelled = (title, field) => {
    const label = element("label", title);
    label.append(field);
    form.append(label);
    return field;
  };
  const fields = FILTERS.map(([column, title]) => {
    const select = element("select");
    const values = names[column] ? names[column].map((name, i) => [name || "none (solutions)", i])
      : [...new Set(columns[column])].sort((a, b) => a - b).map((value) => [String(value), value]);
    select.append(new Option("all", ""));
    values.forEach(([name, value]) => select.append(new Option(name, value)));
    select.name = column;
    return [column, labelled(title, select)];
  });
  const search = labelled("problem or text", element("input"));
  search.type = "search";
  search.name = "search";

  const matches = () => {
    const wanted = fields.filter(([, select]) => select.value !== "").map(([column, select]) => [columns[column], Number(select.value)]);
    const words = search.value.trim().toLowerCase();
    const inProblem = words && problems.map((p) => p[0] === words || p[1].toLowerCase().includes(words));
    const kept = [];
    for (let i = 0; i < total; i++) {
      if (!wanted.every(([values, value]) => values[i] === value)) continue;
      if (words && !inProblem[columns.problem[i]] && !columns.completion[i].toLowerCase().includes(words)) continue;
      kept.push(i);
    }
    return kept;
  };
  const solution = (i) => {
    const box = element("div");
    const verdict = names.verdict[columns.verdict[i]];
    const edge = names.edge[columns.edge[i]];
    const head = element("div", `${edge ? "translation, " + edge : names.method[columns.method[i]]} · ${names.model[columns.model[i]]}, round ${columns.round[i]} · `, "note");
    head.append(element("span", `${verdict.replace("_", " ")}${columns.answer[i] ? " (" + columns.answer[i] + ")" : ""}`, verdict));
    box.append(head, element("pre", columns.completion[i].trim()));
    if (columns.prompt[i] >= 0) {
      const asked = element("details");
      asked.append(element("summary", "prompt"), element("pre", prompts[columns.prompt[i]]));
      box.append(asked);
    }
    return box;
  };
  const show = () => {
    for (const i of found.slice(shown, shown + PAGE)) {
      const [id, question, gold] = problems[columns.problem[i]];
      const card = element("article", undefined, "sample");
      card.append(element("div", `${names.set[columns.set[i]]} · ${id} · gold ${gold}`, "note"), element("div", question));
      const pair = element("div", undefined, "pair");
      if (columns.source[i] >= 0) pair.append(solution(columns.source[i]));
      pair.append(solution(i));
      card.append(pair);
      rows.append(card);
    }
    shown = Math.min(found.length, shown + PAGE);
    more.hidden = shown >= found.length;
  };
  const update = () => {
    const started = performance.now();
    found = matches();
    const took = performance.now() - started;
    shown = 0;
    rows.replaceChildren();
    show();
    count.textContent = `${found.length.toLocaleString("en")} of ${total.toLocaleString("en")} samples`;
    document.documentElement.dataset.filterMs = took.toFixed(1);
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", show);
  update();
})();
