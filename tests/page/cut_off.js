// Returns what is wrong with each element that is cut off by the window or by another element, after it was scrolled to.

(wanted) => {
  const faults = [];
  for (const control of document.querySelectorAll(wanted)) {
    if (!control.checkVisibility({ visibilityProperty: true }) || control.closest(".hidden-text, [aria-hidden=true]")) continue;
    control.scrollIntoView({ block: "center", inline: "center" });
    const box = control.getBoundingClientRect();
    if (box.width <= 1) continue;
    const name = control.id || control.textContent.trim() || control.outerHTML.slice(0, 60);
    const inside = box.left >= -0.5 && box.right <= innerWidth + 0.5 && box.top >= -0.5 && box.bottom <= innerHeight + 0.5;
    if (!inside && control.id !== "canvas") faults.push(`${name} leaves the window`);
    if (!control.matches("button, input")) continue;
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!control.contains(hit)) faults.push(`${name} is covered by ${hit?.id || hit?.className || hit?.tagName}`);
    if (control.matches("input:not([type=range]), textarea") && parseFloat(getComputedStyle(control).fontSize) < 16) faults.push(`${name} is too small`);
    if (control.scrollWidth > control.clientWidth + 1 && !control.matches("input, .ending")) faults.push(`${name} is cut off`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
  return faults;
}
