// The tree: a zoomable treemap on a canvas, with a marker for mouse and keys.

const map = { cells: [], outer: [], active: -1, mode: 'class', theme: {} };
const canvas = make('canvas', {
  tabindex: '0', role: 'application',
  'aria-label': 'Tree of clusters. Arrow keys choose a part, Enter opens it, Backspace goes back, s selects its images.',
});
const marker = make('div', { class: 'marker' });
const frame = byId('map');
const tip = makeTip(frame);

// Cividis, from low to high, at five points.
const SCALE = [[0, 32, 77], [65, 77, 107], [124, 123, 120], [188, 174, 108], [255, 234, 70]];

const colorModes = [
  tree.majority && { name: 'class', title: 'Class', value: purityOf, low: 0 },
  tree.majority && { name: 'purity', title: 'Purity', value: purityOf, low: 0 },
  tree.cohesion && { name: 'cohesion', title: 'Cohesion', value: cohesionOf, low: lowestCohesion() },
].filter(Boolean);

function lowestCohesion() {
  let low = 0.99;
  for (let node = 0; tree.cohesion && node < tree.size.length; node++) {
    if (tree.level[node] && tree.size[node] > 1) low = Math.min(low, cohesionOf(node));
  }
  return Math.floor(low * 20) / 20;
}

function scaleColor(share) {
  const at = Math.min(0.999, Math.max(0, share)) * (SCALE.length - 1);
  const [a, b] = [SCALE[Math.floor(at)], SCALE[Math.floor(at) + 1]];
  return a.map((low, i) => Math.round(low + (at % 1) * (b[i] - low)));
}

const themeColors = () => ({ pale: rgbOf(theme('--pale')), singles: rgbOf(theme('--singles')), accent: theme('--accent'), card: theme('--card'), ink: theme('--ink') });
const rgbOf = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const css = (rgb) => `rgb(${rgb.join(' ')})`;
const colorOfClass = (kind) => page.palette[kind % page.palette.length];

// The colour of a node: its class, paler the less pure it is, or a value on the scale.
function colorOf(node) {
  const mode = colorModes.find(({ name }) => name === map.mode);
  if (!mode) return rgbOf(page.palette[0]);
  if (mode.name !== 'class') return scaleColor((mode.value(node) - mode.low) / (1 - mode.low));
  return mixed(rgbOf(colorOfClass(tree.majority[node])), 0.25 + 0.75 * purityOf(node));
}

// A colour made paler: `share` of it remains.
function mixed(rgb, share) {
  return rgb.map((part, i) => Math.round(map.theme.pale[i] + share * (part - map.theme.pale[i])));
}

const isBright = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b > 140;

function layoutMap() {
  const width = frame.clientWidth;
  const height = frame.clientHeight;
  const dense = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  map.cells = cellsOf(state.focus, { x: 0, y: 0, w: width, h: height });
  map.outer = map.cells.filter((cell) => cell.outer);
  activate(-1);
  drawMap();
}

let drawing = 0;
function drawMap() {
  if (!drawing) drawing = requestAnimationFrame(() => { drawing = 0; paintMap(); });
}

function paintMap() {
  const context = canvas.getContext('2d');
  const dense = window.devicePixelRatio || 1;
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  map.theme = themeColors();
  paintGround(context);
  for (const cell of map.cells) {
    if (cell.kind === 'image') paintImage(context, cell);
    else paintPart(context, cell);
  }
  canvas.dataset.painted = map.cells.length;
}

// Behind the cells, a hint of the colour of what they are part of.
function paintGround(context) {
  const inCluster = state.focus.kind === 'node' && tree.level[state.focus.id];
  context.fillStyle = css(inCluster ? mixed(colorOf(state.focus.id), 0.3) : map.theme.pale);
  context.fillRect(0, 0, frame.clientWidth, frame.clientHeight);
}

function paintPart(context, cell) {
  const rgb = cell.kind === 'node' ? colorOf(cell.id) : map.theme.singles;
  const gap = Math.min(cell.w, cell.h) > 6 ? 1 : 0.25;
  const box = [cell.x + gap / 2, cell.y + gap / 2, Math.max(0, cell.w - gap), Math.max(0, cell.h - gap)];
  context.fillStyle = css(cell.captioned ? mixed(rgb, 0.4) : rgb);
  if (Math.min(cell.w, cell.h) > 16) {
    context.beginPath();
    context.roundRect(...box, 3);
    context.fill();
  } else {
    context.fillRect(...box); // Much quicker, and there can be thousands.
  }
  if (cell.captioned) paintCaption(context, cell, rgb);
}

function captionsOf(cell) {
  const size = sizeOf(cell).toLocaleString('en');
  if (cell.kind === 'singles') return [count(rangeOf(cell).size, 'single image'), `${size} single`];
  const name = tree.level[cell.id] ? majorityName(cell.id) : nodeName(cell.id);
  return [name ? `${name} · ${size}` : `${size} images`, size];
}

function paintCaption(context, cell, rgb) {
  context.fillStyle = css(rgb);
  context.beginPath();
  context.roundRect(cell.x + 0.5, cell.y + 0.5, cell.w - 1, CAPTION, [4, 4, 0, 0]);
  context.fill();
  const [long, brief] = captionsOf(cell);
  const room = cell.w - 12;
  context.font = '600 11px system-ui, sans-serif';
  context.fillStyle = isBright(rgb) ? '#16181d' : '#ffffff';
  context.textBaseline = 'middle';
  context.fillText(context.measureText(long).width <= room ? long : brief, cell.x + 6, cell.y + CAPTION / 2 + 1, room);
}

function paintImage(context, cell) {
  const gap = cell.w > 20 ? 1 : 0.5;
  const drawn = drawImage(context, cell.id, cell.x + gap / 2, cell.y + gap / 2, cell.w - gap);
  if (drawn) paintMarks(context, cell.id, cell);
}

// A tick on a selected image, and a frame around the one that is shown in detail.
function paintMarks(context, image, { x, y, w, h }) {
  if (selected.has(image)) {
    const size = Math.min(14, Math.max(4, w / 3));
    context.fillStyle = map.theme.accent;
    context.fillRect(x + 1, y + 1, size, size);
    context.fillStyle = map.theme.card;
    context.font = `700 ${size - 2}px system-ui, sans-serif`;
    context.textBaseline = 'middle';
    context.textAlign = 'center';
    if (size > 8) context.fillText('✓', x + 1 + size / 2, y + 2 + size / 2);
    context.textAlign = 'start';
  }
  if (!sameView(state.view, { kind: 'image', id: image })) return;
  context.strokeStyle = map.theme.accent;
  context.lineWidth = 3;
  context.strokeRect(x + 1, y + 1, w - 2, h - 2);
}

const contains = (cell, x, y) => x >= cell.x && y >= cell.y && x < cell.x + cell.w && y < cell.y + cell.h;

function activate(index) {
  map.active = index;
  const cell = map.outer[index];
  marker.hidden = !cell;
  if (!cell) { tip.hidden = true; return; }
  Object.assign(marker.style, { left: `${cell.x}px`, top: `${cell.y}px`, width: `${cell.w}px`, height: `${cell.h}px` });
}

// Describes the part that a click would open and, if the pointer is on a smaller part, that one too.
function showTip(outer, inner, x, y) {
  const lines = outer.kind === 'image' ? linesOf(outer.id) : [nameOf(outer), describe(outer)];
  if (inner !== outer) lines.push(`here: ${nameOf(inner)}`, describe(inner));
  placeTip(tip, faceOf(inner), lines, x, y);
}

// The image that stands for a view.
function faceOf(view) {
  if (view.kind === 'image') return view.id;
  return view.kind === 'node' ? tree.prototype[view.id] : imagesOf(view)[0];
}

function describe(view) {
  if (view.kind === 'image') return classOf(view.id);
  const facts = [count(sizeOf(view), 'image')];
  if (view.kind === 'node' && tree.majority) facts.push(`${percent(purityOf(view.id))} ${majorityName(view.id)}`);
  return facts.join(', ');
}

// The outer cell next to the active one in a direction.
function neighbor(dx, dy) {
  if (map.active < 0) return 0;
  const from = map.outer[map.active];
  const [cx, cy] = [from.x + from.w / 2, from.y + from.h / 2];
  let [best, nearest] = [map.active, Infinity];
  map.outer.forEach((cell, i) => {
    const [x, y] = [cell.x + cell.w / 2 - cx, cell.y + cell.h / 2 - cy];
    const ahead = x * dx + y * dy;
    const aside = Math.abs(x * dy + y * dx);
    if (i !== map.active && ahead > 0.5 && ahead + 2 * aside < nearest) [best, nearest] = [i, ahead + 2 * aside];
  });
  return best;
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onMapKey(event) {
  if (ARROWS[event.key]) {
    activate(neighbor(...ARROWS[event.key]));
    const cell = map.outer[map.active];
    if (cell) {
      showTip(cell, cell, cell.x + cell.w / 2, cell.y + cell.h / 2);
      byId('status').textContent = `${nameOf(cell)}, ${describe(cell)}`;
    }
  } else if (event.key === 'Enter' && map.active >= 0) go(map.outer[map.active]);
  else if (event.key === 'Backspace' || event.key === 'Escape') go(above(state.view));
  else return;
  event.preventDefault();
}

function startMap() {
  frame.prepend(canvas, marker);
  marker.hidden = true;
  waiting.add(drawMap);
  canvas.addEventListener('mousemove', ({ offsetX, offsetY }) => {
    activate(map.outer.findIndex((cell) => contains(cell, offsetX, offsetY)));
    const inner = map.cells.findLast((cell) => contains(cell, offsetX, offsetY));
    if (map.active >= 0) showTip(map.outer[map.active], inner, offsetX, offsetY);
  });
  canvas.addEventListener('mouseleave', () => activate(-1));
  canvas.addEventListener('click', (event) => {
    if (map.active >= 0 && event.shiftKey) toggleSelected(imagesOf(map.outer[map.active]));
    else if (map.active >= 0) go(map.outer[map.active]);
  });
  canvas.addEventListener('keydown', onMapKey);
  new ResizeObserver(layoutMap).observe(frame);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawMap);
  document.addEventListener('DOMContentLoaded', drawMap);
  startColors();
}

function startColors() {
  for (const { name, title } of colorModes) {
    const input = make('input', { type: 'radio', name: 'color', value: name, checked: name === colorModes[0].name });
    input.addEventListener('change', () => { map.mode = name; drawMap(); drawPlot(); drawLegend(); });
    byId('colors').append(make('label', {}, input, make('span', {}, title)));
  }
  map.mode = colorModes.length ? colorModes[0].name : '';
  byId('colors').hidden = colorModes.length < 2;
  drawLegend();
}

function drawLegend() {
  const mode = colorModes.find(({ name }) => name === map.mode);
  const legend = byId('legend');
  if (!mode) return;
  if (mode.name === 'class') {
    const shown = page.classNames.slice(0, 20);
    legend.replaceChildren(...shown.map((name, kind) => make('button', {
      type: 'button', class: 'chip', title: `Show ${className(kind)}`, onclick: () => go({ kind: 'class', id: kind }),
    }, swatch(kind), name)));
    if (page.classNames.length > 20) legend.append(make('span', { class: 'note' }, `and ${page.classNames.length - 20} more classes; every tenth has the same colour`));
    return;
  }
  const stops = SCALE.map(css).join(', ');
  const ramp = make('span', { class: 'ramp' });
  ramp.style.background = `linear-gradient(to right, ${stops})`;
  const what = mode.name === 'purity' ? 'share of images of the majority class' : 'mean cosine to the cluster’s centre';
  legend.replaceChildren(percentOrNumber(mode, mode.low), ramp, percentOrNumber(mode, 1), make('span', { class: 'note' }, what));
}

const percentOrNumber = (mode, value) => (mode.name === 'purity' ? percent(value) : value.toFixed(2));

function swatch(kind) {
  const element = make('span', { class: 'swatch' });
  element.style.background = colorOfClass(kind);
  return element;
}
