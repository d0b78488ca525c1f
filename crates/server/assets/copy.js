// Shows the copy buttons, which can do nothing without a script, and copies the text of the element each names.
// Where the browser keeps the clipboard to itself, the text is selected, ready for the keyboard.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const status = document.getElementById("said");
  if (!source) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let said = button.dataset.copied;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      select(source);
      said = button.dataset.selected;
    }
    button.dataset.said = said;
    if (status) status.textContent = said;
    setTimeout(() => {
      delete button.dataset.said;
      if (status) status.textContent = "";
    }, 2500);
  });
}

function select(source) {
  if (source.select) {
    source.focus();
    source.select();
    return;
  }
  getSelection().selectAllChildren(source);
}
