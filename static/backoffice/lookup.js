// Suggests rows while somebody types into a field that names one; without it, the whole number is typed.
"use strict";

document.querySelectorAll("input[data-lookup]").forEach((input) => {
  const list = document.createElement("datalist");
  list.id = `${input.id}_options`;
  input.after(list);
  input.setAttribute("list", list.id);
  input.autocomplete = "off";
  let timer = 0;
  let asked = "";

  async function suggest() {
    const typed = input.value.trim();
    if (typed.length < 2 || typed === asked) return;
    asked = typed;
    const response = await fetch(`${input.dataset.lookup}?q=${encodeURIComponent(typed)}`);
    if (!response.ok || typed !== asked) return;
    const { rows } = await response.json();
    list.replaceChildren(...rows.map(({ value, label }) => new Option(label, value)));
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, 200);
  });
});
