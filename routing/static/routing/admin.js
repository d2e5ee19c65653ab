// The count under a box of keywords; names to choose from; copying what a field shows; dates from now.
"use strict";

const WEIGHTED = /^.*\S( {2,}|\s*\t\s*)-?\d+([.,]\d+)?$/;

function countKeywords(box, shown) {
  const lines = box.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const weighted = lines.filter((line) => WEIGHTED.test(line)).length;
  const { one, many, weighted: both } = box.dataset;
  const counted = (lines.length === 1 ? one : many).replace("%(n)d", lines.length);
  shown.textContent = weighted ? both.replace("%(counted)s", counted).replace("%(w)d", weighted) : counted;
}

function watchKeywords(box) {
  const shown = document.createElement("output");
  shown.className = "rt-count";
  box.after(shown);
  box.addEventListener("input", () => countKeywords(box, shown));
  countKeywords(box, shown);
}

function watchCopy(button) {
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    const text = field.value ?? field.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const range = document.createRange();
      range.selectNodeContents(field);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    button.textContent = button.dataset.done;
  });
}

function pad(number) {
  return String(number).padStart(2, "0");
}

function watchPreset(button) {
  button.addEventListener("click", () => {
    const [date, time] = button.closest("[data-presets]").dataset.presets.split(" ").map((id) => document.getElementById(id));
    const days = Number(button.dataset.days);
    const then = new Date(Date.now() + days * 86400000);
    date.value = days ? `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}` : "";
    time.value = days ? `${pad(then.getHours())}:${pad(then.getMinutes())}:00` : "";
    date.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

function suggestNames(box) {
  const list = document.createElement("datalist");
  list.id = `${box.id}-names`;
  for (const name of JSON.parse(box.dataset.names)) list.append(new Option(name, name));
  const input = document.createElement("input");
  input.className = "gw-input rt-suggest";
  input.setAttribute("list", list.id);
  input.placeholder = box.dataset.add;
  input.setAttribute("aria-label", box.dataset.add);
  const add = () => {
    const lines = box.value.split("\n").map((line) => line.trim()).filter(Boolean);
    const name = input.value.trim();
    if (name && !lines.includes(name)) lines.push(name);
    box.value = lines.join("\n");
    input.value = "";
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  input.addEventListener("change", add);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      add();
    }
  });
  box.after(input, list);
}

// What the chosen provider is known to offer, while an upstream model is typed.
function suggestModels(input) {
  const offers = JSON.parse(input.dataset.offers);
  const provider = document.getElementById("id_provider");
  const list = document.createElement("datalist");
  list.id = `${input.id}-offers`;
  const fill = () => list.replaceChildren(...(offers[provider?.value] ?? []).map((name) => new Option(name, name)));
  provider?.addEventListener("change", fill);
  input.setAttribute("list", list.id);
  input.after(list);
  fill();
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("input[data-offers]").forEach(suggestModels);
  document.querySelectorAll("textarea[data-names]").forEach(suggestNames);
  document.querySelectorAll("button[data-asks]").forEach((button) => {
    button.addEventListener("click", (event) => confirm(button.dataset.asks) || event.preventDefault());
  });
  document.querySelectorAll("textarea.rt-keywords").forEach(watchKeywords);
  document.querySelectorAll("button[data-copies]").forEach(watchCopy);
  document.querySelectorAll("button[data-days]").forEach(watchPreset);
});
