// Search by image, cluster, class or size.

const FOUND = 40;
const field = byId('search');
const results = byId('results');
const COMPARE = { '>': (a, b) => a > b, '<': (a, b) => a < b, '=': (a, b) => a === b };

// The nodes and images that match a text, as views.
function find(text) {
  const size = text.match(/^size\s*([<>=])\s*(\d+)$/i);
  if (size) return clustersWhere((node) => COMPARE[size[1]](tree.size[node], Number(size[2])));
  const named = text.match(/^(image|cluster)?\s*#?(\d+)$/i);
  if (named) return byNumber(Number(named[2]), (named[1] || '').toLowerCase());
  return byClass(text.replace(/^class\s+/i, '').toLowerCase());
}

function byNumber(number, what) {
  const image = tree.numbers ? tree.numbers.indexOf(number) : number;
  const images = image >= 0 && image < imageCount ? [{ kind: 'image', id: image }] : [];
  const clusters = clustersWhere((node) => tree.label[node] === number);
  if (what === 'image') return images;
  return what === 'cluster' ? clusters : [...images, ...clusters];
}

function byClass(text) {
  const names = page.classNames.map((name) => name.toLowerCase());
  const fits = names.includes(text) ? (name) => name === text : (name) => name.includes(text);
  return clustersWhere((node) => tree.majority && fits(names[tree.majority[node]]));
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
  const more = found.length > FOUND ? `, the largest ${FOUND} shown` : '';
  results.replaceChildren(make('p', { class: 'note' }, summary + more), ...found.slice(0, FOUND).map(resultRow));
  byId('status').textContent = summary;
}

function resultRow(view) {
  if (view.kind === 'node') return partRow(view);
  const note = tree.classes ? className(tree.classes[view.id]) : '';
  return make('a', { class: 'row', href: hashOf(view) }, picture(view.id, 36),
    make('span', { class: 'row-name' }, make('b', {}, nameOf(view)), make('br'), make('span', { class: 'sub' }, note)));
}

function searchFor(text) {
  field.value = text;
  field.focus();
  showResults();
}

function startSearch() {
  const some = page.classNames.length ? `, class ${page.classNames[Math.min(7, page.classNames.length - 1)]}` : '';
  field.placeholder = `image 42, cluster 7, size > 20${some}`;
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
  if (!event.target.closest || !event.target.closest('.search, .chip')) results.hidden = true;
}
