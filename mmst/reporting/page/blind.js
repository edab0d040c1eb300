// Shows one pair after another, keeps each verdict, and saves them as a file. PAIRS: id, question, left, right.
const verdicts = {};
let place = 0;
const at = (id) => document.getElementById(id);

function show() {
  const pair = PAIRS[place];
  const done = Object.keys(verdicts).length;
  at("count").textContent = `${done} of ${PAIRS.length} judged` + (pair ? `; pair ${place + 1}` : "; save them now");
  for (const part of ["question", "left", "right"]) at(part).textContent = pair ? pair[part] : "";
}

function choose(side) {
  if (place >= PAIRS.length) return;
  verdicts[PAIRS[place].id] = side;
  place += 1;
  show();
}

function back() {
  place = Math.max(0, place - 1);
  show();
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ verdicts }, null, 1)], { type: "application/json" }));
  link.download = "verdicts.json";
  link.click();
}

for (const side of ["left", "right", "equal"]) at(`choose-${side}`).addEventListener("click", () => choose(side));
at("back").addEventListener("click", back);
at("save").addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  const keys = { 1: () => choose("left"), 2: () => choose("right"), 0: () => choose("equal"), Backspace: back };
  if (keys[event.key]) keys[event.key]();
});
show();
