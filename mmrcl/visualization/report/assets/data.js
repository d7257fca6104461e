// The data of the page, and values derived from it: parents, leaves, names.

const page = JSON.parse(document.getElementById('data').textContent);
const tree = decodeArrays(page.arrays);
const imageCount = tree.tiles.length;
const parentOf = parents();
const leavesOf = leaves();
const tileOf = inverse(tree.tiles);
const branches = tree.order.length / imageCount;

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function decodeArrays(arrays) {
  const types = { Uint8Array, Uint16Array, Uint32Array };
  const decoded = {};
  for (const [name, { type, base64 }] of Object.entries(arrays)) {
    decoded[name] = new types[type](bytesOf(base64).buffer);
  }
  return decoded;
}

function inverse(order) {
  const places = new Uint32Array(order.length);
  order.forEach((item, place) => { places[item] = place; });
  return places;
}

function parents() {
  const above = new Int32Array(tree.size.length).fill(-1);
  for (let node = 0; node < above.length; node++) {
    for (let i = 0; i < tree.children[node]; i++) above[tree.first_child[node] + i] = node;
  }
  return above;
}

// The leaf of each place in the order; where levels do not nest, one stretch of places a level.
function leaves() {
  const leaf = new Uint32Array(tree.order.length);
  for (let node = 0; node < tree.size.length; node++) {
    if (tree.children[node]) continue;
    const stretch = Math.floor(tree.start[node] / tree.tiles.length) * tree.tiles.length;
    for (let i = 0; i < tree.size[node]; i++) {
      leaf[stretch + tree.order[tree.start[node] + i]] = node;
    }
  }
  return leaf;
}

// The clusters of an image, fine to coarse.
function clustersOf(image) {
  const path = [];
  for (let branch = 0; branch < branches; branch++) {
    let node = leavesOf[branch * imageCount + image];
    for (; tree.level[node]; node = parentOf[node]) path.push(node);
  }
  return path;
}

// A view is what the reader has chosen: {kind, id}, where kind is 'node', 'singles' (the children of a
// node that are one image), 'image', 'class' or 'selection'.
function rangeOf(view) {
  if (view.kind === 'singles') return singlesOf(view.id);
  if (view.id === 0) return { start: 0, size: imageCount }; // Without the copies for other levels.
  return { start: tree.start[view.id], size: tree.size[view.id] };
}

function imagesOf(view) {
  if (view.kind === 'image') return Uint32Array.of(view.id);
  if (view.kind === 'class') return imagesOfClass(view.id);
  if (view.kind === 'selection') return Uint32Array.from(selected).sort();
  const { start, size } = rangeOf(view);
  return tree.order.subarray(start, start + size);
}

function sizeOf(view) {
  return view.kind === 'node' || view.kind === 'singles' ? rangeOf(view).size : imagesOf(view).length;
}

const classMembers = new Map();
function imagesOfClass(kind) {
  if (!classMembers.size) {
    for (let i = 0; i < page.classNames.length; i++) classMembers.set(i, []);
    tree.classes.forEach((own, image) => classMembers.get(own).push(image));
  }
  return classMembers.get(kind);
}

// The most similar images with their cosines.
const nearestCount = tree.nearest ? tree.nearest.length / imageCount : 0;
function similarTo(image) {
  const [start, end] = [image * nearestCount, (image + 1) * nearestCount];
  return Array.from(tree.nearest.subarray(start, end), (other, i) => ({ image: other, cosine: tree.cosines[start + i] / 255 }));
}

// Children of a node with several images: siblings are sorted by size, so these come first.
function kidsOf(node) {
  const kids = [];
  for (let i = 0; i < tree.children[node]; i++) {
    const kid = tree.first_child[node] + i;
    if (tree.size[kid] === 1) break;
    kids.push(kid);
  }
  return kids;
}

// Children of one image, taken together.
function singlesOf(node) {
  const count = tree.children[node] - kidsOf(node).length;
  return { start: tree.start[node] + tree.size[node] - count, size: count };
}

// The first node from here down that splits, or the leaf.
function lastWhole(node) {
  while (tree.children[node] === 1) node = tree.first_child[node];
  return node;
}

const numberOf = (image) => (tree.numbers ? tree.numbers[image] : image);
const className = (kind) => page.classNames[kind].replace(/^\d+$/, 'class $&');
const classOf = (image) => (tree.classes ? className(tree.classes[image]) : '');
const majorityName = (node) => (tree.majority ? className(tree.majority[node]) : '');
const purityOf = (node) => tree.agreeing[node] / tree.size[node];
const cohesionOf = (node) => tree.cohesion[node] / 255;
const count = (n, one, many = `${one}s`) => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
const percent = (share) => `${(100 * share).toFixed(share > 0.995 && share < 1 ? 1 : 0)} %`;

// The file of an image, within the folder that all share and as a whole, or its number.
const imageName = (image) => page.names[image] ?? `Image ${numberOf(image)}`;
const fileOf = (image) => (page.folder ? `${page.folder.replace(/[/]$/, '')}/${page.names[image]}` : page.names[image]);
const clusterName = (node) => `L${tree.level[node]}-${tree.label[node]}`;

function nodeName(node) {
  if (node === 0) return 'All images';
  if (!tree.level[node]) return `Level ${tree.label[node]}`;
  return `Cluster ${clusterName(node)}`;
}

function nameOf(view) {
  if (view.kind === 'image') return imageName(view.id);
  if (view.kind === 'class') return className(view.id);
  if (view.kind === 'selection') return 'Selection';
  return view.kind === 'singles' ? 'Single images' : nodeName(view.id);
}

const sameView = (a, b) => a.kind === b.kind && a.id === b.id;
const hashOf = (view) => `#${view.kind}=${view.id}`;
