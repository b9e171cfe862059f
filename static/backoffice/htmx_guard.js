// htmx obeys our templates alone. Their elements bear the id of the request that made them; no text that somebody typed
// can know it, so attributes that were smuggled into a page ask for nothing.
"use strict";

(() => {
  const known = new Set();
  const learn = (pass) => { if (pass) known.add(pass); };

  learn(document.body.dataset.pass);
  document.addEventListener("htmx:configRequest", (event) => {
    if (!known.has(event.detail.elt.dataset.pass)) event.preventDefault();
  });
  // What an element of ours was answered is ours as well.
  document.addEventListener("htmx:beforeSwap", (event) => learn(event.detail.xhr.getResponseHeader("X-Request-Id")));
})();
