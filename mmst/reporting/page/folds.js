"use strict";
// Parts that are folded open when they are linked to, and before they are printed; tables and charts that are wider than the
// screen, which say so.
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
  const look = new ResizeObserver((entries) => requestAnimationFrame(() => {
    for (const { target } of entries) target.toggleAttribute("data-wide", target.scrollWidth > target.clientWidth + 1);
  }));
  for (const wide of document.querySelectorAll(".scroll, figure")) look.observe(wide);
})();
