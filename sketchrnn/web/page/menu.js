/** Buttons that open a menu, by the ARIA pattern "menu button". */

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/** @param {HTMLElement} button @param {HTMLElement} menu whose items are buttons; a click on one closes the menu */
export function makeMenu(button, menu) {
  const items = [...menu.querySelectorAll("button")];
  const open = (wanted) => {
    menu.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    if (wanted) items[0].focus();
  };
  button.addEventListener("click", () => open(menu.hidden));
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !button.contains(event.target)) open(false);
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget) && event.relatedTarget !== button) open(false);
  });
  menu.addEventListener("keydown", (event) => {
    const index = items.indexOf(document.activeElement);
    const targets = { ...mapped(STEPS, (step) => items.at((index + step) % items.length)), Home: items[0], End: items.at(-1) };
    if (event.key === "Escape") {
      event.stopPropagation();
      open(false);
      button.focus();
    } else if (event.key === "Tab") open(false);
    else if (targets[event.key]) {
      event.preventDefault();
      targets[event.key].focus();
    }
  });
  for (const item of items)
    item.addEventListener("click", () => {
      open(false);
      button.focus();
    });
}

function mapped(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
