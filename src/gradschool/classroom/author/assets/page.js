// 1. Formulas.
for (const e of document.querySelectorAll(".math"))
  katex.render(e.textContent, e, { displayMode: e.classList.contains("block"), throwOnError: false });

// 2. The contents list is open where there is room beside the text.
const list = document.querySelector(".contents details");
const wide = matchMedia("(min-width: 70rem)");
const fold = () => { if (list) list.open = wide.matches; };
wide.addEventListener("change", fold);
fold();

// 3. A box that scrolls says so and can be focused; one whose content fits cannot.
const measure = () => {
  for (const e of document.querySelectorAll(".math.inline"))
    e.classList.toggle("long", e.parentElement.closest("p, li, td, figcaption")?.clientWidth < e.offsetWidth);
  for (const e of document.querySelectorAll(".scroll")) {
    e.classList.remove("more");
    const more = e.scrollWidth > e.clientWidth + 1;
    e.classList.toggle("more", more);
    if (more) e.tabIndex = 0; else e.removeAttribute("tabindex");
  }
};
addEventListener("resize", measure);
document.fonts.ready.then(measure);
for (const e of document.querySelectorAll("main details")) e.addEventListener("toggle", measure);
measure();

// 4. On paper every answer is shown.
addEventListener("beforeprint", () => {
  for (const e of document.querySelectorAll("main details")) e.open = true;
});
