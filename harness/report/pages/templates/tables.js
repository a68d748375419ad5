// Tables of numbers sort by the headings of their columns, and long ones can be filtered.
const FILTER_FROM = 16;
const SCALES = {
  ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40,
  "%": 0.01,
};
const NUMBER = /^([-+]?[\d.\u202f]+)\s*([^\s\d–]*)/;
const ORDERS = ["ascending", "descending", "none"];

// What stands below a heading: a cell may cover several columns, as the reason of a failure does.
function cellAt(row, column) {
  let place = 0;
  for (const cell of row.cells) {
    if (place === column) return cell.colSpan > 1 ? null : cell;
    place += cell.colSpan;
    if (place > column) return null;
  }
  return null;
}

// The value that a cell is sorted by: NaN where there is none, which comes last either way.
function numberIn(cell) {
  const text = (cell?.firstChild?.textContent ?? "").trim();
  if (text.startsWith("1/")) return 1 / numberIn({ firstChild: { textContent: text.slice(2) } });
  const found = NUMBER.exec(text);
  if (!found) return NaN;
  return Number(found[1].replaceAll("\u202f", "")) * (SCALES[found[2]] ?? 1);
}

function textIn(cell) {
  return (cell?.textContent ?? "").trim();
}

function compare(column, numeric, sign) {
  return (one, other) => {
    const [left, right] = [cellAt(one, column), cellAt(other, column)];
    if (!numeric) {
      return sign * textIn(left).localeCompare(textIn(right), undefined, { numeric: true });
    }
    const [first, second] = [numberIn(left), numberIn(right)];
    if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) - Number.isNaN(second);
    return sign * (first - second);
  };
}

// Rows stay below the heading of their group: only what promises the same is to be compared.
function sort(heading, column) {
  const table = heading.closest("table");
  const order = ORDERS[(ORDERS.indexOf(heading.getAttribute("aria-sort") ?? "none") + 1) % 3];
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  if (order !== "none") heading.setAttribute("aria-sort", order);
  const numeric = heading.classList.contains("n");
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
    rows.forEach((row, place) => { row.dataset.place ??= place; });
    rows.sort(order === "none"
      ? (one, other) => one.dataset.place - other.dataset.place
      : compare(column, numeric, order === "ascending" ? 1 : -1));
    body.append(...rows);
  }
}

function makeSortable(table) {
  let column = 0;
  for (const heading of table.tHead.rows[0].cells) {
    const own = column;
    column += heading.colSpan;
    // A link cannot stand within a button.
    const plain = heading.textContent.trim() && !heading.querySelector("a");
    if (!plain || "unsorted" in heading.dataset) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(heading, own));
  }
}

function filter(table, text, said) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let [shown, all] = [0, 0];
  for (const body of table.tBodies) {
    let any = false;
    for (const row of body.rows) {
      if (row.classList.contains("group")) continue;
      row.words ??= row.textContent.toLowerCase();
      row.hidden = !words.every((word) => row.words.includes(word));
      any ||= !row.hidden;
      shown += !row.hidden;
      all += 1;
    }
    body.hidden = !any;
  }
  said.textContent = words.length ? `${shown} of ${all} rows` : "";
}

function makeFilter(table) {
  const line = document.createElement("p");
  const label = document.createElement("label");
  const input = document.createElement("input");
  const said = document.createElement("span");
  line.className = "filter";
  input.type = "search";
  said.setAttribute("role", "status");
  label.append("Filter ", input);
  line.append(label, " ", said);
  table.closest(".scroll").before(line);
  input.addEventListener("input", () => filter(table, input.value, said));
  table.resetFilter = () => { input.value = ""; filter(table, "", said); };
}

for (const table of document.querySelectorAll(".scroll > table:not(.matrix)")) {
  const rows = [...table.tBodies].reduce((sum, body) => sum + body.rows.length, 0);
  if (rows > 2) makeSortable(table);
  if (rows >= FILTER_FROM) makeFilter(table);
}

// A link leads to its row even where a filter had hidden it.
addEventListener("hashchange", () => {
  const row = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!(row instanceof HTMLTableRowElement) || !row.hidden) return;
  row.closest("table").resetFilter?.();
  row.scrollIntoView();
});
