"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Titles of terms and marks are shown at once, by touch and keyboard too; without this script browsers show them.
  const tip = document.getElementById("tip");
  for (const term of all(".term, .name, td small")) {
    term.dataset.tip = term.title;
    term.removeAttribute("title");
    if (term.matches(".term")) term.setAttribute("aria-label", `${term.textContent.trim()}: ${term.dataset.tip}`);
  }
  for (const title of all("svg title")) {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  }
  const place = (x, y) => {
    const { width, height } = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(x + 14, innerWidth - width - 8))}px`;
    tip.style.top = `${y + 18 + height > innerHeight ? Math.max(8, y - height - 12) : y + 18}px`;
  };
  const show = (target, x, y) => {
    const marked = target instanceof Element ? target.closest("[data-tip]") : null;
    tip.hidden = !marked;
    if (!marked) return;
    if (tip.textContent !== marked.dataset.tip) tip.textContent = marked.dataset.tip;
    place(x, y);
  };
  addEventListener("pointermove", (e) => show(e.target, e.clientX, e.clientY));
  addEventListener("pointerdown", (e) => show(e.target, e.clientX, e.clientY));
  // A word that has the keyboard's focus keeps its tip while the page scrolls to it.
  const focused = () => {
    const word = document.activeElement;
    tip.hidden = !word?.matches("[data-tip]:focus-visible");
    if (tip.hidden) return;
    const box = word.getBoundingClientRect();
    show(word, box.left, box.bottom - 10);
  };
  addEventListener("focusin", focused);
  document.addEventListener("scroll", focused, true);
  addEventListener("keydown", (e) => { if (e.key === "Escape") tip.hidden = true; });
  addEventListener("focusout", () => { tip.hidden = true; });
  document.documentElement.addEventListener("pointerleave", () => { tip.hidden = true; });

  // Sorting: largest first, then smallest first, then as in the network.
  const value = (row, column) => {
    const found = row.cells[column].dataset.v ?? row.cells[column].textContent;
    const number = Number(found);
    return found === "" ? -Infinity : Number.isNaN(number) ? found : number;
  };
  for (const table of all("table.sorts")) {
    const body = table.tBodies[0], network = [...body.rows];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      for (const term of all(".term", button)) term.removeAttribute("tabindex");
      button.dataset.tip = all("[data-tip]", button)[0]?.dataset.tip ?? "";
      if (!button.dataset.tip) delete button.dataset.tip;
      head.append(button);
      button.addEventListener("click", () => {
        const text = typeof value(network[0], column) === "string";
        const order = text ? ["ascending", "descending"] : ["descending", "ascending"];
        const next = order[order.indexOf(head.getAttribute("aria-sort")) + 1];
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const compare = (a, b) => {
          const [x, y] = [value(a, column), value(b, column)];
          if (typeof x === "string") return sign * x.localeCompare(y, "en", { numeric: true });
          return x === y ? 0 : x < y ? -sign : sign;
        };
        body.append(...(next ? [...network].sort(compare) : network));
      });
    });
  }

  // Filtering by a part of a name, and by method.
  for (const bar of all(".bar")) {
    const rows = [...document.getElementById(bar.dataset.for).tBodies[0].rows];
    const input = bar.querySelector("input"), select = bar.querySelector("select"), output = bar.querySelector("output");
    const update = () => {
      const part = input.value.trim().toLowerCase(), method = select?.value ?? "";
      const offered = rows.filter((row) => !method || row.dataset.method === method);
      const kept = new Set(offered.filter((row) => row.dataset.name.toLowerCase().includes(part)));
      for (const row of rows) row.hidden = !kept.has(row);
      output.textContent = part ? `${kept.size} of ${offered.length}` : "";
    };
    input.addEventListener("input", update);
    select?.addEventListener("change", update);
    bar.hidden = false;
    update();
  }

  // Figures as files: the shown one's wide form with its title, in the colours of paper.
  for (const link of all("a.svg")) {
    link.hidden = false;
    link.addEventListener("click", () => {
      const svg = link.closest("figure").querySelector(".wide svg").cloneNode(true);
      const [, , width, height] = svg.dataset.whole.split(" ");
      for (const [name, text] of [["viewBox", svg.dataset.whole], ["width", `${width}pt`], ["height", `${height}pt`]]) svg.setAttribute(name, text);
      for (const styled of all("[style]", svg)) {
        const plain = styled.getAttribute("style").replace(/var\(--[\w-]+, (#\w+)\)/g, "$1").replaceAll("var(--sans)", "sans-serif");
        styled.setAttribute("style", plain);
      }
      for (const mark of all("[data-tip]", svg)) {
        const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
        title.textContent = mark.dataset.tip;
        mark.prepend(title);
        delete mark.dataset.tip;
      }
      const text = new XMLSerializer().serializeToString(svg);
      link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
  }
})();
