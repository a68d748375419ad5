"use strict";

// Every chart is one drawing with other data, made when its case is opened and comes into sight.
const base = JSON.parse(document.getElementById("chart-spec").textContent);
const runs = JSON.parse(document.getElementById("chart-runs").textContent);
const MARGIN = "300px";

function values(data) {
  const named = (run) => ({ run, when: runs[data.runs][run][0], name: runs[data.runs][run][1] });
  return [
    ...data.points.map(([run, value, text]) => ({ ...named(run), kind: "point", value, text })),
    ...data.levels.map(([run, end, value]) => ({ run, end, kind: "level", value })),
    ...data.changes.map(([run, worse, text]) => ({ ...named(run), kind: "change", worse, text })),
    ...data.failures.map(([run, text]) => ({ ...named(run), kind: "failure", text })),
  ];
}

function specification(data) {
  const spec = structuredClone(base);
  const shown = values(data);
  const all = shown.map((one) => one.run);
  const first = Math.min(...all), last = Math.max(...all);
  const places = [...new Set(all)].sort((a, b) => a - b);
  // A number's text differs between languages, so that ticks are looked up by their place.
  const labels = places.map((run) => runs[data.runs][run][0].slice(5));
  spec.data = { values: shown };
  const x = {
    scale: { domain: [first - 0.7, last + 0.7], nice: false, zero: false },
    axis: {
      values: places, labelOverlap: "greedy", labelSeparation: 12, grid: false,
      labelExpr: `${JSON.stringify(labels)}[indexof(${JSON.stringify(places)}, datum.value)]`,
    },
  };
  const y = {
    scale: { domain: [0, data.top], nice: false },
    axis: {
      values: data.ticks.map(([value]) => value),
      labelExpr: `${JSON.stringify(data.ticks.map(([, text]) => text))}[indexof(${JSON.stringify(data.ticks.map(([value]) => value))}, datum.value)]`,
    },
  };
  for (const layer of spec.layer) {
    if (layer.encoding.x) Object.assign(layer.encoding.x, x);
    if (layer.encoding.y) Object.assign(layer.encoding.y, y);
  }
  return spec;
}

async function draw(box) {
  const data = JSON.parse(box.nextElementSibling.textContent);
  await vegaEmbed(box, specification(data), {
    renderer: "svg",
    actions: false,
    tooltip: { disableDefaultStyle: true },
  });
}

const inSight = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    inSight.unobserve(entry.target);
    draw(entry.target);
  }
}, { rootMargin: MARGIN });
for (const box of document.querySelectorAll(".chart")) inSight.observe(box);

const find = document.getElementById("find");
const cases = [...document.querySelectorAll(".case")];
const texts = cases.map((one) => one.querySelector("summary").textContent.toLowerCase());
let status = "";

function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  cases.forEach((one, index) => {
    const fits = (!status || one.dataset.status === status)
      && words.every((word) => texts[index].includes(word));
    one.hidden = !fits;
    shown += fits;
  });
  const told = document.getElementById("found");
  told.textContent = shown === cases.length ? "" : `${shown} of ${cases.length} cases`;
}

find?.addEventListener("input", filter);
document.getElementById("which")?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  status = button.dataset.status;
  for (const one of event.currentTarget.querySelectorAll("button")) {
    one.setAttribute("aria-pressed", String(one === button));
  }
  filter();
});
