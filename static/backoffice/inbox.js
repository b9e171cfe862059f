// The approvals inbox by the keyboard: j and k move, Enter opens a proposal in place, a, r and x decide it.
"use strict";

(() => {
  const inbox = document.querySelector("[data-inbox]");
  if (!inbox) return;
  const heads = Array.from(inbox.querySelectorAll(".inbox-head"));
  const insideOf = (head) => document.getElementById(head.getAttribute("aria-controls"));

  function show(head, open) {
    head.setAttribute("aria-expanded", String(open));
    head.closest(".inbox-line").classList.toggle("open", open);
    insideOf(head).hidden = !open;
  }

  async function open(head) {
    heads.forEach((other) => { if (other !== head) show(other, false); });
    const inside = insideOf(head);
    if (!inside.hasChildNodes()) {
      const answer = await fetch(head.dataset.inside, { headers: { "HX-Request": "true" } });
      if (!answer.ok) {
        // The page itself says what is wrong.
        window.location.assign(head.href);
        return;
      }
      inside.innerHTML = await answer.text();
    }
    show(head, true);
    head.scrollIntoView({ block: "nearest" });
  }

  heads.forEach((head) => {
    head.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (head.getAttribute("aria-expanded") === "true") show(head, false);
      else open(head);
    });
  });

  const current = () => {
    const line = document.activeElement && document.activeElement.closest(".inbox-line");
    return line ? line.querySelector(".inbox-head") : null;
  };

  function move(step) {
    const here = heads.indexOf(current());
    const next = heads[here < 0 ? 0 : Math.min(Math.max(here + step, 0), heads.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // What is typed while a proposal is still being opened belongs to its reason.
  let early = null;

  async function decide(key) {
    const head = current() || heads[0];
    if (key !== "a") early = "";
    await open(head);
    const typed = early || "";
    early = null;
    const inside = insideOf(head);
    const button = inside.querySelector(`button[data-key="${key}"]`);
    if (!button) return;
    if (key === "a") {
      button.focus();
      return;
    }
    const reason = inside.querySelector("textarea");
    reason.dataset.sends = key;
    reason.focus();
    reason.value += typed;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented) return;
    if (early !== null && event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      early += event.key;
      return;
    }
    const reason = event.target.closest("textarea[data-sends]");
    if (reason && event.key === "Enter" && event.ctrlKey) {
      event.preventDefault();
      reason.form.requestSubmit(reason.form.querySelector(`button[data-key="${reason.dataset.sends}"]`));
      return;
    }
    if (reason && event.key === "Escape") {
      current().focus();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "j" || event.key === "k") {
      event.preventDefault();
      move(event.key === "j" ? 1 : -1);
    } else if (["a", "r", "x"].includes(event.key)) {
      event.preventDefault();
      decide(event.key);
    }
  });
})();
