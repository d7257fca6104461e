// Making elements. Text from the data only ever enters as text.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const byId = (id) => document.getElementById(id);
const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A list of which one page at a time is in the document.
function paged(total, perPage, container, render, label) {
  let first = 0;
  const range = make('span', { class: 'pager-count' });
  const back = make('button', { type: 'button', 'aria-label': `Previous ${label}`, onclick: () => turn(-1) }, '‹');
  const on = make('button', { type: 'button', 'aria-label': `Next ${label}`, onclick: () => turn(1) }, '›');
  const pager = make('div', { class: 'pager' }, back, range, on);
  pager.hidden = total <= perPage;

  function turn(step) {
    first += step * perPage;
    const end = Math.min(total, first + perPage);
    const items = [];
    for (let i = first; i < end; i++) items.push(render(i));
    container.replaceChildren(...items);
    back.disabled = first === 0;
    on.disabled = end === total;
    range.textContent = `${(first + 1).toLocaleString('en')}–${end.toLocaleString('en')} of ${total.toLocaleString('en')}`;
  }

  turn(0);
  return { pager, container };
}
