// Examples: an image, the images that training pairs it with, and the label of the pair at each level.

// Whether each level 1..H labels a pair of images positive: same cluster, at level 1 same image.
function pairLabels(a, b) {
  const theirs = clustersOf(b);
  return [a === b, ...clustersOf(a).map((node, i) => node === theirs[i])];
}

function pairLabelChips(query, key) {
  return make('span', { class: 'pair-labels' }, ...pairLabels(query, key).map((positive, i) => make('span', {
    class: positive ? 'pair-label yes' : 'pair-label no',
    title: i ? `${positive ? 'Same cluster' : 'Different clusters'} at level ${i + 1}` : `${positive ? 'Same image' : 'Different images'} (level 1)`,
  }, `${i + 1}${positive ? '+' : '−'}`)));
}

function keyCard(query, key, cosine) {
  if (key < 0) return make('div', { class: 'key none' }, 'none found, paired with itself');
  const same = tree.classes && tree.classes[query] === tree.classes[key];
  const [kind, text, title] = same ? ['agrees', '✓ same class', 'The class of the query'] : ['differs', `✗ ${className(tree.classes?.[key])}`, 'Another class'];
  return make('div', { class: 'key' }, thumb(key, 52),
    make('span', { class: 'cosine', title: 'Cosine of query and key' }, cosine.toFixed(2)),
    page.names.length ? make('span', { class: 'file', title: page.names[key] }, page.names[key].split('/').pop()) : null,
    tree.classes && make('span', { class: kind, title }, text),
    pairLabelChips(query, key));
}

function foundRow(way, place) {
  const query = page.queries[place];
  return make('div', { class: 'found' }, make('h5', {}, way.name),
    make('div', { class: 'keys' }, ...way.keys[place].map((key, i) => keyCard(query, key, way.cosines[place][i]))));
}

function queryCard(query, place) {
  const kind = classOf(query);
  const head = make('div', { class: 'query' }, thumb(query, 84), make('b', {}, imageName(query)), kind && make('span', { class: 'sub' }, kind));
  return make('article', { class: 'card retrieval' }, head, make('div', { class: 'ways' }, ...page.retrieved.map((way) => foundRow(way, place))));
}

// How many of the images found are of the class of their own.
function agreement(way) {
  const pairs = way.keys.flatMap((keys, place) => keys.filter((key) => key >= 0).map((key) => [page.queries[place], key]));
  const same = pairs.filter(([query, key]) => tree.classes[query] === tree.classes[key]).length;
  return `${way.name}: ${same} of ${pairs.length}`;
}

function drawRetrievals() {
  byId('retrieval-section').hidden = byId('retrieval-link').hidden = !page.queries.length;
  const classes = tree.classes ? ` Found images of the same class: ${page.retrieved.map(agreement).join('; ')}.` : '';
  byId('retrieval-note').textContent = `On the left images drawn at random, beside them what was found for them. The number is the cosine, 1 for equal features. 2+ means: the two are in one cluster of level 2, 2− means they are not; level 1 is the image itself.${classes}`;
  byId('retrievals').replaceChildren(...page.queries.map(queryCard));
}
