
"use strict";
(() => {
  const { data, elements, colours, hiddenRelations } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const CARD = { width: 184, height: 46, gapX: 88, gapY: 16, maxGapY: 74, text: 12 };
  const BIG = 1500;

  const entities = elements.nodes.map((node) => node.data);
  const entityOf = new Map(entities.map((entity) => [entity.id, entity]));
  const columnOf = new Map(Object.keys(colours).map((type, index) => [type, index]));
  const count = (items, key) => items.reduce((all, item) => all.set(item[key], (all.get(item[key]) || 0) + 1), new Map());
  const typeCounts = count(entities, "type");
  const relationCounts = count(elements.edges.map((edge) => edge.data), "rel");
  const shown = {
    types: new Set(typeCounts.keys()),
    relations: new Set([...relationCounts.keys()].filter((rel) => !hiddenRelations.includes(rel))),
  };
  // A picture of nothing but hidden relations would look broken.
  if (!shown.relations.size) shown.relations = new Set(relationCounts.keys());

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (value !== undefined) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const swatch = (colour) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "swatch");
    svg.setAttribute("viewBox", "0 0 12 12");
    svg.setAttribute("aria-hidden", "true");
    const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [key, value] of Object.entries({ width: 12, height: 12, rx: 3, fill: colour })) box.setAttribute(key, value);
    svg.append(box);
    return svg;
  };
  const hrefOf = (id) => "#" + encodeURIComponent(id);
  const font = getComputedStyle(document.body).fontFamily;
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${CARD.text}px ${font}`;
  const shorten = (text) => {
    const fits = (candidate) => pen.measureText(candidate).width <= CARD.width - 26;
    if (fits(text)) return text;
    const letters = [...text.slice(0, 60)];
    while (letters.length && !fits(letters.join("") + "\u2026")) letters.pop();
    return letters.join("").trimEnd() + "\u2026";
  };
  const label = (entity) => [entity.id, entity.title].filter(Boolean).map(shorten).join("\n");

  const cy = cytoscape({
    container: byId("graph"),
    elements: {
      nodes: elements.nodes.map((node) => ({ data: { ...node.data, label: label(node.data), colour: colours[node.data.type] } })),
      edges: elements.edges.map((edge) => ({ data: edge.data })),
    },
    layout: { name: "preset" },
    minZoom: 0.03,
    maxZoom: 3,
    hideEdgesOnViewport: elements.edges.length > BIG,
    textureOnViewport: elements.nodes.length > BIG,
    boxSelectionEnabled: false,
    autoungrabify: true,
  });

  const applyStyle = () => {
    const theme = getComputedStyle(document.documentElement);
    const value = (name) => theme.getPropertyValue(name).trim();
    cy.style([
      {
        selector: "node",
        style: {
          shape: "round-rectangle", width: CARD.width, height: CARD.height, "corner-radius": 8,
          "background-fill": "linear-gradient", "background-gradient-direction": "to-right",
          "background-gradient-stop-colors": (node) => `${node.data("colour")} ${node.data("colour")} ${value("--node")} ${value("--node")}`,
          "background-gradient-stop-positions": "0 3.2 3.2 100",
          "border-width": 1, "border-color": value("--line"),
          label: "data(label)", color: value("--text"), "font-family": font, "font-size": CARD.text, "line-height": 1.35,
          // A label to the right of the card, moved back over it, begins at the same place on every card.
          "text-wrap": "wrap", "text-max-width": 400, "text-justification": "left",
          "text-halign": "right", "text-valign": "center", "text-margin-x": 16 - CARD.width,
          "min-zoomed-font-size": 5,
        },
      },
      {
        selector: "edge",
        style: {
          width: 1.3, "line-color": value("--edge"), opacity: 0.75,
          "curve-style": "unbundled-bezier", "edge-distances": "endpoints",
          "source-endpoint": (edge) => ends(edge).source, "target-endpoint": (edge) => ends(edge).target,
          "control-point-weights": (edge) => curve(edge).weights, "control-point-distances": (edge) => curve(edge).distances,
          "target-arrow-shape": "triangle", "target-arrow-color": value("--edge"), "arrow-scale": 0.8,
        },
      },
      { selector: ".hidden", style: { display: "none" } },
      { selector: "node.faded", style: { opacity: 0.22 } },
      { selector: "edge.faded", style: { opacity: 0.07 } },
      {
        selector: "edge.near",
        style: {
          width: 2.2, opacity: 1, "line-color": value("--accent"), "target-arrow-color": value("--accent"), "z-index": 9,
          label: "data(rel)", "font-family": font, "font-size": 10, color: value("--text"),
          "text-background-color": value("--page"), "text-background-opacity": 0.92, "text-background-padding": 3,
          "text-background-shape": "round-rectangle", "min-zoomed-font-size": 6,
        },
      },
      { selector: "node:selected", style: { "border-width": 2.5, "border-color": value("--accent") } },
    ]);
  };

  // Lines leave and reach cards at their sides, level, like cables.
  const sides = (edge) => {
    const dx = edge.target().position("x") - edge.source().position("x");
    if (Math.abs(dx) < 1) return [1, 1];
    return dx > 0 ? [1, -1] : [-1, 1];
  };
  const ends = (edge) => {
    const [source, target] = sides(edge);
    return { source: `${(source * CARD.width) / 2}px 0px`, target: `${(target * CARD.width) / 2}px 0px` };
  };
  const curve = (edge) => {
    const [from, to] = sides(edge);
    const start = edge.source().position();
    const end = edge.target().position();
    const dx = end.x + (to * CARD.width) / 2 - start.x - (from * CARD.width) / 2;
    const dy = end.y - start.y;
    const length = Math.hypot(dx, dy) || 1;
    const reach = from === to ? CARD.gapX / 2 + Math.abs(dy) / 12 : Math.abs(dx) / 2;
    const points = [[from * reach, 0], [dx + to * reach, dy]];
    return {
      weights: points.map(([x, y]) => (x * dx + y * dy) / (length * length)),
      distances: points.map(([x, y]) => (y * dx - x * dy) / length),
    };
  };

  // One column per type in reading order; within it, each entity near what it is connected with. This page stands alone,
  // so `editors/client/views/columns.ts` says the same for the graph in editors, and has to agree.
  const arrange = () => {
    const nodes = cy.nodes().not(".hidden");
    const rows = Math.max(12, Math.ceil(Math.sqrt(nodes.length) * 1.1));
    const columns = [];
    for (const node of nodes) (columns[columnOf.get(node.data("type"))] ||= []).push(node);
    const filled = columns.filter(Boolean);
    const place = new Map();
    const settle = (column) => column.forEach((node, index) => place.set(node.id(), (index + 0.5) / column.length));
    filled.forEach(settle);
    const edges = cy.edges().not(".hidden");
    const neighbours = new Map(nodes.map((node) => [node.id(), []]));
    for (const edge of edges) {
      neighbours.get(edge.data("source"))?.push(edge.data("target"));
      neighbours.get(edge.data("target"))?.push(edge.data("source"));
    }
    const mean = (node) => {
      const near = neighbours.get(node.id());
      return near.length ? near.reduce((sum, id) => sum + place.get(id), 0) / near.length : place.get(node.id());
    };
    for (let sweep = 0; sweep < 12; sweep += 1) {
      for (const column of sweep % 2 ? [...filled].reverse() : filled) {
        const weight = new Map(column.map((node) => [node, mean(node)]));
        column.sort((a, b) => weight.get(a) - weight.get(b));
        settle(column);
      }
    }
    // Short columns spread over the height that the shape of the window leaves.
    const width = filled.reduce((sum, column) => sum + Math.ceil(column.length / rows), 0) * (CARD.width + CARD.gapX);
    const height = (width * cy.height()) / Math.max(1, cy.width());
    let x = 0;
    const positions = new Map();
    for (const column of filled) {
      const parts = Math.ceil(column.length / rows);
      const perPart = Math.ceil(column.length / parts);
      for (let part = 0; part < parts; part += 1) {
        const items = column.slice(part * perPart, (part + 1) * perPart);
        const step = CARD.height + Math.min(CARD.maxGapY, Math.max(CARD.gapY, height / items.length - CARD.height));
        items.forEach((node, index) => positions.set(node.id(), { x, y: (index - (items.length - 1) / 2) * step }));
        x += CARD.width + (part === parts - 1 ? CARD.gapX : 30);
      }
    }
    nodes.positions((node) => positions.get(node.id()));
    applyStyle();
  };

  const matches = (entity, query) =>
    !query || [entity.id, entity.title, entity.status, entity.type].some((text) => text && text.toLowerCase().includes(query));

  const applyFilters = () => {
    cy.batch(() => {
      cy.nodes().forEach((node) => void node.toggleClass("hidden", !shown.types.has(node.data("type"))));
      cy.edges().forEach((edge) => {
        const loose = edge.source().hasClass("hidden") || edge.target().hasClass("hidden");
        edge.toggleClass("hidden", loose || !shown.relations.has(edge.data("rel")));
      });
    });
    arrange();
    refresh();
    fit();
  };

  // What the search and the selection leave bright.
  const refresh = () => {
    const query = byId("search").value.trim().toLowerCase();
    const selected = cy.nodes(":selected").not(".hidden");
    cy.batch(() => {
      cy.elements().removeClass("faded near");
      if (selected.length) {
        const near = selected.connectedEdges().not(".hidden");
        near.addClass("near");
        cy.elements().not(near).not(near.connectedNodes()).not(selected).addClass("faded");
      } else if (query) {
        const found = cy.nodes().filter((node) => matches(node.data(), query));
        cy.elements().not(found).not(found.edgesWith(found)).addClass("faded");
      }
    });
    const listed = entities.filter((entity) => shown.types.has(entity.type) && matches(entity, query));
    byId("entities").replaceChildren(
      ...listed.map((entity) =>
        element("li", {}, element(
          "a",
          { href: hrefOf(entity.id), "aria-current": entity.id === selected.id() ? "true" : undefined, title: entity.title },
          swatch(colours[entity.type]),
          element("span", { class: "id" }, entity.id),
          element("span", { class: "title" }, entity.title || ""),
        )),
      ),
    );
    const visible = cy.nodes().not(".hidden").length;
    const lines = cy.edges().not(".hidden").length;
    const found = query ? `${listed.length} found \u00b7 ` : "";
    byId("counts").textContent = `${found}${visible} of ${entities.length} entities \u00b7 ${lines} relations`;
  };

  let untouched = true;
  const fit = () => {
    const visible = cy.nodes().not(".hidden");
    if (!visible.length) return;
    untouched = true;
    cy.fit(visible, 32);
    if (cy.zoom() > 1.1) {
      cy.zoom(1.1);
      cy.center(visible);
    }
  };

  const relationsOf = (id) => {
    const groups = new Map();
    for (const { data: edge } of elements.edges) {
      if (edge.source !== id && edge.target !== id) continue;
      const name = edge.source === id ? `${edge.rel} \u2192` : `\u2190 ${edge.rel}`;
      const other = edge.source === id ? edge.target : edge.source;
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(entityOf.get(other));
    }
    return groups;
  };

  const showCard = (entity) => {
    const card = byId("card");
    card.hidden = !entity;
    if (!entity) return;
    const close = element("button", { type: "button", class: "close", "aria-label": "Close" }, "\u00d7");
    close.addEventListener("click", () => { location.hash = ""; });
    const facts = element("dl");
    if (entity.status) facts.append(element("dt", {}, "Status"), element("dd", {}, element("span", { class: "pill" }, entity.status)));
    facts.append(element("dt", {}, "File"), element("dd", { class: "id" }, entity.file));
    card.replaceChildren(
      element("div", { class: "top" }, swatch(colours[entity.type]), entity.type, element("span", { class: "id" }, entity.id), close),
      element("h2", {}, entity.title || entity.id),
      facts,
    );
    for (const [name, others] of relationsOf(entity.id)) {
      card.append(
        element("h3", {}, name),
        element("ul", { class: "links" }, ...others.map((other) =>
          element("li", {}, element(
            "a",
            { href: hrefOf(other.id), title: other.title },
            swatch(colours[other.type]),
            element("span", { class: "id" }, other.id),
            element("span", { class: "title" }, other.title || ""),
          )),
        )),
      );
    }
  };

  // The selection lives in the address, so that links, Back and bookmarks work.
  const select = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { /* A broken address selects nothing. */ }
    const entity = entityOf.get(id);
    const wasOpen = !byId("card").hidden;
    cy.elements().unselect();
    showCard(entity);
    if (entity) cy.getElementById(id).select();
    refresh();
    if (wasOpen === byId("card").hidden) {
      cy.resize();
      if (untouched) fit();
    }
    if (entity) {
      const box = cy.getElementById(id).renderedBoundingBox({ includeLabels: false });
      if (box.x1 < 0 || box.y1 < 0 || box.x2 > cy.width() || box.y2 > cy.height()) cy.center(cy.getElementById(id));
    }
  };

  const filterList = (list, counts, set, decorate) => {
    byId(list).replaceChildren(...[...counts].map(([name, number]) => {
      const box = element("input", { type: "checkbox" });
      box.checked = set.has(name);
      box.addEventListener("change", () => {
        if (box.checked) set.add(name); else set.delete(name);
        applyFilters();
      });
      return element("li", {}, element(
        "label", {}, box, ...decorate(name), element("span", { class: "name" }, name), element("span", { class: "count" }, String(number)),
      ));
    }));
  };

  filterList("types", typeCounts, shown.types, (type) => [swatch(colours[type])]);
  filterList("relations", relationCounts, shown.relations, () => []);
  byId("search").addEventListener("input", refresh);
  byId("search").addEventListener("keydown", (event) => {
    const first = byId("entities").querySelector("a");
    if (event.key === "Enter" && first) first.click();
  });
  byId("fit").addEventListener("click", fit);
  const zoom = (factor) => {
    untouched = false;
    cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
  };
  byId("zoom-in").addEventListener("click", () => zoom(1.25));
  byId("zoom-out").addEventListener("click", () => zoom(0.8));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== byId("search")) {
      event.preventDefault();
      byId("search").focus();
    } else if (event.key === "Escape") {
      byId("search").value = "";
      location.hash = "";
      refresh();
    }
  });
  cy.on("tap", "node", (event) => { location.hash = hrefOf(event.target.id()); });
  cy.on("tap", (event) => { if (event.target === cy) location.hash = ""; });
  cy.on("dragpan scrollzoom pinchzoom", () => { untouched = false; });
  cy.on("mouseover", "node", () => { byId("graph").style.cursor = "pointer"; });
  cy.on("mouseout", "node", () => { byId("graph").style.cursor = ""; });
  window.addEventListener("hashchange", select);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyStyle);

  document.title = data.name;
  applyFilters();
  select();
})();
