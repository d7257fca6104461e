// Retrieval examples: a query, the keys found, and the label of the pair at each level.

// Whether each level 1..H labels a pair of images positive: same cluster, at level 1 same image.
function pairLabels(a, b) {
  const theirs = clustersOf(b);
  return [a === b, ...clustersOf(a).map((node, i) => node === theirs[i])];
}

function pairLabelChips(query, key) {
  return make('span', { class: 'pair-labels' }, ...pairLabels(query, key).map((positive, i) => make('span', {
    class: positive ? 'pair-label yes' : 'pair-label no',
    title: `Level ${i + 1} labels the pair ${positive ? 'positive' : 'negative'}`,
  }, `${i + 1}${positive ? '+' : '−'}`)));
}

function keyCard(query, key, cosine) {
  if (key < 0) return make('div', { class: 'key none' }, 'nothing found, the same-image key is used');
  const same = tree.classes && tree.classes[query] === tree.classes[key];
  const [kind, text, title] = same ? ['agrees', '✓ same class', 'The class of the query'] : ['differs', `✗ ${className(tree.classes?.[key])}`, 'Another class'];
  return make('div', { class: 'key' }, thumb(key, 56),
    make('span', { class: 'cosine', title: 'Cosine of query and key' }, cosine.toFixed(2)),
    tree.classes && make('span', { class: kind, title }, text),
    pairLabelChips(query, key));
}

function foundRow(way, place) {
  const query = page.queries[place];
  return make('div', { class: 'found' }, make('h5', {}, way.name),
    make('div', { class: 'keys' }, ...way.keys[place].map((key, i) => keyCard(query, key, way.cosines[place][i]))));
}

function queryCard(query, place) {
  const kind = tree.classes && className(tree.classes[query]);
  const head = make('div', { class: 'query' }, thumb(query, 84), make('b', {}, `Image ${numberOf(query)}`), kind && make('span', { class: 'sub' }, kind));
  return make('article', { class: 'card retrieval' }, head, make('div', { class: 'ways' }, ...page.retrieved.map((way) => foundRow(way, place))));
}

// How many of the keys shown are of the query's class.
function agreement(way) {
  const pairs = way.keys.flatMap((keys, place) => keys.filter((key) => key >= 0).map((key) => [page.queries[place], key]));
  const same = pairs.filter(([query, key]) => tree.classes[query] === tree.classes[key]).length;
  return `${way.name}: ${same} of ${pairs.length}`;
}

function drawRetrievals() {
  byId('retrieval-section').hidden = byId('retrieval-link').hidden = !page.queries.length;
  const classes = tree.classes ? ` Keys of the query’s class, of those shown: ${page.retrieved.map(agreement).join('; ')}.` : '';
  byId('retrieval-note').textContent = `Queries drawn at random, the number is the cosine; the signs are the labels of the pair at each level, from 1 (the image itself) up: + positive, − negative.${classes}`;
  byId('retrievals').replaceChildren(...page.queries.map(queryCard));
}
