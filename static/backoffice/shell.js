// What the frame of every page remembers and answers to: the width of the navigation, its open groups, keys.
"use strict";

(() => {
  const nav = document.getElementById("nav");
  const keys = document.getElementById("keys");
  const width = document.getElementById("nav-width");

  if (width) {
    width.hidden = false;
    width.addEventListener("click", () => {
      const narrow = document.documentElement.dataset.nav !== "narrow";
      if (narrow) document.documentElement.dataset.nav = "narrow";
      else delete document.documentElement.dataset.nav;
      width.setAttribute("aria-pressed", String(narrow));
      // A cookie, so that the server draws the next page as this one.
      document.cookie = `nav=${narrow ? "narrow" : "wide"}; path=/; max-age=31536000; samesite=lax`;
    });
  }

  const groups = nav ? Array.from(nav.querySelectorAll("details[data-group]")) : [];
  const KEPT = "nav-groups";
  const read = () => {
    try {
      return new Set(JSON.parse(localStorage.getItem(KEPT) || "[]"));
    } catch {
      return new Set();
    }
  };
  const kept = read();
  groups.forEach((group) => {
    if (kept.has(group.dataset.group)) group.open = true;
    group.querySelector("summary").addEventListener("click", () => {
      // The click comes before the change.
      const now = read();
      if (group.open) now.delete(group.dataset.group);
      else now.add(group.dataset.group);
      try {
        localStorage.setItem(KEPT, JSON.stringify([...now]));
      } catch { /* A browser that keeps nothing opens the current group only. */ }
    });
  });

  let led = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, textarea, select, [contenteditable="true"]')) return;
    if (event.key === "?" && keys && keys.togglePopover) {
      event.preventDefault();
      keys.togglePopover();
      return;
    }
    const now = Date.now();
    if (event.key === "g") {
      led = now;
      return;
    }
    // In a list, from row to row; Enter follows the row's link. (The inbox has keys of its own.)
    const rows = event.key === "j" || event.key === "k"
      ? Array.from(document.querySelectorAll("#result_list tbody tr")).map((row) => row.querySelector("a[href]")).filter(Boolean)
      : [];
    if (rows.length) {
      event.preventDefault();
      const here = rows.findIndex((link) => link.closest("tr").contains(document.activeElement));
      const next = here < 0 ? 0 : Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), rows.length - 1);
      rows[next].focus();
      return;
    }
    if (now - led < 1500 && nav) {
      const link = nav.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
      if (link) {
        event.preventDefault();
        window.location.assign(link.href);
      }
    }
    led = 0;
  });

  // A form that somebody asked for is ready to be typed into: what is wrong first, else its beginning.
  const form = document.querySelector("body.confirm main form");
  if (form && document.activeElement === document.body) {
    const fields = Array.from(form.querySelectorAll("input, select, textarea")).filter(
      (field) => field.type !== "hidden" && !field.disabled && field.offsetParent !== null);
    const first = fields.find((field) => field.getAttribute("aria-invalid") === "true") || fields[0];
    if (first) first.focus();
  }

  // A message can be put away once it was read; it stays readable without script.
  document.querySelectorAll(".message").forEach((message) => {
    const close = message.querySelector(".message-close");
    if (!close) return;
    close.hidden = false;
    close.addEventListener("click", () => message.remove());
  });
})();
