// The view is in the address of the page: #node=3, #singles=3, #image=17, #class=2 or #selection=0.

const state = { view: { kind: 'node', id: 0 }, focus: { kind: 'node', id: 0 } };

function viewOfHash() {
  const [, kind, id] = location.hash.match(/^#(node|singles|image|class|selection)=(\d+)$/) || [];
  if (!kind) return location.hash ? undefined : { kind: 'node', id: 0 };
  const view = { kind, id: Number(id) };
  const ends = { node: tree.size.length, singles: tree.size.length, image: imageCount, class: page.classNames.length, selection: 1 };
  return view.id < ends[kind] && sizeOf(view) ? view : undefined;
}

function go(view) {
  location.hash = hashOf(view);
}

const MOST_AROUND = 1000;

// What the map shows for a view: an image is shown in the largest of its clusters in which it is well
// seen, or among the single images.
function focusOf(view) {
  if (view.kind !== 'image') return view;
  let node = leavesOf[view.id];
  while (tree.level[parentOf[node]] && tree.size[parentOf[node]] <= MOST_AROUND) node = parentOf[node];
  if (tree.size[node] > 1) return { kind: 'node', id: node };
  while (tree.size[node] === 1 && node) node = parentOf[node];
  return { kind: node || singlesOf(0).size ? 'singles' : 'node', id: node };
}

// The finest part that an image or single images belong to.
function holderOf(view) {
  const leaf = leavesOf[view.id];
  if (view.kind === 'image' && tree.size[leaf] > 1) return { kind: 'node', id: leaf };
  return view.kind === 'image' ? focusOf(view) : { kind: 'node', id: view.id };
}

// The view one step out; a node that is all of its parent is no step.
function above(view) {
  if (view.kind === 'image') return focusOf(view);
  if (view.kind === 'singles') return { kind: 'node', id: view.id };
  if (view.kind !== 'node') return { kind: 'node', id: 0 };
  let node = view.id;
  while (node && tree.size[parentOf[node]] === tree.size[node]) node = parentOf[node];
  return { kind: 'node', id: Math.max(0, node ? parentOf[node] : 0) };
}

function drawCrumbs(view) {
  const path = [view];
  for (let at = view; at.kind !== 'node' || at.id;) {
    if (at.kind === 'class' || at.kind === 'selection') at = { kind: 'node', id: 0 };
    else at = at.kind === 'node' ? { kind: 'node', id: parentOf[at.id] } : holderOf(at);
    path.unshift(at);
  }
  byId('crumbs').replaceChildren(...path.map((step, i) => {
    const text = nameOf(step);
    return i === path.length - 1 ? make('span', { 'aria-current': 'location' }, text) : make('a', { href: hashOf(step) }, text);
  }));
}

function drawNote() {
  const shown = map.outer.length;
  const all = sizeOf(state.focus);
  let note = 'Areas are numbers of images; only single images are drawn smaller. A click or Enter opens a part, Backspace goes back.';
  if (map.outer[0]?.kind === 'image') note = 'A click or Enter opens an image, Backspace goes back.';
  if (map.outer[0]?.kind === 'image' && shown < all) note += ` The first ${shown.toLocaleString('en')} of ${count(all, 'image')} fit; the list has them all.`;
  byId('map-note').textContent = note;
}

function show(view) {
  state.view = view;
  state.focus = focusOf(view);
  drawCrumbs(view);
  drawPanel(view);
  layoutMap();
  drawPlot();
  drawNote();
  byId('status').textContent = `${nameOf(view)}, ${describe(view)}`;
}

// An address that names no view, such as that of a section, leaves the page as it is.
function followAddress() {
  const view = viewOfHash();
  if (view) show(view);
}

function drawSummary() {
  const facts = make('dl', { class: 'facts' }, ...[...page.about, ...(page.folder ? [['Folder', page.folder]] : [])].map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
  byId('summary').replaceChildren(facts, levelTable());
  if (page.conformity < 1) {
    byId('summary').append(make('p', { class: 'notice' }, `These levels were clustered apart and do not nest (nesting conformity ${percent(page.conformity)}): there is no tree, so each level is shown beside the others.`));
  }
}

const COLUMNS = [
  ['level', 'Level', String],
  ['clusters', 'Clusters', (n) => n.toLocaleString('en')],
  ['singletons', 'Single images', (n) => n.toLocaleString('en')],
  ['largest', 'Largest', (n) => n.toLocaleString('en')],
  ['mean_size', 'Mean size', (n) => n.toFixed(2)],
  ['purity', 'Purity', percent],
  ['purity_without_singletons', 'Purity of clusters ≥ 2', percent],
  ['ami', 'AMI', (n) => n.toFixed(3)],
];

function levelTable() {
  const columns = COLUMNS.filter(([key]) => key in page.levels[0]);
  const cell = (row, key, format) => (row[key] === null ? '–' : format(row[key]));
  return make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Levels' }, make('table', {},
    make('thead', {}, make('tr', {}, ...columns.map(([, title]) => make('th', { scope: 'col' }, title)))),
    make('tbody', {}, ...page.levels.toReversed().map((row) => make('tr', {}, ...columns.map(([key, , format], i) => make(i ? 'td' : 'th', i ? {} : { scope: 'row' }, cell(row, key, format))))))));
}

drawSummary();
startSearch();
startMap();
startPlot();
startSelection();
show(viewOfHash() || state.view);
drawRetrievals();
drawCurves();
byId('sections').hidden = !page.queries.length && !page.curves.length;
window.addEventListener('hashchange', followAddress);
