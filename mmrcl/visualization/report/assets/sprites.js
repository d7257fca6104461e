// Thumbnails: sheets are decoded when something on them is first shown.

const { side, pitch, columns } = page.sprites;
const capacity = columns * columns;
const crisp = side <= 16;
const sheets = new Map();
const waiting = new Set();

// The sheet as {url, picture}, or undefined while the file is still being read.
function sheetOf(tile) {
  const number = Math.floor(tile / capacity);
  if (!sheets.has(number)) {
    const element = byId(`sheet-${number}`);
    const whole = element && (element.nextSibling || document.readyState !== 'loading');
    if (!whole) return undefined;
    const url = URL.createObjectURL(new Blob([bytesOf(element.textContent)], { type: element.type }));
    const picture = new Image();
    picture.addEventListener('load', () => waiting.forEach((redraw) => redraw()));
    picture.src = url;
    sheets.set(number, { url, picture });
  }
  return sheets.get(number);
}

function placeOf(tile) {
  const slot = tile % capacity;
  return { x: (slot % columns) * pitch, y: Math.floor(slot / columns) * pitch };
}

// Draws an image on a canvas; returns false if its sheet is not decoded yet.
function drawImage(context, image, x, y, size) {
  const tile = tileOf[image];
  const sheet = sheetOf(tile);
  if (!sheet || !sheet.picture.complete) return false;
  const at = placeOf(tile);
  context.imageSmoothingEnabled = !crisp;
  context.drawImage(sheet.picture, at.x, at.y, side, side, x, y, size, size);
  return true;
}

// An element that shows an image; not a link.
function picture(image, size) {
  const tile = tileOf[image];
  const scale = size / side;
  const at = placeOf(tile);
  const element = make('span', { class: crisp ? 'picture crisp' : 'picture', 'aria-hidden': 'true' });
  element.style.width = element.style.height = `${size}px`;
  element.style.backgroundSize = `${sheetWidth(tile) * scale}px auto`;
  element.style.backgroundPosition = `${-at.x * scale}px ${-at.y * scale}px`;
  const paint = () => {
    const sheet = sheetOf(tile);
    if (sheet) element.style.backgroundImage = `url(${sheet.url})`;
    else document.addEventListener('DOMContentLoaded', paint, { once: true });
  };
  paint();
  return element;
}

const sheetWidth = () => columns * pitch;

// A thumbnail that opens its image; an image of another class than `expected` is marked.
function thumb(image, size, expected) {
  const kind = tree.classes ? tree.classes[image] : undefined;
  const odd = kind !== undefined && expected !== undefined && kind !== expected;
  const name = [imageName(image), classOf(image)].filter(Boolean).join(', ');
  const link = make('a', {
    class: `thumb${odd ? ' odd' : ''}${selected.has(image) ? ' chosen' : ''}`, href: hashOf({ kind: 'image', id: image }),
    title: name, 'aria-label': odd ? `${name}, another class` : name, 'data-image': image,
  }, picture(image, size));
  if (kind !== undefined) link.style.setProperty('--class', colorOfClass(kind));
  return link;
}

// A thumbnail above the name of its file and a note.
function tile(image, size, expected, note) {
  const name = page.names[image]?.split('/').pop();
  const caption = [name, note].filter(Boolean).map((line) => make('span', { title: line }, line));
  const figure = make('figure', { class: 'tile' }, thumb(image, size, expected), make('figcaption', {}, ...caption));
  figure.style.width = `${size}px`;
  return figure;
}
