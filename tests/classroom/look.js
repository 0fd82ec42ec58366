// What a test asks of a page in a browser: is anything too wide, too faint, out of reach, or not set?
(() => {
  const seen = e => e.getClientRects().length && getComputedStyle(e).visibility == "visible";
  const numbers = colour => {
    const [r, g, b, a = 1] = (colour.match(/[\d.]+(?:e-?\d+)?/g) || [0, 0, 0, 0]).map(Number);
    return colour.startsWith("color(") ? [255 * r, 255 * g, 255 * b, a] : [r, g, b, a];
  };
  // 1. Contrast as WCAG 2 defines it, against the first opaque background below.
  const light = rgb => rgb.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const found = numbers(getComputedStyle(e).backgroundColor);
      if (found[3] == 1) return found;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.querySelectorAll("body *:not(script)")) {
    if (e.closest(".skip, .anchor, .katex-mathml") || !seen(e)) continue;
    if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
    const svg = e.closest("svg"), style = getComputedStyle(e);
    const pair = [numbers(svg && !e.closest(".katex") ? style.fill : style.color), ground(svg || e)].map(light);
    // In a figure, text of the page's own colour stands on an area that is not.
    if (svg && Math.abs(pair[0] - pair[1]) < 1e-4) continue;
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < (svg ? 3 : 4.5)) faint.push(`${e.textContent.trim().slice(0, 40)} ${ratio.toFixed(2)}`);
  }
  // 2. Boxes that scroll sideways, and can the keyboard reach them?
  const boxes = [...document.querySelectorAll("main *")].filter(e => seen(e) && !e.closest("svg")
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX) && e.scrollWidth > e.clientWidth + 1);
  const figures = [...document.querySelectorAll("figure svg")];
  return {
    wide: document.scrollingElement.scrollWidth > innerWidth,
    faint,
    scrolling: boxes.length,
    unreached: boxes.filter(e => e.tabIndex != 0).map(e => e.outerHTML.slice(0, 80)),
    formulas: document.querySelectorAll(".math").length,
    set: document.querySelectorAll(".math > .katex, .math > .katex-display").length,
    wrong: document.querySelectorAll(".katex-error").length,
    open: document.querySelector(".contents details")?.open,
    plates: figures.filter(e => numbers(getComputedStyle(e).backgroundColor)[3]).length,
  };
})()
