/**
 * Drawings in the browser's own database (IndexedDB), each with its history.
 * @typedef {{ id: string, changed: number, history: object }} DrawingRecord
 */

const STORE = "drawings";
const CURRENT = "sketchrnn-drawing"; // in sessionStorage: which drawing this tab shows
const UNSAVED = "sketchrnn-unsaved"; // in sessionStorage: its state, if the database may not have it yet
const MOST_DRAWINGS = 100;

export class Storage {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** Opens the database; rejects where the browser has none, as in some private windows. */
  static async open() {
    const request = indexedDB.open(`sketchrnn ${location.protocol === "file:" ? location.pathname : ""}`.trim(), 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" }).createIndex("changed", "changed");
    return new Storage(await done(request));
  }

  #store(mode) {
    return this.database.transaction(STORE, mode, { durability: "relaxed" }).objectStore(STORE);
  }

  /** @param {DrawingRecord} record */
  save(record) {
    return done(this.#store("readwrite").put(record));
  }

  /** @returns {Promise<DrawingRecord | undefined>} */
  get(id) {
    return done(this.#store("readonly").get(id));
  }

  /** Returns all drawings, the newest first; the oldest of too many are deleted. @returns {Promise<DrawingRecord[]>} */
  async all() {
    const records = await done(this.#store("readonly").index("changed").getAll());
    records.reverse();
    for (const { id } of records.splice(MOST_DRAWINGS)) await this.delete(id);
    return records;
  }

  delete(id) {
    return done(this.#store("readwrite").delete(id));
  }

  deleteAll() {
    return done(this.#store("readwrite").clear());
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const held = new Map(); // by drawing: what ends this tab's claim

/** Claims a drawing for this tab; returns false if another tab shows it. */
export function claim(id) {
  if (!navigator.locks || held.has(id)) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks.request(`sketchrnn ${id}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock && new Promise((release) => held.set(id, release));
    });
  });
}

/** Gives a drawing back, so that another tab can show it. */
export function release(id) {
  held.get(id)?.();
  held.delete(id);
}

/** The drawing that this tab showed before a reload or a crash. */
export function currentId() {
  return remembered(() => sessionStorage.getItem(CURRENT));
}

export function setCurrentId(id) {
  remembered(() => sessionStorage.setItem(CURRENT, id));
}

/** Holds the state of a drawing while the page goes away, which may be before the database has it. */
export function holdUnsaved(unsaved) {
  remembered(() => sessionStorage.setItem(UNSAVED, JSON.stringify(unsaved)));
}

/** Returns what `holdUnsaved` held, if it is of a drawing and newer than its record. */
export function takeUnsaved({ id, changed }) {
  const unsaved = remembered(() => JSON.parse(sessionStorage.getItem(UNSAVED)));
  remembered(() => sessionStorage.removeItem(UNSAVED));
  return unsaved?.id === id && unsaved.changed > changed ? unsaved.present : null;
}

/** Returns a setting that outlives the visit. */
export function setting(name, fallback = null) {
  return remembered(() => localStorage.getItem(`sketchrnn-${name}`)) ?? fallback;
}

export function setSetting(name, value) {
  remembered(() => localStorage.setItem(`sketchrnn-${name}`, value));
}

/** Some browsers forbid storage altogether: the page then forgets, and works. */
function remembered(work) {
  try {
    return work();
  } catch {
    return null;
  }
}
