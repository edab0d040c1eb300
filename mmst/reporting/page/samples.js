"use strict";
// Samples by columns: filtered in one pass over numbers. What was said in them comes in pieces, when it is looked at.

async function unpacked(letters) {
  const bytes = Uint8Array.from(atob(letters.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// Files beside the page are scripts that call `mmstLoaded`: these a page may load where it may fetch nothing (file://).
const waiting = {};
function mmstLoaded(part, letters) {
  waiting[part](letters);
}
function loadBeside(beside, part) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    waiting[part] = (letters) => { script.remove(); resolve(unpacked(letters)); };
    script.onerror = () => reject(new Error(`${beside}${part}.js is not there`));
    script.src = `${beside}${part}.js`;
    document.head.append(script);
  });
}

const CHANGES = { gained: "wrong to right", lost: "right to wrong", disagree: "methods disagree" };
const GAINED = 1, LOST = 2, DISAGREE = 4;
const CHANGE_BITS = { gained: GAINED, lost: LOST, disagree: DISAGREE };

class Samples {
  // loadTexts: number of a piece -> promise of its texts.
  constructor(index, loadTexts) {
    Object.assign(this, { problems: index.problems, names: index.names, bases: index.bases, order: index.order });
    this.columns = Object.fromEntries(Object.entries(index.columns).map(([name, values]) => [name, Int32Array.from(values)]));
    this.firsts = index.chunks;
    this.total = this.columns.problem.length;
    this.loadTexts = loadTexts;
    this.texts = this.firsts.map(() => null);
    this.lowered = this.problems.map(([id, question, gold]) => `${id}\n${question}\n${gold}`.toLowerCase());
    this.groupByProblem();
    this.change = this.changes();
  }

  groupByProblem() {
    this.rowsOf = this.problems.map(() => []);
    for (let row = 0; row < this.total; row++) this.rowsOf[this.columns.problem[row]].push(row);
  }

  isMeasured(row) {
    return this.names.set[this.columns.set[row]] !== "train" && this.names.edge[this.columns.edge[row]] === "";
  }

  // What training changed in each measured answer, against the base's; and whether methods of one model disagree.
  changes() {
    const { method, model, seed, round, set, verdict } = this.columns;
    const right = this.names.verdict.indexOf("right");
    const found = new Uint8Array(this.total);
    for (const rows of this.rowsOf) {
      const base = new Map(), groups = new Map();
      const measured = rows.filter((row) => this.isMeasured(row));
      for (const row of measured) {
        base.set([set[row], model[row], method[row], seed[row]].join(), verdict[row] === right);
        const group = [set[row], model[row], seed[row], round[row]].join();
        groups.set(group, [...(groups.get(group) || []), row]);
      }
      for (const row of measured) {
        const before = base.get([set[row], this.bases[model[row]], method[row], seed[row]].join());
        if (before === undefined || before === (verdict[row] === right)) continue;
        found[row] |= before ? LOST : GAINED;
      }
      for (const group of groups.values()) {
        if (new Set(group.map((row) => verdict[row] === right)).size < 2) continue;
        for (const row of group) found[row] |= DISAGREE;
      }
    }
    return found;
  }

  // The values of a column, for a filter: name -> the numbers that it stands for.
  choices(column) {
    if (!this.names[column]) {
      const numbers = [...new Set(this.columns[column])].sort((a, b) => a - b);
      return new Map(numbers.map((number) => [String(number), [number]]));
    }
    const found = new Map();
    const order = this.order[column] || this.names[column].map((_, number) => number);
    for (const number of order) {
      const name = this.names[column][number];
      for (const part of column === "drop" ? name.split(", ") : [name]) {
        if (part !== "") found.set(part, [...(found.get(part) || []), number]);
      }
    }
    return found;
  }

  // The rows that pass, and their problems in order. wanted: column, `change` or `q` -> text.
  matches(wanted) {
    const rows = new Uint8Array(this.total).fill(1);
    const keep = (values, passes) => {
      for (let row = 0; row < rows.length; row++) rows[row] &= passes[values[row]];
    };
    for (const [column, text] of Object.entries(wanted)) {
      if (text && this.columns[column]) keep(this.columns[column], this.passing(column, text));
    }
    const bit = CHANGE_BITS[wanted.change];
    if (bit) keep(this.change, Uint8Array.from({ length: 8 }, (_, value) => (value & bit ? 1 : 0)));
    const words = (wanted.q || "").trim().toLowerCase();
    if (words) this.keepSaying(rows, words);
    const seen = new Uint8Array(this.problems.length), problems = [];
    let count = 0;
    for (let row = 0; row < rows.length; row++) {
      if (!rows[row]) continue;
      count += 1;
      const problem = this.columns.problem[row];
      if (!seen[problem]) problems.push(problem);
      seen[problem] = 1;
    }
    return { rows, problems, count };
  }

  // Which values of a column pass: 1 at the place of each.
  passing(column, text) {
    const numbers = this.choices(column).get(text) || [];
    const size = this.names[column] ? this.names[column].length : Math.max(-1, ...numbers, ...new Set(this.columns[column])) + 1;
    const passes = new Uint8Array(size);
    for (const number of numbers) passes[number] = 1;
    return passes;
  }

  // Keeps the rows whose problem, or whose text, has these words. Texts stand behind one another, so that one search finds all.
  keepSaying(rows, words) {
    const inProblem = this.lowered.map((text) => text.includes(words));
    const says = new Uint8Array(rows.length);
    this.texts.forEach((texts, piece) => {
      if (texts === null) return;
      const { joined, starts } = texts;
      let place = joined.indexOf(words), number = 0;
      while (place >= 0) {
        while (starts[number + 1] <= place) number += 1;
        says[this.firsts[piece] + number] = 1;
        place = joined.indexOf(words, starts[number + 1]);
      }
    });
    for (let row = 0; row < rows.length; row++) rows[row] &= says[row] | inProblem[this.columns.problem[row]];
  }

  pieceOf(row) {
    let low = 0, high = this.firsts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firsts[middle] <= row) low = middle; else high = middle - 1;
    }
    return low;
  }

  async needTexts(piece) {
    if (this.texts[piece] === null) {
      const texts = await this.loadTexts(piece);
      // A character that no search has stands between two texts.
      texts.starts = new Int32Array(texts.completion.length + 1);
      texts.completion.forEach((text, number) => { texts.starts[number + 1] = texts.starts[number] + text.length + 1; });
      const lowered = texts.completion.map((text) => { const low = text.toLowerCase(); return low.length === text.length ? low : text; });
      texts.joined = `${lowered.join("\u0000")}\u0000`;
      this.texts[piece] = texts;
    }
    return this.texts[piece];
  }

  get missing() {
    return this.texts.flatMap((texts, piece) => (texts === null ? [piece] : []));
  }

  // What is known of one sample; its texts must be there.
  sample(row) {
    const piece = this.pieceOf(row), place = row - this.firsts[piece], texts = this.texts[piece];
    const name = (column) => this.names[column][this.columns[column][row]];
    return {
      row, method: name("method"), model: name("model"), seed: name("seed"), set: name("set"), edge: name("edge"),
      verdict: name("verdict"), drop: name("drop"), round: this.columns.round[row], tokens: this.columns.tokens[row],
      source: this.columns.source[row], answer: texts.answer[place], reason: texts.reason[place],
      completion: texts.completion[place].trim(), output: texts.output[place], prompt: texts.prompts[texts.prompt[place]],
    };
  }
}
