// Message text and times as DOM nodes. Text only ever enters the page as a text node.

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}
export { element };

const FENCE = /^ {0,3}```\s*([\w+#.-]*)[^`]*$/;

function appendLines(parent, lines) {
  const text = lines.join('\n').replace(/^\n+|\n+$/g, '');
  if (!text) return;
  const paragraph = element('p', 'prose');
  paragraph.dir = 'auto';
  // Odd pieces stood between single backticks.
  text.split(/`([^`\n]+)`/).forEach((piece, index) => paragraph.append(index % 2 ? element('code', '', piece) : piece));
  parent.append(paragraph);
}

function appendCode(parent, language, lines) {
  const block = element('pre');
  block.tabIndex = 0;                          // so that the keyboard can scroll it
  block.append(element('code', '', lines.join('\n')));
  if (language) block.dataset.language = language;
  parent.append(block);
}

const QUOTE = /^> ?/;
const QUOTE_DEPTH_MAX = 4;                     // a line of 100 000 `>` is text, not 100 000 boxes

// Runs of lines of one kind: [{kind: 'text' | 'code' | 'quote', language, lines}]. An unclosed fence (a stream in flight)
// is code up to the end.
function splitBlocks(text, quotes) {
  const blocks = [];
  const add = (kind, line) => {
    if (blocks.at(-1)?.kind !== kind) blocks.push({ kind, lines: [] });
    blocks.at(-1).lines.push(line);
  };
  let inCode = false;
  for (const line of text.split('\n')) {
    if (inCode) {
      if (/^ {0,3}```\s*$/.test(line)) inCode = false;
      else blocks.at(-1).lines.push(line);
    } else if (FENCE.test(line)) {
      inCode = true;
      blocks.push({ kind: 'code', language: FENCE.exec(line)[1], lines: [] });
    } else if (quotes && QUOTE.test(line)) {
      add('quote', line.replace(QUOTE, ''));
    } else {
      add('text', line);
    }
  }
  return blocks;
}

// Fills `parent` with `text`: fenced blocks become code, backticks inline code, lines after `>` quotes; all else stays
// as written.
export function showText(parent, text, depth = 0) {
  parent.replaceChildren();
  for (const { kind, language, lines } of splitBlocks(text, depth < QUOTE_DEPTH_MAX)) {
    if (kind === 'code') {
      appendCode(parent, language, lines);
    } else if (kind === 'quote') {
      const quote = element('blockquote');
      showText(quote, lines.join('\n'), depth + 1);
      parent.append(quote);
    } else {
      appendLines(parent, lines);
    }
  }
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

// A <time>: the hour today, else the day; the whole date on hover.
export function timeElement(timestamp) {
  const when = new Date(timestamp);
  const node = element('time');
  if (Number.isNaN(when.getTime())) return node;
  const now = new Date();
  const format = when.toDateString() === now.toDateString() ? clock : when.getFullYear() === now.getFullYear() ? day : dayOfYear;
  node.dateTime = timestamp;
  node.textContent = format.format(when);
  node.title = full.format(when);
  return node;
}
