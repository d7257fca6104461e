// The map of the images: similar ones lie close together. A part chosen elsewhere keeps its colours here.

const MANY_CLASSES = 20;
const THUMBNAILS = 160; // so few images or fewer in sight are drawn as such
const MANY_SELECTED = 2000;
const HIT = 12; // pixels

const plot = {
  active: -1, zoom: 1, radius: 1, x: 0, y: 0, buckets: undefined, bucketsOf: undefined, frame: byId('plot'), marks: make('canvas', { class: 'marks', 'aria-hidden': 'true' }),
  canvas: make('canvas', {
    tabindex: '0', role: 'application',
    'aria-label': 'Map of the images. Arrow keys choose an image, Enter opens it, s selects it, plus and minus zoom.',
  }),
};

function layoutPlot() {
  const dense = window.devicePixelRatio || 1;
  const { clientWidth, clientHeight } = plot.frame;
  Object.assign(plot, { width: clientWidth, height: clientHeight });
  for (const layer of [plot.canvas, plot.marks]) {
    layer.width = Math.round(clientWidth * dense);
    layer.height = Math.round(clientHeight * dense);
  }
  fitPlot(imagesOf({ kind: 'node', id: 0 }));
}

// Zooms to where images lie.
function fitPlot(images) {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const image of images) {
    left = Math.min(left, tree.x[image]); right = Math.max(right, tree.x[image]);
    top = Math.min(top, tree.y[image]); bottom = Math.max(bottom, tree.y[image]);
  }
  const room = (length) => Math.max(1, length - 48);
  plot.zoom = Math.min(room(plot.width) / Math.max(right - left, 500), room(plot.height) / Math.max(bottom - top, 500));
  [plot.x, plot.y] = [(left + right) / 2, (top + bottom) / 2];
  drawPlot();
}

// Zooms with the place at (x, y) staying where it is.
function zoomPlot(factor, x, y) {
  plot.x += ((x - plot.width / 2) / plot.zoom) * (1 - 1 / factor);
  plot.y += ((y - plot.height / 2) / plot.zoom) * (1 - 1 / factor);
  plot.zoom *= factor;
  drawPlot();
}

// Zooms with the active image or that of the chosen part in the middle.
function zoomOnChosen(factor) {
  const whole = sameView(state.view, { kind: 'node', id: 0 });
  const image = plot.active >= 0 ? plot.active : whole ? -1 : faceOf(state.view);
  if (image >= 0) [plot.x, plot.y] = [tree.x[image], tree.y[image]];
  zoomPlot(factor, plot.width / 2, plot.height / 2);
  activateImage(plot.active);
}

const plotX = (image) => (tree.x[image] - plot.x) * plot.zoom + plot.width / 2;
const plotY = (image) => (tree.y[image] - plot.y) * plot.zoom + plot.height / 2;
const inSight = (x, y) => x >= 0 && y >= 0 && x < plot.width && y < plot.height;

function imagesInSight() {
  const found = [];
  for (let i = 0; i < imageCount; i++) if (inSight(plotX(i), plotY(i))) found.push(i);
  return found;
}

// The colour of an image: of its class, or the value of its finest cluster.
function colorOfImage(image) {
  if (map.mode === 'class') return colorOfClass(tree.classes[image]);
  return css(colorOf(leavesOf[image]));
}

// The images by colour, so that a colour is set once a drawing.
function plotBuckets() {
  if (plot.bucketsOf !== map.mode) {
    plot.buckets = new Map();
    for (let i = 0; i < imageCount; i++) {
      const color = colorOfImage(i);
      if (!plot.buckets.has(color)) plot.buckets.set(color, []);
      plot.buckets.get(color).push(i);
    }
    plot.bucketsOf = map.mode;
  }
  return plot.buckets;
}

let plotting = 0;
function drawPlot() {
  if (tree.x && !plotting) plotting = requestAnimationFrame(() => { plotting = 0; paintPlot(); });
}

// An empty layer to draw on, in pixels of the page.
function cleared(layer) {
  const context = layer.getContext('2d');
  const dense = window.devicePixelRatio || 1;
  context.setTransform(dense, 0, 0, dense, 0, 0);
  context.clearRect(0, 0, plot.width, plot.height);
  return context;
}

function paintPlot() {
  const context = cleared(plot.canvas);
  map.theme = themeColors();
  const shown = shownMask();
  const sight = imagesInSight();
  if (sight.length <= THUMBNAILS) paintThumbnails(context, sight, shown);
  else paintDots(context, shown, sight.length);
  if (sight.length > THUMBNAILS && map.mode === 'class' && page.classNames.length <= MANY_CLASSES) paintNames(context);
  plot.canvas.dataset.painted = sight.length;
  paintMarksOfPlot();
}

// 1 for the images of the view, all of them where the view is one image.
function shownMask() {
  if (sameView(state.view, { kind: 'node', id: 0 }) || state.view.kind === 'image') return undefined;
  const mask = new Uint8Array(imageCount);
  for (const image of imagesOf(state.view)) mask[image] = 1;
  return mask;
}

function paintDots(context, shown, inView) {
  plot.radius = Math.max(1, Math.min(5, Math.sqrt((plot.width * plot.height) / inView) / 8));
  if (shown) for (const images of plotBuckets().values()) dots(context, css(map.theme.singles), images, (image) => !shown[image]);
  for (const [color, images] of plotBuckets()) dots(context, color, images, (image) => !shown || shown[image]);
}

// Circles, or squares where they are too small to tell: these are much quicker.
function dots(context, color, images, keeps = () => true) {
  const { radius } = plot;
  context.fillStyle = color;
  context.beginPath();
  for (const image of images) {
    if (!keeps(image)) continue;
    const [x, y] = [plotX(image), plotY(image)];
    if (!inSight(x, y)) continue;
    if (radius < 2) context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    else { context.moveTo(x + radius, y); context.arc(x, y, radius, 0, 7); }
  }
  context.fill();
}

const thumbnailSide = (inView) => Math.max(20, Math.min(48, Math.sqrt((plot.width * plot.height) / Math.max(1, inView)) / 2));

function paintThumbnails(context, sight, shown) {
  const size = thumbnailSide(sight.length);
  for (const image of sight) {
    const [x, y] = [plotX(image) - size / 2, plotY(image) - size / 2];
    context.globalAlpha = shown && !shown[image] ? 0.25 : 1;
    context.fillStyle = colorOfImage(image);
    context.fillRect(x - 2, y - 2, size + 4, size + 4);
    drawImage(context, image, x, y, size);
  }
  context.globalAlpha = 1;
}

// Where the name of each class stands: the middle of its images in the cell with most, of 16 x 16.
let namePlaces;
function placesOfNames() {
  const cell = (image) => (tree.x[image] >> 12) * 16 + (tree.y[image] >> 12);
  const mean = (images, values) => images.reduce((sum, image) => sum + values[image], 0) / images.length;
  namePlaces ??= page.classNames.map((_, kind) => {
    const images = Array.from(imagesOfClass(kind));
    const counts = new Uint32Array(256);
    for (const image of images) counts[cell(image)] += 1;
    const fullest = counts.indexOf(Math.max(...counts));
    const there = images.filter((image) => cell(image) === fullest);
    return images.length && { x: mean(there, tree.x), y: mean(there, tree.y) };
  });
  return namePlaces;
}

function paintNames(context) {
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'bottom';
  Object.assign(context, { lineWidth: 4, lineJoin: 'round', strokeStyle: map.theme.card, fillStyle: map.theme.ink });
  placesOfNames().forEach((at, kind) => {
    if (!at) return;
    const place = [(at.x - plot.x) * plot.zoom + plot.width / 2, (at.y - plot.y) * plot.zoom + plot.height / 2 - 5];
    context.strokeText(page.classNames[kind], ...place);
    context.fillText(page.classNames[kind], ...place);
  });
  context.textAlign = 'start';
}

// What changes with the pointer and the selection lies on a layer of its own.
function paintMarksOfPlot() {
  const context = cleared(plot.marks);
  const { ink, accent } = map.theme;
  if (selected.size > MANY_SELECTED) dots(context, ink, selected);
  else rings(context, selected, Math.max(4, plot.radius), ink, 1.25);
  if (state.view.kind === 'image') {
    rings(context, similarTo(state.view.id).map(({ image }) => image), 6, accent, 1.5);
    rings(context, [state.view.id], 11, accent, 4);
  }
  if (plot.active >= 0) rings(context, [plot.active], 8, ink, 2);
}

function rings(context, images, radius, color, width) {
  Object.assign(context, { lineWidth: width, strokeStyle: color });
  context.beginPath();
  for (const image of images) {
    const [x, y] = [plotX(image), plotY(image)];
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 7);
  }
  context.stroke();
}
