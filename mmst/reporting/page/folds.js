"use strict";
// Parts that are folded open when they are linked to, and before they are printed.
(() => {
  const openLinked = () => {
    const target = location.hash.startsWith("#part") && document.getElementById(location.hash.slice(1));
    if (!target) return;
    const fold = target.closest("details");
    if (fold) fold.open = true;
    target.scrollIntoView();
  };
  window.addEventListener("hashchange", openLinked);
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details.part")) fold.open = true;
  });
  openLinked();
})();
