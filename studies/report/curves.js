"use strict";
// The curves: a chart for each measure, a line for each group, with a band from the least to the greatest of its runs.

const content = JSON.parse(document.getElementById("data").textContent);
const Report = (() => {
  const hidden = new Set(); // places of groups that are switched off
  const drawings = [];
  const groups = content.groups;
  const TITLES = { epoch: "epochs trained", step: "steps", seconds: "seconds of training" };

  const colour = (group) => Charts.ofMany(groups[group].place, groups.length, content.ordered || groups.length > 10);
  const scaleOf = (name) => (content.percent.includes(name.split("/").pop()) ? 100 : 1);
  const unitOf = (name) => (scaleOf(name) === 100 ? " (%)" : "");
  const label = (group) => groups[group].label + (groups[group].n > 1 ? ` (n = ${groups[group].n})` : "");

  // Fills a row of buttons that switch groups on and off
  function legend(element, redraw) {
    if (groups.length < 2) return;
    groups.forEach((_, group) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label(group);
      button.setAttribute("aria-pressed", "true");
      button.title = "click: on or off; double click: this one alone, or all again";
      button.addEventListener("click", (event) => {
        if (event.detail > 1) return;
        if (!hidden.delete(group)) hidden.add(group);
        update();
      });
      button.addEventListener("dblclick", () => {
        const alone = hidden.size === groups.length; // the first of the two clicks has hidden it
        hidden.clear();
        if (!alone) groups.forEach((_, other) => { if (other !== group) hidden.add(other); });
        update();
      });
      element.append(button);
    });
    function update() {
      [...element.children].forEach((button, group) => {
        button.setAttribute("aria-pressed", String(!hidden.has(group)));
        button.style.setProperty("--own", colour(group));
      });
      redraw();
    }
    document.addEventListener("themechange", update);
    [...element.children].forEach((button, group) => button.style.setProperty("--own", colour(group)));
  }

  function box(parent, name) {
    const element = document.createElement("div");
    element.className = "chart";
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", name);
    parent.append(element);
    return element;
  }

  return { hidden, drawings, groups, colour, scaleOf, unitOf, label, legend, box, TITLES };
})();

(() => {
  const parent = document.getElementById("curves-charts");
  if (!parent) return;
  const names = Object.keys(content.curves);
  const few = Report.groups.length <= 3; // then training and validation of a measure share a chart
  let by = "epoch", scale = ""; // "": what fits

  // The charts: title -> logged names
  const charts = new Map();
  for (const name of names) {
    const match = few && /^(train|val|valid|validation)[/_](.+)$/.exec(name);
    const title = match ? match[2] : name;
    charts.set(title, [...(charts.get(title) ?? []), name]);
  }
  if (few && [...charts.values()].some((all) => all.length > 1)) document.getElementById("curves-key").hidden = false;

  function traces(name, dashed) {
    const found = [];
    for (const line of content.curves[name]) {
      if (Report.hidden.has(line.group) || !line[by].x.length) continue;
      const colour = Report.colour(line.group), scale = Report.scaleOf(name);
      const scaled = (values) => values.map((value) => value * scale);
      const { x, y, low, high } = line[by];
      const alone = x.length === 1; // a band of one point would have no width
      const bar = alone && low && high[0] > low[0];
      if (low && !alone) {
        found.push({ x: [...x, ...[...x].reverse()], y: [...scaled(high), ...scaled(low).reverse()], type: "scatter", fill: "toself", mode: "lines",
          fillcolor: colour, opacity: 0.16, line: { width: 0 }, hoverinfo: "skip" });
      }
      const text = Charts.plain(Report.groups.length > 1 ? Report.label(line.group) : name);
      found.push({ x, y: scaled(y), type: "scatter", mode: x.length > 40 ? "lines" : "lines+markers",
        marker: { size: alone ? 8 : 4, color: colour, symbol: dashed ? "circle-open" : "circle" },
        line: { color: colour, width: 2, dash: dashed ? "dash" : "solid" },
        error_y: bar ? { type: "data", array: [(high[0] - y[0]) * scale], arrayminus: [(y[0] - low[0]) * scale], symmetric: false, color: colour } : undefined,
        hovertemplate: `${text}<br>%{x:.5~g}: <b>%{y:.5~g}</b><extra></extra>` });
    }
    return found;
  }

  function make(title, all) {
    const data = all.flatMap((name) => traces(name, all.length > 1 && /^train/.test(name)));
    const lines = data.filter((trace) => !trace.fill);
    const values = lines.flatMap((trace) => trace.y);
    const [least, greatest] = [values.reduce((a, b) => Math.min(a, b), Infinity), values.reduce((a, b) => Math.max(a, b), -Infinity)];
    const fitting = least > 0 && greatest > 100 * least ? "log" : "linear";
    const most = lines.flatMap((trace) => trace.x).reduce((a, b) => Math.max(a, b), 1);
    const whole = by === "epoch" ? { tick0: 0, dtick: Math.ceil(most / 8) } : {}; // epochs are counted
    const places = by === "epoch" ? [] : lines.flatMap((trace) => trace.x);
    const ends = lines.flatMap((trace) => (trace.error_y ? [trace.y[0] + trace.error_y.array[0], trace.y[0] - trace.error_y.arrayminus[0]] : []));
    const layout = Charts.layout({ title: title + Report.unitOf(all[0]), xaxis: Charts.axis({ title: Report.TITLES[by], ...whole }, places),
      yaxis: Charts.axis({ type: scale || fitting }, [...values, ...ends]) });
    return { data, layout };
  }

  const elements = new Map();
  for (const [title, all] of charts) {
    const element = Report.box(parent, title);
    elements.set(title, element);
    Charts.draw(element, () => make(title, all));
  }
  function redraw() {
    for (const element of elements.values()) Charts.redraw(element);
    const lines = Object.values(content.curves).flat();
    const missing = new Set(lines.filter((line) => !line[by].x.length).map((line) => line.group)).size;
    document.getElementById("curves-note").textContent = missing ? `${missing} without ${by}: made by an earlier release` : "";
  }
  function choice(name, choose) {
    document.getElementById(name).addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      choose(button.value);
      for (const other of button.parentElement.children) other.setAttribute("aria-pressed", String(other === button));
      redraw();
    });
  }
  choice("curves-by", (value) => { by = value; });
  choice("curves-scale", (value) => { scale = value; });
  Report.legend(document.getElementById("curves-legend"), redraw);
})();
