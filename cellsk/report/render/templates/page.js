"use strict";
// A button opens a dialog with images. The browser closes it on Esc and returns the focus.
for (const button of document.querySelectorAll("[data-dialog]")) {
  const dialog = document.getElementById(button.dataset.dialog);
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}
// For printing, open everything that is folded.
const opened = [];
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    opened.push(fold);
  }
});
addEventListener("afterprint", () => {
  for (const fold of opened.splice(0)) fold.open = false;
});
// A table that is cut off at the right has a hint until the reader reaches its end.
const tables = [...document.querySelectorAll(".scroll")];
const hint = (table) => {
  const rest = table.scrollWidth - table.clientWidth;
  table.classList.toggle("cut-off", table.scrollLeft < rest - 2);
  const words = table.nextElementSibling;
  if (words && words.matches(".more-beside")) words.hidden = rest <= 2;
};
for (const table of tables) {
  hint(table);
  table.addEventListener("scroll", () => hint(table), { passive: true });
}
addEventListener("resize", () => tables.forEach(hint));
// The table of contents marks the current section: the last one that has reached the upper part
// of the window. At the end of the page, several sections cannot; there it is the requested one.
const places = [];
for (const link of document.querySelectorAll(".contents a")) {
  const section = document.getElementById(link.hash.slice(1));
  if (section) places.push({ link, section });
}
const mark = () => {
  const reached = places.filter((one) => one.section.getBoundingClientRect().top <= innerHeight / 5);
  let current = reached.at(-1);
  if (innerHeight + scrollY >= document.documentElement.scrollHeight - 2) {
    const wanted = places.find((one) => one.link.hash === location.hash);
    const top = wanted ? wanted.section.getBoundingClientRect().top : innerHeight;
    current = top >= 0 && top < innerHeight ? wanted : places.at(-1);
  }
  for (const one of places) {
    if (one === current) one.link.setAttribute("aria-current", "true");
    else one.link.removeAttribute("aria-current");
  }
};
if (places.length) {
  mark();
  for (const name of ["scroll", "resize", "hashchange"]) {
    addEventListener(name, () => requestAnimationFrame(mark), { passive: true });
  }
}
