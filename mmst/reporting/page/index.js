"use strict";
// Shows the command, or, where a server makes pages, the link that compares the runs that are chosen.
(() => {
  const told = document.getElementById("compare"), before = told.textContent;
  const quoted = (text) => (/^[\w./+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  document.addEventListener("change", () => {
    const chosen = [...document.querySelectorAll("input:checked")].map((box) => box.value);
    if (chosen.length < 2) {
      told.textContent = before;
    } else if (document.body.dataset.serves) {
      const link = document.createElement("a");
      link.href = `/compare?${new URLSearchParams(chosen.map((folder) => ["run", folder]))}`;
      link.textContent = `Compare these ${chosen.length}`;
      told.replaceChildren(link);
    } else {
      const command = document.createElement("code");
      command.textContent = `mmst report ${chosen.map(quoted).join(" ")} --out compared.html`;
      told.replaceChildren(command);
    }
  });
})();
