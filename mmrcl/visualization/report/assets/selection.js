// The images that the reader has selected, and their export.

const selected = new Set();

// Adds images to the selection or, if all are in it, takes them out.
function toggleSelected(images) {
  const all = allSelected(images);
  for (const image of images) {
    if (all) selected.delete(image);
    else selected.add(image);
  }
  afterSelecting(all ? 'taken out of the selection' : 'added to the selection', images.length);
}

function clearSelection() {
  const size = selected.size;
  selected.clear();
  afterSelecting('taken out of the selection', size);
}

const allSelected = (images) => images.length > 0 && images.every((image) => selected.has(image));

function afterSelecting(what, size) {
  for (const link of document.querySelectorAll('.thumb')) link.classList.toggle('chosen', selected.has(Number(link.dataset.image)));
  for (const button of document.querySelectorAll('.pick')) button.refresh();
  byId('selection').hidden = !selected.size;
  byId('selection-count').textContent = `${count(selected.size, 'image')} selected`;
  byId('status').textContent = `${count(size, 'image')} ${what}`;
  drawMap();
  if (tree.x) paintMarksOfPlot();
  if (state.view.kind === 'selection') {
    if (selected.size) show(state.view);
    else go({ kind: 'node', id: 0 });
  }
}

// A button that selects images, or takes them out.
function pickButton(images, what) {
  const button = make('button', { type: 'button', class: 'button pick', onclick: () => toggleSelected(images) });
  button.refresh = () => { button.textContent = allSelected(images) ? `Remove ${what} from selection` : `Select ${what}`; };
  button.refresh();
  return button;
}

const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

// One line per selected image: file, number, class and clusters, fine to coarse.
function selectionTable() {
  const head = [page.names.length && 'file', 'number', tree.classes && 'class', ...page.levels.map(({ level }) => `cluster_level_${level}`)];
  const rows = Array.from(imagesOf({ kind: 'selection' }), (image) => [
    page.names.length && fileOf(image), numberOf(image), tree.classes && page.classNames[tree.classes[image]], ...clustersOf(image).map(clusterName),
  ]);
  const kept = head.map(Boolean);
  return [head, ...rows].map((row) => row.filter((_, i) => kept[i]).map((value) => quoted(String(value))).join(',')).join('\r\n') + '\r\n';
}

function downloadSelection() {
  const url = URL.createObjectURL(new Blob([selectionTable()], { type: 'text/csv' }));
  make('a', { href: url, download: 'selection.csv' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// The images below an element or the pointer of a map: what the key s and a click with Shift select.
function imagesAt(target) {
  const link = target.closest?.('.thumb');
  if (link) return [Number(link.dataset.image)];
  if (target === canvas && map.active >= 0) return imagesOf(map.outer[map.active]);
  if (target === plot.canvas && plot.active >= 0) return [plot.active];
  return imagesOf(state.view);
}

function onPageKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches('input')) return;
  if (event.key === 's') toggleSelected(imagesAt(event.target));
  else if (event.key === '/') field.focus();
  else return;
  event.preventDefault();
}

function startSelection() {
  byId('selection').append(
    make('b', { id: 'selection-count' }),
    make('a', { class: 'button', href: '#selection=0' }, 'Show'),
    make('button', { type: 'button', class: 'button', id: 'download', onclick: downloadSelection }, 'Download CSV'),
    make('button', { type: 'button', class: 'button', onclick: clearSelection }, 'Clear'),
  );
  document.addEventListener('keydown', onPageKey);
  document.addEventListener('click', (event) => {
    if (!event.shiftKey || !event.target.closest('.thumb')) return;
    event.preventDefault();
    toggleSelected(imagesAt(event.target));
  });
}
