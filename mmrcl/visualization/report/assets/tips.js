// The box at the pointer of a map.

function makeTip(frame) {
  const box = make('div', { class: 'tip' });
  box.hidden = true;
  frame.append(box);
  return box;
}

// Shows an image and lines of text near (x, y), inside the frame.
function placeTip(box, image, lines, x, y) {
  const text = make('span', {}, make('b', {}, lines[0]));
  for (const line of lines.slice(1)) if (line) text.append(make('br'), line);
  box.replaceChildren(picture(image, 56), text);
  box.hidden = false;
  const { clientWidth, clientHeight } = box.parentElement;
  const left = Math.min(x + 14, clientWidth - box.offsetWidth - 4);
  const top = y + 18 + box.offsetHeight > clientHeight ? y - box.offsetHeight - 10 : y + 18;
  Object.assign(box.style, { left: `${Math.max(2, left)}px`, top: `${Math.max(2, top)}px` });
}

// File, class and clusters of an image.
function linesOf(image) {
  return [imageName(image), classOf(image), clustersOf(image).map(clusterName).join(', ')];
}
