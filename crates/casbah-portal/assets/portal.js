// Comforts of the portal. Every page works without this file.
const body = document.body;

// A button beside everything that is there to be copied.
for (const source of document.querySelectorAll("[data-copy]")) {
  if (source === body || !navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy second";
  button.textContent = body.dataset.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = body.dataset.copied;
    button.setAttribute("aria-live", "polite");
    setTimeout(() => { button.textContent = body.dataset.copy; }, 2000);
  });
  source.after(button);
}

// A form goes once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    for (const button of form.querySelectorAll("button")) button.setAttribute("aria-disabled", "true");
  });
}
// A page that comes back from the browser's memory has not been sent.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.removeAttribute("aria-disabled");
  }
});

// Language and colours apply at once.
for (const select of document.querySelectorAll(".preferences select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Lists by keyboard: j and k move, o opens, x marks, c goes to what closes.
const rows = [...document.querySelectorAll("[data-triage] tr[data-row]")];
let at = -1;
function select(index) {
  rows[at]?.removeAttribute("aria-selected");
  at = Math.max(0, Math.min(rows.length - 1, index));
  rows[at].setAttribute("aria-selected", "true");
  rows[at].scrollIntoView({ block: "nearest" });
  rows[at].querySelector("a")?.focus();
}
addEventListener("keydown", (event) => {
  if (rows.length === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  const box = rows[at]?.querySelector("input[type=checkbox]");
  switch (event.key) {
    case "j": select(at + 1); break;
    case "k": select(at - 1); break;
    case "o": rows[at]?.querySelector("a")?.click(); break;
    case "x": if (box) box.checked = !box.checked; break;
    case "c":
      if (box && !document.querySelector("[data-triage] input:checked")) box.checked = true;
      document.querySelector("[data-close]")?.focus();
      break;
    default: return;
  }
  event.preventDefault();
});

// A file may be dropped onto the form that takes it.
for (const form of document.querySelectorAll("form[data-drop]")) {
  const input = form.querySelector("input[type=file]");
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("drop");
  });
  form.addEventListener("dragleave", () => form.classList.remove("drop"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("drop");
    if (event.dataTransfer.files.length > 0) input.files = event.dataTransfer.files;
  });
}
