// Where the cells of the map lie. Cells are {kind, id, x, y, w, h}, an outer one before its inner ones.

const SINGLES_SHARE = 0.08;
// In pixels: height of a caption, sides of images.
const CAPTION = 17;
const LEGIBLE = 22;
const LARGEST = 180;

// Squarified rectangles (Bruls et al., 2000) of areas in proportion to weights, sorted descending.
function squarify(weights, box) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const scale = (box.w * box.h) / total;
  let { x, y, w, h } = box;
  const boxes = [];
  let begin = 0;
  while (begin < weights.length) {
    const short = Math.min(w, h);
    let end = begin;
    let area = 0;
    let worst = Infinity;
    while (end < weights.length) {
      const grown = area + weights[end] * scale;
      const ratio = worstRatio(weights[begin] * scale, weights[end] * scale, grown, short);
      if (ratio > worst) break;
      [area, worst] = [grown, ratio];
      end++;
    }
    const thick = short > 0 ? area / short : 0;
    let along = 0;
    for (let i = begin; i < end; i++) {
      const length = thick > 0 ? (weights[i] * scale) / thick : 0;
      boxes.push(w >= h ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick });
      along += length;
    }
    if (w >= h) [x, w] = [x + thick, w - thick];
    else [y, h] = [y + thick, h - thick];
    begin = end;
  }
  return boxes;
}

function worstRatio(largest, smallest, area, short) {
  const square = area * area;
  return Math.max((short * short * largest) / square, square / (short * short * smallest));
}

// The parts of a node: clusters, and one part for all single images. These are many and of little
// interest, so the area of their part is limited to a share of the rest.
function partsOf(node) {
  const whole = lastWhole(node);
  const parts = kidsOf(whole).map((id) => ({ kind: 'node', id, weight: tree.size[id] }));
  const singles = singlesOf(whole).size;
  if (singles) {
    const rest = tree.size[whole] - singles;
    const weight = rest ? Math.min(singles, SINGLES_SHARE * rest) : 1;
    parts.push({ kind: 'singles', id: whole, weight });
  }
  return parts.sort((a, b) => b.weight - a.weight);
}

// The largest squares, `least` pixels or more, in which so many images fit; fewer where they do not.
function gridOf(size, box, least, most) {
  const fair = Math.ceil(Math.sqrt((size * box.w) / box.h));
  let best = { side: 0 };
  for (let across = Math.max(1, fair - 3); across <= fair + 3; across++) {
    const cell = Math.min(box.w / across, box.h / Math.ceil(size / across));
    if (cell > best.side) best = { side: cell, across };
  }
  if (best.side < least) {
    const across = Math.max(1, Math.floor(box.w / least));
    return { side: least, across, shown: Math.min(size, across * Math.floor(box.h / least)) };
  }
  const side = Math.min(most, best.side);
  return { side, across: side < best.side ? Math.floor(box.w / side) : best.across, shown: size };
}

function imageCells(images, box, least, most) {
  const grid = gridOf(images.length, box, least, most);
  const across = Math.min(grid.across, grid.shown);
  const left = box.x + (box.w - across * grid.side) / 2;
  const top = box.y + (box.h - Math.ceil(grid.shown / grid.across) * grid.side) / 2;
  return Array.from(images.slice(0, grid.shown), (id, i) => ({
    kind: 'image', id, w: grid.side, h: grid.side,
    x: left + (i % grid.across) * grid.side, y: top + Math.floor(i / grid.across) * grid.side,
  }));
}

// The room inside a cell, below its caption where it has one.
function inside(cell) {
  const edge = Math.min(4, Math.max(1, Math.min(cell.w, cell.h) * 0.08));
  const head = cell.captioned ? CAPTION + 3 : edge;
  return { x: cell.x + edge, y: cell.y + head, w: cell.w - 2 * edge, h: cell.h - head - edge };
}

// All cells of a view. `outer` cells answer to clicks; those inside show what they hold.
function cellsOf(view, box) {
  const parts = view.kind === 'node' ? partsOf(view.id) : [];
  if (!parts.length) {
    return imageCells(imagesOf(view), inside(box), 24, LARGEST).map((cell) => ({ ...cell, outer: true }));
  }
  const cells = [];
  divide(parts, box, 0, cells);
  return cells;
}

function divide(parts, box, depth, cells) {
  squarify(parts.map((part) => part.weight), box).forEach((place, i) => {
    const { kind, id } = parts[i];
    const captioned = place.w > 58 && place.h > 54 && depth < 2;
    const cell = { kind, id, ...place, captioned, outer: depth === 0 };
    cells.push(cell);
    fill(cell, depth, cells);
  });
}

// Shows the clusters inside where they are large enough to see, else all images, else prototypes.
function fill(cell, depth, cells) {
  const box = inside(cell);
  const parts = cell.kind === 'node' ? partsOf(cell.id) : [];
  const fair = (number) => Math.sqrt((box.w * box.h) / number);
  if (parts.length && fair(parts.length) > 24) divide(parts, box, depth + 1, cells);
  else if (fair(sizeOf(cell)) >= 11) cells.push(...imageCells(imagesOf(cell), box, 4, LARGEST));
  else if (Math.min(box.w, box.h) >= 10) cells.push(...imageCells(examplesOf(cell, box), box, 10, LARGEST));
}

// Images that stand for a cell: prototypes of the clusters inside, or the first of its images, as many
// as are legible, else one.
function examplesOf(cell, box) {
  const room = Math.max(1, Math.floor(box.w / LEGIBLE) * Math.floor(box.h / LEGIBLE));
  const kids = cell.kind === 'singles' ? [] : kidsOf(lastWhole(cell.id));
  if (!kids.length) return imagesOf(cell).slice(0, room);
  return (kids.length > 1 && room > 1 ? kids.slice(0, room) : [cell.id]).map((node) => tree.prototype[node]);
}
