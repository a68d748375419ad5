// Copies what a button is for: a text of its own, the code that its row links to, or what follows it.
function codeOf(button) {
  if (!("source" in button.dataset)) return button.nextElementSibling;
  const link = button.closest("tr").querySelector("th a");
  return document.getElementById(decodeURIComponent(link.hash.slice(1))).querySelector("pre");
}

async function copy(button) {
  const { text } = button.dataset;
  const label = button.dataset.label ??= button.textContent;
  const copied = text ?? codeOf(button).textContent;
  try {
    await navigator.clipboard.writeText(copied);
  } catch {
    // Pages that are opened as files may not use the clipboard in some browsers.
    const place = document.body.appendChild(document.createElement("textarea"));
    place.value = copied;
    place.select();
    document.execCommand("copy");
    place.remove();
    button.focus();
  }
  button.textContent = "copied";
  document.getElementById("page-said").textContent = `Copied ${text ? "the command" : "the code"}`;
  setTimeout(() => { button.textContent = label; }, 1500);
}

for (const button of document.querySelectorAll("[data-text]")) button.title = button.dataset.text;

document.addEventListener("click", (event) => {
  const button = event.target.closest("button.copy, button[data-text], button[data-source]");
  if (button) copy(button);
});
