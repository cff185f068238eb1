/** Sharing a drawing: a link that holds it, or its text where a link would lead nowhere. */

import { setSetting, setting } from "./storage.js";
import { texts } from "./texts.js";

const element = (id) => document.getElementById(id);

/** Copies a link to a drawing. @param {string} text what `encodedDrawing` returns @param {(text: string) => void} say */
export async function share(text, say) {
  if (location.protocol === "file:") return showDialog(texts.shareText, text, { isFile: true, say });
  const link = `${location.href.split("#")[0]}#${text}`;
  try {
    await navigator.clipboard.writeText(link);
    say(texts.linkCopied);
  } catch {
    showDialog(texts.shareFallback, link, { isFile: false, say });
  }
}

function showDialog(explanation, text, { isFile, say }) {
  const [shown, address] = [element("share-drawing"), element("share-address")];
  element("share-text").textContent = explanation;
  element("share-base").hidden = !isFile;
  address.value = setting("address", "");
  const update = () => {
    const valid = address.value && address.checkValidity();
    shown.value = isFile && valid ? `${address.value.split("#")[0]}#${text}` : text;
    if (isFile) setSetting("address", valid ? address.value : "");
  };
  address.oninput = update;
  update();
  element("share-copy").onclick = async () => {
    shown.select();
    try {
      await navigator.clipboard.writeText(shown.value);
    } catch {
      document.execCommand("copy"); // where a page may write only what is selected
    }
    say(texts.copied);
    element("share-dialog").close();
  };
  element("share-dialog").showModal();
  shown.select();
}
