// Lets the bar of a job's page move: asks every second how far it is, and loads the page again once that changes kind.
"use strict";

document.querySelectorAll("[data-job]").forEach((job) => {
  const bar = job.querySelector("progress");
  const figures = job.querySelector(".job-figures");
  const again = job.querySelector(".job-again");
  const shortest = 1000;
  const longest = 15000;
  let wait = shortest;
  if (again) again.hidden = true;

  async function ask() {
    if (document.hidden) return later();
    try {
      const response = await fetch(job.dataset.job, { headers: { Accept: "application/json" } });
      if (!response.ok || response.redirected) throw new Error(response.statusText);
      const now = await response.json();
      if (now.state !== job.dataset.state) return location.reload();
      if (now.total) {
        bar.max = now.total;
        bar.value = now.done;
      }
      figures.textContent = now.figures;
      wait = shortest;
    } catch {
      // The server may be restarting, or somebody has signed out: the link works in any case.
      wait = Math.min(wait * 2, longest);
      if (again) again.hidden = false;
    }
    later();
  }

  function later() {
    setTimeout(ask, wait);
  }

  later();
});
