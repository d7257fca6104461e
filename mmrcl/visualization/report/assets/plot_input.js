// Pointer and keys on the map of the images.

// The image nearest to a place among those that fit; -1 for none.
function closestImage(x, y, limit, fits = () => true) {
  let [best, least] = [-1, limit * limit];
  for (let i = 0; i < imageCount; i++) {
    const [dx, dy] = [plotX(i) - x, plotY(i) - y];
    const distance = dx * dx + dy * dy;
    if (distance < least && fits(i, dx, dy)) [best, least] = [i, distance];
  }
  return best;
}

function activateImage(image) {
  plot.active = image;
  plot.canvas.style.cursor = image < 0 ? 'crosshair' : 'pointer';
  if (image < 0) plot.tip.hidden = true;
  else placeTip(plot.tip, image, linesOf(image), plotX(image), plotY(image));
  paintMarksOfPlot();
}

// The next image in a direction, brought into sight.
function stepOnPlot(dx, dy) {
  const from = plot.active >= 0 ? plot.active : faceOf(state.view);
  const next = plot.active < 0 ? from : closestImage(plotX(from), plotY(from), Infinity, (image, x, y) => image !== from && x * dx + y * dy > Math.abs(x * dy + y * dx));
  if (next < 0) return;
  if (!inSight(plotX(next), plotY(next))) {
    [plot.x, plot.y] = [tree.x[next], tree.y[next]];
    drawPlot();
  }
  activateImage(next);
  byId('status').textContent = linesOf(next).filter(Boolean).join(', ');
}

function onPlotKey(event) {
  if (ARROWS[event.key]) stepOnPlot(...ARROWS[event.key]);
  else if (event.key === 'Enter' && plot.active >= 0) go({ kind: 'image', id: plot.active });
  else if (event.key === '+' || event.key === '=') zoomOnChosen(1.5);
  else if (event.key === '-') zoomOnChosen(1 / 1.5);
  else if (event.key === 'Backspace' || event.key === 'Escape') go(above(state.view));
  else return;
  event.preventDefault();
}

// Drag with the mouse: the images in the rectangle are selected.
function dragTo(event) {
  const [x, y] = [event.offsetX, event.offsetY];
  const box = { left: Math.min(x, plot.from.x), top: Math.min(y, plot.from.y), right: Math.max(x, plot.from.x), bottom: Math.max(y, plot.from.y) };
  if (!plot.box && box.right - box.left + box.bottom - box.top < 6) return;
  plot.box = box;
  plot.rubber.hidden = false;
  Object.assign(plot.rubber.style, { left: `${box.left}px`, top: `${box.top}px`, width: `${box.right - box.left}px`, height: `${box.bottom - box.top}px` });
}

function endDrag() {
  const { box } = plot;
  plot.from = undefined;
  plot.rubber.hidden = true;
  if (!box) return;
  const inside = imagesInSight().filter((i) => plotX(i) >= box.left && plotX(i) <= box.right && plotY(i) >= box.top && plotY(i) <= box.bottom);
  if (inside.length && !allSelected(inside)) toggleSelected(inside);
}

function onPlotClick(event) {
  if (plot.box) { plot.box = undefined; return; }
  const image = closestImage(event.offsetX, event.offsetY, reach());
  if (image < 0) return;
  if (event.shiftKey) toggleSelected([image]);
  else go({ kind: 'image', id: image });
}

// How far from its place an image answers, in pixels.
function reach() {
  const inView = Number(plot.canvas.dataset.painted);
  return inView <= THUMBNAILS ? Math.max(HIT, thumbnailSide(inView) * 0.7) : HIT;
}

function startPlot() {
  byId('plot-side').hidden = !tree.x;
  if (!tree.x) return;
  plot.rubber = make('div', { class: 'rubber' });
  plot.rubber.hidden = true;
  plot.frame.append(plot.canvas, plot.marks, plot.rubber);
  plot.tip = makeTip(plot.frame);
  waiting.add(drawPlot);
  plot.canvas.addEventListener('pointerdown', (event) => {
    plot.box = undefined;
    if (event.pointerType === 'mouse' && event.button === 0) plot.from = { x: event.offsetX, y: event.offsetY };
  });
  plot.canvas.addEventListener('pointermove', (event) => {
    if (plot.from) dragTo(event);
    else activateImage(closestImage(event.offsetX, event.offsetY, reach()));
  });
  window.addEventListener('pointerup', () => { if (plot.from) endDrag(); });
  plot.canvas.addEventListener('pointerleave', () => activateImage(-1));
  plot.canvas.addEventListener('click', onPlotClick);
  plot.canvas.addEventListener('keydown', onPlotKey);
  plot.canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomPlot(event.deltaY < 0 ? 1.25 : 0.8, event.offsetX, event.offsetY);
  }, { passive: false });
  new ResizeObserver(layoutPlot).observe(plot.frame);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawPlot);
  byId('plot-tools').append(
    make('button', { type: 'button', class: 'button', 'aria-label': 'Zoom in', onclick: () => zoomOnChosen(1.5) }, '+'),
    make('button', { type: 'button', class: 'button', 'aria-label': 'Zoom out', onclick: () => zoomOnChosen(1 / 1.5) }, '−'),
    make('button', { type: 'button', class: 'button', title: 'Zoom to the chosen part', onclick: () => fitPlot(imagesOf(state.view)) }, 'Zoom to chosen'),
  );
  byId('plot-note').textContent = `${page.method} A drag with the mouse selects, Ctrl and the wheel zoom. Rings mark the image shown and those similar to it.`;
}
