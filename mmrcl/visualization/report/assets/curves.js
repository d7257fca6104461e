// Curves of the run as SVG, with a reading at the pointer.

const PLOT = { width: 360, height: 200, left: 46, right: 12, top: 10, bottom: 26 };
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];

// Round values that divide [low, high] into about `wanted` steps.
function ticksOf(low, high, wanted) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= 0.7 * rough);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

const short = (value) => (value === 0 ? '0' : Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4))));

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  if (low === high) { low -= Math.abs(low) / 10 || 1; high += Math.abs(high) / 10 || 1; }
  return [low, high];
}

function scales(lines) {
  const [x0, x1] = [0, extent(lines.flatMap((line) => line.x))[1]];
  const [y0, y1] = extent(lines.flatMap((line) => line.y));
  const room = { w: PLOT.width - PLOT.left - PLOT.right, h: PLOT.height - PLOT.top - PLOT.bottom };
  const edge = 0.04 * (y1 - y0);
  return {
    x: (value) => PLOT.left + (room.w * (value - x0)) / (x1 - x0),
    y: (value) => PLOT.top + room.h * (1 - (value - y0 + edge) / (y1 - y0 + 2 * edge)),
    ends: { x0, x1, y0, y1 },
  };
}

function axes(at) {
  const { x0, x1, y0, y1 } = at.ends;
  const floor = PLOT.height - PLOT.bottom;
  return makeSvg('g', { class: 'axes' },
    ...ticksOf(y0, y1, 4).flatMap((value) => [
      makeSvg('line', { x1: PLOT.left, x2: PLOT.width - PLOT.right, y1: at.y(value), y2: at.y(value) }),
      makeSvg('text', { x: PLOT.left - 6, y: at.y(value) + 3.5, 'text-anchor': 'end' }, short(value)),
    ]),
    ...ticksOf(x0, x1, 6).map((value) => makeSvg('text', { x: at.x(value), y: floor + 15, 'text-anchor': 'middle' }, short(value))));
}

// A level has the same look in every panel.
function lookOf(line, i) {
  const [, level] = line.name.match(/^level (\d+)$/) || [];
  const place = level ? Number(level) - 1 : i;
  return { stroke: page.palette[place % page.palette.length], 'stroke-dasharray': DASHES[place % DASHES.length] };
}

function curvePath(line, i, at) {
  const points = line.x.map((x, k) => `${at.x(x).toFixed(1)},${at.y(line.y[k]).toFixed(1)}`);
  return makeSvg('path', { d: `M${points.join('L')}`, class: 'curve', ...lookOf(line, i) });
}

function nearest(values, wanted) {
  return values.reduce((best, value, i) => (Math.abs(value - wanted) < Math.abs(values[best] - wanted) ? i : best), 0);
}

function drawCurve({ title, lines }) {
  const at = scales(lines);
  const svg = makeSvg('svg', { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: 'img', 'aria-label': `${title} against epochs` }, axes(at), ...lines.map((line, i) => curvePath(line, i, at)));
  const cursor = makeSvg('line', { class: 'cursor', y1: PLOT.top, y2: PLOT.height - PLOT.bottom });
  const dots = lines.map((line, i) => makeSvg('circle', { r: 3, fill: lookOf(line, i).stroke }));
  const hover = makeSvg('g', { visibility: 'hidden' }, cursor, ...dots);
  svg.append(hover);
  const readings = lines.map((line, i) => legendOfLine(line, i));
  const caption = make('span', { class: 'sub' }, 'last value');

  function read(epoch) {
    lines.forEach((line, i) => {
      const k = epoch === undefined ? line.y.length - 1 : nearest(line.x, epoch);
      readings[i].lastChild.textContent = short(line.y[k]);
      dots[i].setAttribute('cx', at.x(line.x[k]));
      dots[i].setAttribute('cy', at.y(line.y[k]));
      cursor.setAttribute('x1', at.x(line.x[k]));
      cursor.setAttribute('x2', at.x(line.x[k]));
      if (i === 0) caption.textContent = epoch === undefined ? 'last value' : `epoch ${short(line.x[k])}`;
    });
    hover.setAttribute('visibility', epoch === undefined ? 'hidden' : 'visible');
  }

  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * PLOT.width;
    read(Math.max(0, ((x - PLOT.left) / (PLOT.width - PLOT.left - PLOT.right)) * at.ends.x1));
  });
  svg.addEventListener('pointerleave', () => read());
  read();
  return make('figure', { class: 'card plot' }, make('figcaption', {}, make('b', {}, title), caption), svg, make('div', { class: 'readings' }, ...readings));
}

function legendOfLine(line, i) {
  const mark = makeSvg('svg', { width: 18, height: 8, 'aria-hidden': 'true' }, makeSvg('line', { x1: 0, x2: 18, y1: 4, y2: 4, class: 'curve', ...lookOf(line, i) }));
  return make('span', { class: 'reading' }, mark, line.name, make('b', {}));
}

function drawCurves() {
  byId('curves-section').hidden = byId('curves-link').hidden = !page.curves.length;
  byId('curves').replaceChildren(...page.curves.map(drawCurve));
}
