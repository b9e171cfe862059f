// The search in the top bar: answers while somebody types, chosen with the arrow keys. Without it the form still works.
"use strict";

(() => {
  const form = document.getElementById("find");
  const box = document.getElementById("find-box");
  const popup = document.getElementById("found");
  const status = document.getElementById("found-status");
  if (!form || !box || !popup) return;

  let timer = 0;
  let asking = null;
  let active = -1;

  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-expanded", "false");

  const options = () => Array.from(popup.querySelectorAll('[role="option"]'));

  function mark(index) {
    active = index;
    box.removeAttribute("aria-activedescendant");
    options().forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === index));
      if (at === index) {
        box.setAttribute("aria-activedescendant", option.id);
        option.scrollIntoView({ block: "nearest" });
      }
    });
  }

  function close() {
    clearTimeout(timer);
    if (asking) asking.abort();
    popup.hidden = true;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-controls");
    mark(-1);
  }

  function show(html) {
    popup.innerHTML = html;
    const rows = options();
    rows.forEach((option, at) => { option.id = `found-${at}`; });
    popup.hidden = false;
    box.setAttribute("aria-expanded", String(rows.length > 0));
    if (rows.length) box.setAttribute("aria-controls", "found-list");
    else box.removeAttribute("aria-controls");
    mark(-1);
    status.textContent = rows.length ? popup.dataset.some.replace("{count}", rows.length) : popup.dataset.none;
  }

  async function ask() {
    const typed = box.value.trim();
    if (asking) asking.abort();
    if (typed.length < 2) {
      close();
      return;
    }
    asking = new AbortController();
    const address = new URL(form.action);
    address.searchParams.set("q", typed);
    address.searchParams.set("part", "options");
    try {
      const response = await fetch(address, { signal: asking.signal, headers: { "X-Requested-With": "fetch" } });
      // Somebody who was signed out meanwhile is led to the sign-in page: that is no answer.
      if (!response.ok || response.redirected) return;
      const html = await response.text();
      if (document.activeElement === box && box.value.trim() === typed) show(html);
    } catch (problem) {
      if (problem.name !== "AbortError") close();
    }
  }

  function go(option, apart) {
    if (apart) window.open(option.dataset.url, "_blank", "noopener");
    else window.location.assign(option.dataset.url);
  }

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });

  box.addEventListener("keydown", (event) => {
    const rows = options();
    const open = !popup.hidden && rows.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) {
        ask();
        return;
      }
      const step = event.key === "ArrowDown" ? 1 : -1;
      // Past either end stands the box itself, where nothing is chosen.
      const places = rows.length + 1;
      mark(((active + 1 + step + places) % places) - 1);
    } else if (event.key === "Enter" && open && active >= 0) {
      event.preventDefault();
      go(rows[active], event.ctrlKey || event.metaKey);
    } else if (event.key === "Escape") {
      if (!popup.hidden) {
        event.preventDefault();
        close();
      } else if (!box.value) {
        box.blur();
      }
    }
  });

  // Pressing a button of the mouse would take the focus out of the box, and the answers with it.
  popup.addEventListener("mousedown", (event) => event.preventDefault());
  popup.addEventListener("click", (event) => {
    const option = event.target.closest('[role="option"]');
    if (option) go(option, event.ctrlKey || event.metaKey);
  });
  box.addEventListener("blur", close);
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!box.value.trim()) event.preventDefault();
  });

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey) return;
    const writes = event.target.closest('input, textarea, select, [contenteditable="true"]');
    const slash = event.key === "/" && !event.ctrlKey && !event.metaKey && !writes;
    const k = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!slash && !k) return;
    event.preventDefault();
    box.focus();
    box.select();
  });
})();
