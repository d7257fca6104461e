// Details of the selected part: prototype, figures, classes, clusters inside, images.

const MEMBERS = 60;
const CHILDREN = 6;

function drawPanel(view) {
  const panel = byId('panel');
  panel.replaceChildren(...(view.kind === 'image' ? imageParts(view.id) : partParts(view)));
  panel.scrollTop = 0;
}

function partParts(view) {
  const images = imagesOf(view);
  const node = view.kind === 'node' ? view.id : undefined;
  const expected = node !== undefined && tree.majority && tree.level[node] ? tree.majority[node] : undefined;
  const hero = make('div', { class: 'hero' }, thumb(faceOf(view), 96), make('div', {},
    make('h3', {}, nameOf(view)), make('p', { class: 'sub' }, where(view)), figures(view, images.length)));
  if (node !== undefined && tree.cohesion) hero.firstChild.title = `Prototype, the image nearest to the centre: ${hero.firstChild.title}`;
  const parts = [hero];
  if (view.kind !== 'selection') parts.push(actions(pickButton(images, images.length === 1 ? 'this image' : `these ${count(images.length, 'image')}`)));
  if (tree.classes && view.kind !== 'class') parts.push(classBar(images));
  if (node !== undefined) parts.push(...insides(node));
  return [...parts, ...members(images, expected)];
}

const actions = (...buttons) => make('div', { class: 'actions' }, ...buttons);

function where(view) {
  if (view.kind === 'singles') return `alone in their cluster, inside ${nodeName(view.id)}`;
  if (view.kind === 'selection') return 'chosen by you, kept until the page is closed';
  if (view.kind === 'class') return 'all images of this class';
  if (tree.level[view.id]) return `level ${tree.level[view.id]} of ${page.levels.length + 1}`;
  return view.id === 0 ? `${count(page.levels.length, 'level')} of clusters` : count(tree.children[view.id], 'cluster');
}

function figures(view, size) {
  const list = make('dl', { class: 'figures' });
  const add = (name, value, help) => list.append(make('div', { title: help }, make('dt', {}, name), make('dd', {}, value)));
  add('images', size.toLocaleString('en'));
  if (view.kind !== 'node') return list;
  if (tree.majority) add('purity', percent(purityOf(view.id)), 'Share of images of the majority class');
  if (tree.cohesion) add('cohesion', cohesionOf(view.id).toFixed(2), 'Mean cosine to the centre');
  if (tree.children[view.id]) add('clusters', tree.children[view.id].toLocaleString('en'), 'Of the next level, single images included');
  return list;
}

function classBar(images) {
  const counts = new Map();
  for (const image of images) counts.set(tree.classes[image], (counts.get(tree.classes[image]) || 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const bar = make('div', { class: 'classbar', 'aria-hidden': 'true' });
  for (const [kind, n] of sorted) {
    const part = make('span', { title: `${className(kind)}: ${n}` });
    part.style.flexGrow = n;
    part.style.background = colorOfClass(kind);
    bar.append(part);
  }
  const listed = sorted.slice(0, 10).map(([kind, n]) => make('li', {}, make('a', { href: hashOf({ kind: 'class', id: kind }) }, swatch(kind), className(kind)), ' ', make('b', {}, n.toLocaleString('en'))));
  if (sorted.length > 10) listed.push(make('li', {}, `and ${sorted.length - 10} more`));
  return make('div', {}, bar, make('ul', { class: 'classlist' }, ...listed));
}

function insides(node) {
  const whole = lastWhole(node);
  const parts = partsOf(whole);
  if (!parts.length) return [];
  const list = make('div', { class: 'rows' });
  const { pager } = paged(parts.length, CHILDREN, list, (i) => partRow(parts[i]), 'clusters');
  return [heading('Inside', pager), list];
}

function heading(text, pager) {
  return make('div', { class: 'heading' }, make('h4', {}, text), pager);
}

// A link to a cluster or to single images, with their look and figures.
function partRow(view) {
  const single = view.kind === 'singles';
  const title = single ? count(sizeOf(view), 'single image') : nameOf(view);
  const row = make('a', { class: 'row', href: hashOf(view) }, picture(faceOf(view), 36), make('span', { class: 'row-name' },
    make('b', {}, title), make('br'), make('span', { class: 'sub' }, single ? 'each a cluster of its own' : describe(view))));
  if (view.kind === 'node' && tree.majority) row.append(purityBar(view.id));
  return row;
}

function purityBar(node) {
  const fill = make('span', {});
  fill.style.width = `${100 * purityOf(node)}%`;
  fill.style.background = colorOfClass(tree.majority[node]);
  return make('span', { class: 'meter', title: `Purity ${percent(purityOf(node))}` }, fill);
}

function members(images, expected, title = 'Images') {
  const grid = make('div', { class: 'thumbs', id: 'members' });
  const { pager } = paged(images.length, MEMBERS, grid, (i) => tile(images[i], 72, expected, classOf(images[i])), 'images');
  return [heading(title, pager), grid];
}

// The images of most similar features.
function similarParts(image) {
  if (!nearestCount) return [];
  const found = similarTo(image);
  const grid = make('div', { class: 'thumbs', id: 'similar' }, ...found.map(({ image: other, cosine }) => tile(other, 72, tree.classes?.[image], `${cosine.toFixed(2)} ${classOf(other)}`)));
  return [
    heading('Similar to this', make('span', { class: 'sub' }, 'cosine of the features')), grid,
    actions(pickButton([image, ...found.map((each) => each.image)], 'it and the similar ones')),
  ];
}

function imageParts(image) {
  const kind = tree.classes && className(tree.classes[image]);
  const hero = make('div', { class: 'hero' }, thumb(image, 112), make('div', {},
    make('h3', {}, imageName(image)),
    page.names.length ? make('p', { class: 'sub' }, `image ${numberOf(image)}`) : null,
    kind && make('p', { class: 'sub' }, make('a', { href: hashOf({ kind: 'class', id: tree.classes[image] }) }, swatch(tree.classes[image]), kind))));
  const clusters = clustersOf(image);
  const path = make('div', { class: 'rows', id: 'path' }, ...clusters.map((node) => partRow({ kind: 'node', id: node })));
  const parts = [hero, actions(pickButton([image], 'this image')), ...similarParts(image), heading('Its clusters, fine to coarse'), path];
  const place = page.queries.indexOf(image);
  if (place >= 0) parts.push(heading('Found for it'), ...page.retrieved.map((way) => foundRow(way, place)));
  const finest = imagesOf({ kind: 'node', id: clusters[0] });
  if (finest.length > 1) parts.push(...members(finest, tree.classes && tree.classes[image], 'Its finest cluster'));
  return parts;
}
