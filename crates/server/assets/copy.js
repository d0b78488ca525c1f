// Shows the copy buttons, which can do nothing without a script, and copies the text of the element each names.
// Where the browser keeps the clipboard to itself, the text is selected, ready for the keyboard.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) continue;
  button.hidden = false;
  button.addEventListener("click", () => copy(button, source));
}

async function copy(button, source) {
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    say(button, button.dataset.copied);
  } catch {
    select(source);
    say(button, button.dataset.selected);
  }
}

function select(source) {
  if (source.select) {
    source.focus();
    source.select();
    return;
  }
  getSelection().selectAllChildren(source);
}

function say(button, text) {
  const status = document.getElementById("said");
  const label = button.firstChild;
  button.dataset.label ??= label.data;
  label.data = text;
  status.textContent = text;
  clearTimeout(Number(button.dataset.timer));
  button.dataset.timer = setTimeout(() => {
    label.data = button.dataset.label;
    status.textContent = "";
  }, 2500);
}
