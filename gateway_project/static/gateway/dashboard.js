/* Keeps the dashboard up to date: every 15 s, while it is looked at, the changed parts are put in place. */
"use strict";

(() => {
  const EVERY = 15000;
  const root = document.getElementById("dash");
  const charts = {};
  let last = Date.now();
  let asking = null;

  const data = () => {
    const element = document.getElementById("dash-data");
    return element ? JSON.parse(element.textContent) : null;
  };

  const tint = (name) => getComputedStyle(root).getPropertyValue(`--dash-${name}`).trim();

  function datasets(chart) {
    return chart.series.map((one) => ({
      label: one.title,
      data: one.values,
      backgroundColor: tint(one.tint),
      borderColor: tint(one.tint),
      borderWidth: chart.kind === "line" ? 2 : 0,
      pointRadius: one.values.filter((value) => value !== null).length < 3 ? 3 : 0,
      pointHitRadius: 8,
      spanGaps: true,
      barPercentage: one.values.length > 60 ? 1 : 0.9,
      categoryPercentage: one.values.length > 60 ? 1 : 0.8,
      tension: 0.2,
    }));
  }

  function options(chart) {
    const dark = document.documentElement.classList.contains("dark");
    const text = dark ? "#d1d5db" : "#4b5563";
    const grid = dark ? "#374151" : "#e5e7eb";
    const unit = chart.unit ? ` ${chart.unit}` : "";
    return {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { stacked: chart.stacked, grid: { display: false }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 40 } },
        y: {
          stacked: chart.stacked, beginAtZero: true, grid: { color: grid }, border: { display: false },
          ticks: { color: text, maxTicksLimit: 6, callback: (value) => value.toLocaleString() + unit },
        },
      },
      plugins: {
        legend: { display: chart.series.length > 0, labels: { color: text, boxWidth: 10, boxHeight: 10 }, position: "bottom" },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.formattedValue}${unit}` } },
      },
    };
  }

  function draw() {
    const told = data();
    if (!told || !window.Chart) return;
    for (const chart of told.charts) {
      const canvas = document.getElementById(`chart-${chart.id}`);
      if (!canvas) continue;
      const settings = { labels: told.labels, datasets: datasets(chart) };
      let drawn = charts[chart.id];
      if (drawn && drawn.canvas !== canvas) {
        drawn.destroy();
        drawn = null;
      }
      if (drawn) {
        drawn.data = settings;
        drawn.options = options(chart);
        drawn.update("none");
      } else {
        charts[chart.id] = new window.Chart(canvas, { type: chart.kind, data: settings, options: options(chart) });
      }
    }
    table(told);
  }

  function row(cells, name) {
    const line = document.createElement("tr");
    cells.forEach((text, index) => {
      const cell = document.createElement(name === "th" || index === 0 ? "th" : "td");
      cell.scope = name === "th" ? "col" : "row";
      if (index > 0) cell.className = "gw-number";
      cell.textContent = text;
      line.append(cell);
    });
    return line;
  }

  function table(told) {
    const details = document.getElementById("dash-table");
    if (!details || !details.open) return;
    const series = told.charts.flatMap((chart) => chart.series.map((one) => ({ ...one, unit: chart.unit })));
    const whole = document.createElement("table");
    whole.className = "gw-table";
    const head = whole.createTHead();
    const heads = series.map((one) => (one.unit ? `${one.title} (${one.unit})` : one.title));
    head.append(row([told.time, ...heads], "th"));
    const body = whole.createTBody();
    told.labels.forEach((label, index) => {
      body.append(row([label, ...series.map((one) => (one.values[index] === null ? "–" : one.values[index].toLocaleString()))], "td"));
    });
    details.querySelector("div").replaceChildren(whole);
  }

  function parts(scope) {
    return [...scope.querySelectorAll("[data-live]")];
  }

  /* Part by part, so that charts, an open table and the keyboard's place stay; all at once where the page is another. */
  function put(text) {
    const fresh = new DOMParser().parseFromString(`<div>${text}</div>`, "text/html").body.firstChild;
    const names = (found) => found.map((part) => part.id).join(" ");
    if (names(parts(root)) !== names(parts(fresh))) {
      root.replaceChildren(...fresh.childNodes);
      draw();
      return;
    }
    const focused = document.activeElement;
    const address = focused && focused.getAttribute ? focused.getAttribute("href") : null;
    const index = [...root.querySelectorAll("a, [tabindex]")].indexOf(focused);
    for (const part of parts(root)) {
      const other = fresh.querySelector(`#${part.id}`);
      if (part.innerHTML !== other.innerHTML) part.innerHTML = other.innerHTML;
    }
    if (index >= 0 && !document.contains(focused)) {
      const places = [...root.querySelectorAll("a, [tabindex]")];
      const same = places.find((place) => address !== null && place.getAttribute("href") === address) || places[index];
      if (same) same.focus({ preventScroll: true });
    }
    draw();
  }

  function stale(yes) {
    let note = root.querySelector(".dash-stale");
    if (yes && !note) {
      note = document.createElement("p");
      note.className = "gw-card dash-stale";
      note.setAttribute("role", "status");
      note.textContent = root.dataset.stale;
      root.append(note);
    } else if (!yes && note) {
      note.remove();
    }
  }

  async function refresh(address) {
    last = Date.now();
    if (asking) asking.abort();
    const mine = new AbortController();
    asking = mine;
    const place = new URL(address || window.location.href, window.location.href);
    place.searchParams.set("fragment", "1");
    try {
      const answer = await fetch(place, { credentials: "same-origin", signal: mine.signal });
      if (answer.redirected || answer.status === 403) {
        window.location.reload(); // signed out meanwhile
        return;
      }
      if (!answer.ok) throw new Error(answer.status);
      const text = await answer.text();
      stale(false);
      put(text);
    } catch (error) {
      if (error.name !== "AbortError") stale(true);
    } finally {
      if (asking === mine) asking = null;
    }
  }

  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-stay]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    window.history.pushState({}, "", link.href);
    refresh();
  });
  root.addEventListener("toggle", (event) => event.target.id === "dash-table" && table(data()), true);
  window.addEventListener("popstate", () => refresh());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - last >= EVERY) refresh();
  });
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  window.setInterval(() => {
    if (!document.hidden && Date.now() - last >= EVERY - 500) refresh();
  }, EVERY);
  draw();
})();
