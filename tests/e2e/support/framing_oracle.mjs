// What a strict HTTP/1.1 server has to make of the bytes of one connection. Written from RFC 9112 and the limits that api.md
// names, from nothing of the server: plain, over the whole input at once, and without tolerance.
//
// judge(text) → { answers: [{ method, status }], end }
//   text      one character a byte (latin1)
//   answers   in order
//   end       closed: the server closes after the last answer; open: it waits for another request; waiting: it waits for the rest
//             of one that has begun

export const limits = { line: 8 * 1024, block: 16 * 1024, fields: 100, body: 1024 * 1024, chunkLine: 257, extensions: 16 * 1024, trailers: 4 * 1024 };

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const registered = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH']);
// Of WebDAV, UPnP and others: known, and asked for by nobody.
const elsewhere = new Set(('ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND ' +
  'REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE').split(' '));

class Refused extends Error {
  constructor(status) { super(`refused ${status}`); this.status = status; }
}
class Cut extends Error {}

function isHost(text) {
  const match = /^(\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+)(?::(\d{0,5}))?$/.exec(text);
  if (!match || Number(match[2] ?? 0) > 65535) return false;
  return !match[1].startsWith('[') || isIpv6(match[1].slice(1, -1));
}
function isIpv6(text) {
  try { return new URL(`http://[${text}]/`).hostname.length > 0; } catch { return false; }
}

// One line from `at` on, by the only line end there is. `allowed(code)` says which bytes may stand in it.
function takeLine(text, at, allowed, bytesMax, tooLong) {
  for (let i = at; ; ++i) {
    if (i - at >= bytesMax) throw new Refused(tooLong);
    if (i >= text.length) throw new Cut();
    const code = text.charCodeAt(i);
    if (code === 13) {
      if (i + 1 - at >= bytesMax) throw new Refused(tooLong);
      if (i + 1 >= text.length) throw new Cut();
      if (text[i + 1] !== '\n') throw new Refused(400);
      return { line: text.slice(at, i), next: i + 2 };
    }
    if (!allowed(code)) throw new Refused(400);
  }
}
const inFields = (code) => code === 9 || (code >= 32 && code !== 127);
const inRequestLine = (code) => code >= 32 && code < 127;

function judgeRequestLine(line) {
  const parts = line.split(' ');
  if (parts.length !== 3 || parts.some((part) => part === '')) throw new Refused(400);
  const [method, target, version] = parts;
  if (!token.test(method) || !/^HTTP\/1\.[01]$/.test(version)) throw new Refused(400);
  if (method === 'CONNECT') throw new Refused(501);
  if (method === 'PRI') throw new Refused(400);                // the beginning of HTTP/2
  if (target.includes('#')) throw new Refused(400);
  let path = target;
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(target);
  if (absolute) {
    if (!isHost(absolute[1])) throw new Refused(400);
    path = absolute[2] === '' && method === 'OPTIONS' ? '*' : absolute[2].startsWith('/') ? absolute[2] : `/${absolute[2]}`;
  } else if (target === '*' ? method !== 'OPTIONS' : !target.startsWith('/')) {
    throw new Refused(400);
  }
  return { method, path: path.split('?')[0], minor: Number(version.at(-1)) };
}

function takeHead(text, at) {
  let from = at;
  if (text.startsWith('\r\n', from)) from += 2;                // one empty line before a request is let pass
  else if (text[from] === '\r' && from + 1 >= text.length) throw new Cut();
  if (from >= text.length) return null;
  const first = takeLine(text, from, inRequestLine, limits.line, 414);
  const head = { ...judgeRequestLine(first.line), fields: [] };
  for (let place = first.next; ;) {
    const { line, next } = takeLine(text, place, inFields, limits.block - (place - from), 431);
    place = next;
    if (line === '') { head.next = place; break; }
    head.fields.push(line);
  }
  head.fields = head.fields.map((line) => {
    const colon = line.indexOf(':');
    if (colon < 0 || !token.test(line.slice(0, colon))) throw new Refused(400);
    const name = line.slice(0, colon).toLowerCase();
    // White space around a value is a space or a tab; but there are readers that leave a tab at the end of it.
    if ((name === 'content-length' || name === 'transfer-encoding') && line.endsWith('\t')) throw new Refused(400);
    return [name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  });
  if (head.fields.length > limits.fields) throw new Refused(431);
  head.values = (name) => head.fields.filter(([each]) => each === name).map(([, value]) => value);
  return head;
}

function judgeFraming(head) {
  const hosts = head.values('host');
  if (hosts.length > 1 || (hosts.length === 0 && head.minor === 1)) throw new Refused(400);
  if (hosts.length === 1 && !isHost(hosts[0])) throw new Refused(400);
  const lengths = head.values('content-length');
  const codings = head.values('transfer-encoding');
  if (codings.length > 0 && (head.minor === 0 || lengths.length > 0)) throw new Refused(400);
  if (lengths.length > 1 || codings.length > 1) throw new Refused(400);
  if (codings.length === 1) {
    if (codings[0].toLowerCase() === 'chunked') return { chunked: true };
    const list = codings[0].split(',').map((each) => each.replace(/^[ \t]+|[ \t]+$/g, ''));
    if (list.some((each) => !token.test(each)) || list.every((each) => each.toLowerCase() === 'chunked')) throw new Refused(400);
    throw new Refused(501);
  }
  if (lengths.length === 0) return { bytes: 0n };
  if (!/^\d{1,19}$/.test(lengths[0]) || BigInt(lengths[0]) >= 2n ** 63n) throw new Refused(400);
  return { bytes: BigInt(lengths[0]) };
}

// The place behind a chunked body.
function passChunks(text, from) {
  let at = from;
  let bytes = 0;
  let extensions = 0;
  for (;;) {
    const { line, next } = takeLine(text, at, inFields, limits.chunkLine, 400);
    const match = /^([0-9A-Fa-f]{1,16})(;.*)?$/.exec(line);
    if (!match) throw new Refused(400);
    extensions += (match[2] ?? '').length;
    if (extensions > limits.extensions) throw new Refused(400);
    const size = BigInt(`0x${match[1]}`);
    if (size >= 2n ** 63n) throw new Refused(400);
    at = next;
    if (size === 0n) break;
    if (BigInt(bytes) + size > BigInt(limits.body) && text.length - at > limits.body - bytes) throw new Refused(413);
    bytes += Number(size);
    at += Number(size);
    if (text.slice(at, at + 2) === '\r\n') at += 2;
    else if (at >= text.length || (text[at] === '\r' && at + 1 >= text.length)) throw new Cut();
    else throw new Refused(400);
  }
  for (const first = at; ;) {
    const { line, next } = takeLine(text, at, inFields, limits.trailers - (at - first) + 2, 431);
    at = next;
    if (line === '') return at;
    const colon = line.indexOf(':');
    if (colon < 0 || !token.test(line.slice(0, colon))) throw new Refused(400);
  }
}

function route({ method, path }) {
  if (path === '*') return 204;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 400;
  const decoded = decodeURIComponent(path.replace(/%[89A-Fa-f][0-9A-Fa-f]/g, ''));
  if (decoded !== '/health' && path !== '/') return 404;
  if (method === 'GET' || method === 'HEAD') return 200;
  return method === 'OPTIONS' ? 204 : 405;
}

const tokens = (head, name) => head.values(name).flatMap((value) => value.split(',')).map((each) => each.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());

export function judge(text) {
  const answers = [];
  let at = 0;
  try {
    for (;;) {
      const head = takeHead(text, at);
      if (!head) return { answers, end: 'open' };
      const framing = judgeFraming(head);
      if (!registered.has(head.method) && !elsewhere.has(head.method)) throw new Refused(501);
      const expectations = head.values('expect');
      if (head.minor === 1 && expectations.length > 0 && expectations[0].toLowerCase() !== '100-continue') throw new Refused(417);
      if (framing.chunked) {
        at = passChunks(text, head.next);
      } else {
        if (framing.bytes > BigInt(limits.body)) throw new Refused(413);
        at = head.next + Number(framing.bytes);
        if (at > text.length) throw new Cut();
      }
      answers.push({ method: head.method, status: route(head) });
      const connection = tokens(head, 'connection');
      if (connection.includes('close') || (head.minor === 0 && !connection.includes('keep-alive'))) return { answers, end: 'closed' };
    }
  } catch (reason) {
    if (reason instanceof Cut) return { answers, end: 'waiting' };
    if (!(reason instanceof Refused)) throw reason;
    answers.push({ method: null, status: reason.status });
    return { answers, end: 'closed' };
  }
}
