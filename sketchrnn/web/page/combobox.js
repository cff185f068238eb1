const MOST_SHOWN = 400;

/** A text field with a list that typing narrows down, by the ARIA pattern of that name. */
export class Combobox {
  names = [];
  matches = [];
  active = -1;
  value = "";

  /** `onChoice` is called with a name, or with null for none. */
  constructor(input, list, onChoice) {
    Object.assign(this, { input, list, onChoice });
    input.addEventListener("input", () => this.#open());
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.#open(""));
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the field
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(this.matches[Number(option.dataset.index)]);
    });
  }

  setNames(names) {
    this.names = [...names].sort((one, other) => one.localeCompare(other));
  }

  setValue(value) {
    this.value = this.input.value = value;
  }

  #open(typed = this.input.value.trim().toLowerCase()) {
    const begins = this.names.filter((name) => name.toLowerCase().startsWith(typed));
    const holds = this.names.filter((name) => !begins.includes(name) && name.toLowerCase().includes(typed));
    this.matches = [...begins, ...holds].slice(0, MOST_SHOWN);
    if (!typed) this.matches.unshift(null);
    const options = this.matches.map((name, index) => {
      const option = document.createElement("li");
      option.id = `category-${index}`;
      option.setAttribute("role", "option");
      option.dataset.index = index;
      option.textContent = name ?? "whatever it looks like";
      option.classList.toggle("any", name === null);
      return option;
    });
    if (!options.length) {
      const nothing = document.createElement("li");
      nothing.className = "empty";
      nothing.textContent = "it has not learned to draw that";
      options.push(nothing);
    }
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.list.scrollTop = 0;
    this.#activate(typed && this.matches.length ? 0 : this.matches.indexOf(this.value || null));
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.value;
  }

  #activate(index) {
    this.active = index;
    [...this.list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === index)));
    const option = this.list.children[index];
    if (!option || index < 0) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", option.id);
    return option.scrollIntoView({ block: "nearest" });
  }

  #choose(name) {
    this.setValue(name ?? "");
    this.#close();
    this.onChoice(name);
  }

  #key(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) {
      event.preventDefault();
      if (this.list.hidden) this.#open("");
      else if (this.matches.length) this.#activate((this.active + move + this.matches.length) % this.matches.length);
    } else if (event.key === "Enter" && !this.list.hidden && this.active >= 0 && this.matches.length) {
      event.preventDefault();
      this.#choose(this.matches[this.active]);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.#close();
    }
  }
}
