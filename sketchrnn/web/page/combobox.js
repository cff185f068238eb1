/** A text field with a list that typing narrows down: the ARIA pattern "combobox" with a list of options. */

import { texts } from "./texts.js";

const PAGE = 8; // options that Page Up and Page Down move by

export class Combobox {
  names = [];
  /** @type {{ name: string | null, synonym?: string }[]} */
  matches = [];
  active = -1;
  value = "";

  /** @param {(name: string | null) => void} onChoice null: none of the names */
  constructor(input, list, onChoice) {
    Object.assign(this, { input, list, onChoice });
    input.addEventListener("input", () => this.#open());
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.#open(""));
    input.addEventListener("blur", () => this.#leave());
    input.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the field
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(this.matches[Number(option.dataset.index)].name);
    });
  }

  setNames(names) {
    this.names = names.toSorted((one, other) => one.localeCompare(other));
  }

  setValue(value) {
    this.value = this.input.value = value;
  }

  get isOpen() {
    return !this.list.hidden;
  }

  /** Returns the names that a text begins, then those that it is in, then those that another word for it is found for. */
  #matching(typed) {
    const folded = this.names.map((name) => [name, name.toLowerCase()]);
    const begins = folded.filter(([, name]) => name.startsWith(typed));
    const holds = folded.filter(([, name]) => !name.startsWith(typed) && name.includes(typed));
    const matches = [...begins, ...holds].map(([name]) => ({ name }));
    if (!typed) return [{ name: null }, ...matches];
    const words = Object.entries(texts.synonyms).filter(([word]) => word.toLowerCase().startsWith(typed));
    for (const [synonym, name] of words)
      if (this.names.includes(name) && !matches.some((match) => match.name === name)) {
        const exact = synonym.toLowerCase() === typed;
        if (exact) matches.unshift({ name, synonym });
        else matches.push({ name, synonym });
      }
    return matches;
  }

  #open(typed = this.input.value.trim().toLowerCase()) {
    this.matches = this.#matching(typed);
    const options = this.matches.map(({ name, synonym }, index) => {
      const option = document.createElement("li");
      option.id = `category-${index}`;
      option.setAttribute("role", "option");
      option.dataset.index = index;
      option.textContent = name ?? texts.anything;
      if (synonym) option.append(Object.assign(document.createElement("span"), { textContent: ` ${synonym}` }));
      option.classList.toggle("any", name === null);
      return option;
    });
    if (!options.length) {
      const nothing = document.createElement("li");
      Object.assign(nothing, { className: "empty", textContent: texts.notLearned });
      nothing.setAttribute("role", "option");
      nothing.setAttribute("aria-disabled", "true");
      options.push(nothing);
    }
    this.list.replaceChildren(...options);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.list.scrollTop = 0;
    const chosen = this.matches.findIndex(({ name }) => name === (this.value || null));
    this.#activate(typed && this.matches.length ? 0 : chosen);
  }

  #close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.value;
  }

  /** Called when the field loses the focus. An empty field resets the category; text that was not chosen is removed. */
  #leave() {
    const emptied = this.value && !this.input.value.trim();
    if (emptied) this.#choose(null);
    else this.#close();
  }

  #activate(index) {
    this.active = index;
    [...this.list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === index)));
    const option = this.list.children[index];
    if (!option || !this.matches.length) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", option.id);
    return option.scrollIntoView({ block: "nearest" });
  }

  #choose(name) {
    this.setValue(name ?? "");
    this.#close();
    this.onChoice(name);
  }

  #key(event) {
    const last = this.matches.length - 1;
    const jumps = {
      ArrowDown: this.active === last ? 0 : this.active + 1,
      ArrowUp: this.active <= 0 ? last : this.active - 1,
      PageDown: Math.min(last, this.active + PAGE),
      PageUp: Math.max(0, this.active - PAGE),
      Home: 0,
      End: last,
    };
    if (event.key in jumps && (this.isOpen || /^Arrow/.test(event.key))) {
      event.preventDefault();
      if (!this.isOpen) this.#open("");
      else if (last >= 0) this.#activate(jumps[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!this.input.value.trim()) this.#choose(this.isOpen && this.active > 0 ? this.matches[this.active].name : null);
      else if (this.isOpen && this.active >= 0 && this.matches.length) this.#choose(this.matches[this.active].name);
    } else if (event.key === "Escape") {
      event.preventDefault();
      if (this.isOpen) this.#close();
      else if (this.value) this.#choose(null);
    }
  }
}
