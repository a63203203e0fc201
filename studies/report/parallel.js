"use strict";
// Parallel coordinates: a line for each group, from each parameter's axis to the figure that it reached. Plotly's own
// need WebGL, which many machines without a GPU lack, and do not say whose line it is; these are lines of a plain chart.

(() => {
  const parallel = content.parallel;
  if (!parallel) return;
  const chosen = new Set(); // places of lines that are looked at alone; empty: all

  // The heights of an axis's values, from 0 to 1, and its ticks
  function heights(axis) {
    if (axis.scale === "category") {
      const names = axis.order;
      const at = (name) => (names.length > 1 ? names.indexOf(name) / (names.length - 1) : 0.5);
      return { heights: axis.values.map(at), ticks: names.map((name) => [at(name), name]) };
    }
    const own = axis.scale === "log" ? Math.log10 : (value) => value;
    const low = own(Math.min(...axis.values)), high = own(Math.max(...axis.values));
    const at = (value) => (high > low ? (own(value) - low) / (high - low) : 0.5);
    const distinct = [...new Set(axis.values)].sort((a, b) => a - b);
    const inverse = axis.scale === "log" ? (part) => 10 ** (low + part * (high - low)) : (part) => low + part * (high - low);
    const ticks = distinct.length <= 8 ? distinct : [0, 0.25, 0.5, 0.75, 1].map(inverse);
    return { heights: axis.values.map(at), ticks: ticks.map((value) => [at(value), String(Number(value.toPrecision(3)))]) };
  }

  const placed = parallel.axes.map(heights);
  const reached = parallel.axes.at(-1).values;
  const order = [...reached.keys()].sort((a, b) => (parallel.better === "max" ? reached[a] - reached[b] : reached[b] - reached[a]));
  const rank = order.reduce((ranks, line, place) => { ranks[line] = place; return ranks; }, []);

  function make() {
    const data = order.map((line) => {
      const faded = chosen.size && !chosen.has(line);
      const said = parallel.axes.map((axis) => `${Charts.plain(axis.name)} = ${Charts.plain(axis.values[line])}`).join("<br>");
      return { x: placed.map((_, place) => place), y: placed.map((axis) => axis.heights[line]), type: "scatter", mode: "lines+markers", meta: line,
        opacity: faded ? 0.08 : 0.85, line: { color: Charts.ofMany(rank[line], reached.length, true), width: faded ? 1 : 2, shape: "spline", smoothing: 0.6 },
        marker: { size: 5 }, hovertemplate: `${said}<extra></extra>` };
    });
    const annotations = placed.flatMap((axis, place) => axis.ticks.map(([height, text]) => ({ x: place, y: height, text: Charts.plain(text.length > 22 ? `${text.slice(0, 21)}…` : text),
      showarrow: false, xanchor: place === placed.length - 1 ? "left" : "right", xshift: place === placed.length - 1 ? 8 : -8, font: { size: 11 }, bgcolor: Charts.colour("ground"), opacity: 0.85 })));
    const shapes = placed.map((_, place) => ({ type: "line", x0: place, x1: place, y0: 0, y1: 1, line: { color: Charts.colour("soft"), width: 1 }, layer: "below" }));
    const layout = Charts.layout({ height: 420, dragmode: "select", selectdirection: "v", annotations, shapes, margin: { l: 110, r: 80, t: 20, b: 50 },
      xaxis: { range: [-0.15, placed.length - 0.85], tickvals: placed.map((_, place) => place), ticktext: parallel.axes.map((axis) => Charts.plain(axis.name)),
        showgrid: false, zeroline: false, fixedrange: true },
      yaxis: { range: [-0.06, 1.06], visible: false, fixedrange: true } });
    return { data, layout };
  }

  const element = document.getElementById("parallel-chart");
  element.style.minWidth = `${Math.max(320, 96 * placed.length)}px`;
  function choose(lines) {
    chosen.clear();
    lines.forEach((line) => chosen.add(line));
    Charts.redraw(element);
  }
  Charts.draw(element, make).then(() => {
    element.on("plotly_click", (event) => choose(event.points.map((point) => point.data.meta)));
    element.on("plotly_selected", (event) => { if (event) choose(event.points.map((point) => point.data.meta)); });
    element.on("plotly_doubleclick", () => choose([]));
    element.on("plotly_deselect", () => choose([]));
  });
})();
