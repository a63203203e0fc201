"use strict";
// The answer of a study: the figure that counts over the values that were swept, a panel for each value of a third parameter.

(() => {
  const answer = content.answer;
  if (!answer) return;
  const scale = answer.percent ? 100 : 1;
  const logarithmic = document.getElementById("answer-log");
  logarithmic.checked = answer.log;
  const parent = document.getElementById("answer-charts");
  const most = Math.max(...answer.panels.map((panel) => panel.lines.length));
  const lines = answer.panels.flatMap((panel) => panel.lines);
  const reached = lines.flatMap((line) => line.points.map((point) => point[1] * scale));
  const bars = answer.loose ? [] : lines.flatMap((line) => line.y.flatMap((value, place) => [-1, 1].map((sign) => (value + sign * line.deviation[place]) * scale)));
  const least = Math.min(...reached), greatest = Math.max(...reached, ...bars);
  if (least <= 0) {
    logarithmic.disabled = true;
    logarithmic.parentElement.title = "not all values are above 0";
  }

  function key() {
    const legend = document.getElementById("answer-legend");
    legend.replaceChildren();
    if (most < 2) return;
    const title = document.createElement("span");
    title.className = "soft";
    title.textContent = `${answer.lines}:`;
    legend.append(title);
    answer.panels[0].lines.forEach((line, place) => {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.disabled = true;
      entry.textContent = line.name;
      entry.style.setProperty("--own", Charts.ofMany(place, most, false));
      legend.append(entry);
    });
  }

  function range() {
    const [low, high] = logarithmic.checked ? [Math.log10(least), Math.log10(greatest)] : [Math.min(least, ...bars), greatest];
    const margin = (high - low || Math.abs(high) || 1) * 0.08;
    return [low - margin, high + margin];
  }

  function make(panel) {
    const data = [];
    panel.lines.forEach((line, place) => {
      const colour = answer.loose ? Charts.colour("accent") : Charts.ofMany(place, most, false);
      const name = (group) => Charts.plain(content.groups[group].label);
      if (!answer.loose) {
        data.push({ x: line.x, y: line.y.map((value) => value * scale), type: "scatter", mode: "lines+markers", line: { color: colour, width: 2 },
          marker: { size: 8, color: colour }, customdata: line.group.map(name),
          error_y: { type: "data", array: line.deviation.map((value) => value * scale), visible: line.deviation.some((value) => value > 0), color: colour,
            thickness: 1.3, width: 4 },
          hovertemplate: "%{customdata}<br>mean <b>%{y:.5~g}</b><extra></extra>" });
      }
      const own = answer.loose || line.points.length > line.x.length;
      if (own) {
        data.push({ x: line.points.map((point) => point[0]), y: line.points.map((point) => point[1] * scale), type: "scatter", mode: "markers",
          marker: { size: answer.loose ? 8 : 5, color: colour, opacity: answer.loose ? 0.75 : 0.5 }, hovertemplate: `%{x}: <b>%{y:.5~g}</b><extra></extra>` });
      }
    });
    const bottom = range()[0];
    if (panel.failed.length) {
      data.push({ x: panel.failed.map((one) => one.x), y: panel.failed.map(() => (logarithmic.checked ? 10 ** bottom : bottom)), type: "scatter", mode: "markers",
        marker: { symbol: "x", size: 9, color: Charts.colour("bad") }, cliponaxis: false,
        hovertemplate: panel.failed.map((one) => `${Charts.plain(one.text)}<extra></extra>`) });
    }
    const categories = panel.scale === "category" ? { categoryorder: "array", categoryarray: panel.order.map(Charts.plain) } : {};
    if (panel.scale === "category") for (const trace of data) trace.x = trace.x.map(Charts.plain);
    const layout = Charts.layout({ title: panel.title, height: 340,
      xaxis: Charts.axis({ title: panel.axis, type: panel.scale, ...categories }, panel.scale === "category" ? [] : data.flatMap((trace) => trace.x)),
      yaxis: Charts.axis({ title: answer.metric + (answer.percent ? " (%)" : ""), type: logarithmic.checked ? "log" : "linear", range: range() }, reached) });
    return { data, layout };
  }

  const elements = answer.panels.map((panel) => {
    const element = Report.box(parent, `${answer.metric} over ${panel.axis}`);
    Charts.draw(element, () => make(panel));
    return element;
  });
  key();
  document.addEventListener("themechange", key);
  logarithmic.addEventListener("change", () => elements.forEach(Charts.redraw));
})();
