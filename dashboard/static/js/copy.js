// Copy buttons. The button is hidden until this runs: without JavaScript the text is selected by hand.
const reveal = (root) => {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
};

const copied = async (button) => {
  const source = document.getElementById(button.dataset.copy);
  const said = button.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
  } catch {
    // No permission, or not a secure context: select it, the keyboard does the rest.
    getSelection().selectAllChildren(source);
    button.textContent = "Press Ctrl C";
  }
  setTimeout(() => { button.textContent = said; }, 1600);
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (button) copied(button);
});
document.addEventListener("htmx:after:swap", () => reveal(document));
reveal(document);
