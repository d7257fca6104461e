// Search by image, class, cluster, file name or size.

const FOUND = 40;
const field = byId('search');
const results = byId('results');
const COMPARE = { '>': (a, b) => a > b, '<': (a, b) => a < b, '=': (a, b) => a === b };

// What matches a text, as views: images by number, classes, clusters, images by file name.
function find(text) {
  const size = text.match(/^size\s*([<>=])\s*(\d+)$/i);
  if (size) return clustersWhere((node) => COMPARE[size[1]](tree.size[node], Number(size[2])));
  const [, what = '', , name = ''] = text.toLowerCase().match(/^((image|class|cluster|file)\s+)?#?(.*)$/) || [];
  const ways = { image: imageByNumber, class: byClass, cluster: clustersByName, file: byFile };
  const only = what.trim();
  return only ? ways[only](name, true) : Object.values(ways).flatMap((way) => way(name, false));
}

function imageByNumber(text) {
  if (!/^\d+$/.test(text)) return [];
  const image = tree.numbers ? tree.numbers.indexOf(Number(text)) : Number(text);
  return image >= 0 && image < imageCount ? [{ kind: 'image', id: image }] : [];
}

// Classes of a name, or else with it inside, each followed by the clusters that it has most of.
function byClass(text) {
  const names = page.classNames.map((name) => name.toLowerCase());
  const fits = names.includes(text) ? (name) => name === text : (name) => !/^\d+$/.test(text) && name.includes(text);
  const kinds = names.flatMap((name, kind) => (fits(name) && imagesOfClass(kind).length ? [kind] : []));
  return [...kinds.map((id) => ({ kind: 'class', id })), ...clustersWhere((node) => kinds.includes(tree.majority[node]))];
}

// Clusters of a number at any level, or of a name such as L2-7.
function clustersByName(text) {
  const [, level, label] = text.match(/^(?:l(\d+)-)?(\d+)$/) || [];
  return label ? clustersWhere((node) => tree.label[node] === Number(label) && (!level || tree.level[node] === Number(level))) : [];
}

function byFile(text) {
  const found = [];
  page.names.forEach((name, id) => { if (name.toLowerCase().includes(text)) found.push({ kind: 'image', id }); });
  return found;
}

// Clusters, the largest first.
function clustersWhere(fits) {
  const found = [];
  for (let node = 0; node < tree.size.length; node++) if (tree.level[node] && fits(node)) found.push({ kind: 'node', id: node });
  return found.sort((a, b) => tree.size[b.id] - tree.size[a.id] || a.id - b.id);
}

function showResults() {
  const text = field.value.trim();
  results.hidden = !text;
  if (!text) return;
  const found = find(text);
  const summary = found.length ? count(found.length, 'hit') : 'Nothing found';
  const more = found.length > FOUND ? `, the first ${FOUND} shown` : '';
  results.replaceChildren(make('p', { class: 'note' }, summary + more), ...found.slice(0, FOUND).map(resultRow));
  byId('status').textContent = summary;
}

function resultRow(view) {
  if (view.kind !== 'image') return partRow(view);
  const note = [page.names.length && `image ${numberOf(view.id)}`, classOf(view.id)].filter(Boolean).join(', ');
  return make('a', { class: 'row', href: hashOf(view) }, picture(view.id, 36),
    make('span', { class: 'row-name' }, make('b', {}, nameOf(view)), make('br'), make('span', { class: 'sub' }, note)));
}

function startSearch() {
  const some = page.classNames.length ? `, ${className(Math.min(7, page.classNames.length - 1))}` : '';
  const cluster = tree.size.length > 1 ? `, ${clusterName(tree.size.length - 1)}` : '';
  field.placeholder = `${page.names.length ? 'file name, ' : ''}image 42${some}${cluster}, size > 20`;
  field.addEventListener('input', showResults);
  field.addEventListener('focus', showResults);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') results.hidden = true;
    if (event.key === 'Enter') results.querySelector('a')?.click();
  });
  results.addEventListener('click', (event) => { if (event.target.closest('a')) results.hidden = true; });
  document.addEventListener('focusin', closeOutside);
  document.addEventListener('click', closeOutside);
}

function closeOutside(event) {
  if (!event.target.closest || !event.target.closest('.search')) results.hidden = true;
}
