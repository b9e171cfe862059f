// Choosing rows of a list: all of the page, a range with Shift, all pages; and how many are chosen.
"use strict";

(() => {
  const form = document.getElementById("changelist-form");
  const all = document.getElementById("action-toggle");
  const bar = form && form.querySelector(".bar.bulk");
  if (!form || !all || !bar) return;

  const boxes = Array.from(form.querySelectorAll("td > input[name=_selected_action]"));
  const count = bar.querySelector(".count");
  const across = bar.querySelector("input.select-across");
  const chooseAll = bar.querySelector(".select-all");
  const words = bar.querySelector(".bar-count").dataset;
  const nothing = count.textContent;
  let last = null;

  function show() {
    const chosen = boxes.filter((box) => box.checked).length;
    const everyRow = across && across.value === "1";
    boxes.forEach((box) => box.closest("tr").classList.toggle("selected", box.checked));
    all.checked = chosen === boxes.length && chosen > 0;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    if (chooseAll) chooseAll.hidden = !all.checked || everyRow;
    count.textContent = everyRow
      ? words.every.replace("{count}", words.all)
      : chosen ? words.some.replace("{count}", chosen) : nothing;
    bar.classList.toggle("idle", chosen === 0);
  }

  function pick(changed, checked) {
    changed.forEach((box) => { box.checked = checked; });
    if (across) across.value = "0";
    show();
  }

  all.addEventListener("change", () => pick(boxes, all.checked));
  boxes.forEach((box, index) => {
    box.addEventListener("click", (event) => {
      const from = event.shiftKey && last !== null ? last : index;
      pick(boxes.slice(Math.min(from, index), Math.max(from, index) + 1), box.checked);
      last = index;
    });
  });
  if (chooseAll) {
    chooseAll.addEventListener("click", () => {
      across.value = "1";
      show();
    });
  }
  // Coming back to the page restores the boxes but not what depends on them.
  window.addEventListener("pageshow", show);
  show();
})();
