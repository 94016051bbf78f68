"use strict";
// Pictures behind a button. Esc closes a dialog and the focus returns, as the browser does it.
for (const button of document.querySelectorAll("[data-dialog]")) {
  const dialog = document.getElementById(button.dataset.dialog);
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
  });
}
// On paper, everything that is folded is open.
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
// A table that goes on to the right says so, until its end is reached.
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
// The contents say where the reader is: in the last section that has reached the upper part of
// the window. At the end of the page several have not; there it is the one that was asked for.
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
