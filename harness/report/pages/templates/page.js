"use strict";

// Below this width there is no room for names beside the lines; pointing at one names it.
const NARROW = 560;
const charts = [];

async function draw(box) {
  const spec = JSON.parse(box.nextElementSibling.textContent);
  const labels = spec.params.some((parameter) => parameter.name === "labels");
  const roomy = spec.padding.right;
  const narrow = () => labels && box.clientWidth < NARROW;
  const padding = () => ({ ...spec.padding, right: narrow() ? 12 : roomy });
  spec.padding = padding();
  const { view } = await vegaEmbed(box, spec, {
    renderer: "svg",
    actions: false,
    tooltip: { disableDefaultStyle: true },
  });
  box.querySelector("noscript")?.remove();
  charts.push({ view, scenario: box.dataset.scenario });
  if (!labels) return;
  const fit = () => view.signal("labels", !narrow()).padding(padding()).resize().runAsync();
  await fit();
  new ResizeObserver(fit).observe(box);
}

function tell(scenario, signal, value) {
  for (const chart of charts) {
    if (chart.scenario === scenario && signal in chart.view.getState().signals) {
      chart.view.signal(signal, value).runAsync();
    }
  }
}

function chooseSize(name, size) {
  for (const button of document.querySelectorAll(`[data-sizes="${name}"] button`)) {
    button.setAttribute("aria-pressed", String(button.dataset.size === size));
  }
  for (const pane of document.querySelectorAll(`[data-panes="${name}"] > .pane`)) {
    pane.classList.toggle("shown", pane.dataset.size === size);
  }
  const chosen = document.querySelector(`[data-sizes="${name}"] [aria-pressed="true"]`);
  for (const place of document.querySelectorAll(`[data-at="${name}"]`)) {
    place.textContent = chosen.textContent;
  }
  tell(name, "size", Number(size));
}

function chooseGroup(group, button) {
  const off = button.getAttribute("aria-pressed") === "true";
  for (const one of group.querySelectorAll("button")) {
    one.setAttribute("aria-pressed", String(one === button && !off));
  }
  tell(group.dataset.groups, "group", off ? "" : button.dataset.group);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const sizes = button.closest("[data-sizes]");
  const groups = button.closest("[data-groups]");
  if (sizes) chooseSize(sizes.dataset.sizes, button.dataset.size);
  else if (groups) chooseGroup(groups, button);
});

// A link to a strategy opens its code.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
openTarget();

// One tooltip serves every cell of the matrix, so that no scrolling box can cut it off.
const tip = document.getElementById("page-tip");

function showTip(cell) {
  if (!cell?.dataset.tip) { tip.hidden = true; return; }
  tip.textContent = cell.dataset.tip;
  tip.hidden = false;
  cell.setAttribute("aria-describedby", "page-tip");
  const place = cell.getBoundingClientRect();
  const left = Math.min(place.left, innerWidth - tip.offsetWidth - 8);
  const above = place.bottom + tip.offsetHeight + 8 > innerHeight;
  tip.style.left = `${Math.max(8, left)}px`;
  tip.style.top = `${above ? place.top - tip.offsetHeight - 6 : place.bottom + 6}px`;
}

// The keyboard enters a matrix once and moves in it with the arrow keys.
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

for (const table of document.querySelectorAll("table.matrix")) {
  const cells = [...table.querySelectorAll("td")];
  cells.forEach((cell, index) => { cell.tabIndex = index ? -1 : 0; });
  table.addEventListener("pointerover", (event) => showTip(event.target.closest("td")));
  table.addEventListener("pointerleave", () => showTip(null));
  table.addEventListener("focusin", (event) => showTip(event.target.closest("td")));
  table.addEventListener("focusout", () => showTip(null));
  table.addEventListener("keydown", (event) => {
    if (event.key === "Escape") showTip(null);
    const step = STEPS[event.key];
    const cell = event.target.closest("td");
    if (!step || !cell) return;
    const row = table.rows[cell.parentElement.rowIndex + step[0]];
    const next = row?.cells[cell.cellIndex + step[1]];
    if (!(next instanceof HTMLTableCellElement) || next.tagName !== "TD") return;
    event.preventDefault();
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}
addEventListener("scroll", () => showTip(null), { passive: true });

// Figures are drawn when they come near, and the others while there is nothing else to do.
const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
const waiting = new Set(document.querySelectorAll(".chart"));

function drawOnce(box) {
  if (waiting.delete(box)) return draw(box);
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) drawOnce(entry.target);
}, { rootMargin: "800px" });
for (const box of waiting) near.observe(box);

async function drawNext() {
  const [box] = waiting;
  if (!box) return;
  await drawOnce(box);
  idle(drawNext);
}
addEventListener("load", () => idle(drawNext));
