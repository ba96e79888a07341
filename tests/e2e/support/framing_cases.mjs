// Requests in every odd form, by tables and their products: { group: [bytes…] }, one character a byte. Nothing here says what is
// right: that is framing_oracle.mjs.

import { limits } from './framing_oracle.mjs';

const crlf = '\r\n';
const block = (...lines) => lines.join(crlf) + crlf + crlf;
const get = (target = '/health', ...fields) => block(`GET ${target} HTTP/1.1`, 'Host: a', ...fields);
const post = (body, ...fields) => block('POST /health HTTP/1.1', 'Host: a', ...fields) + body;
const product = (...lists) => lists.reduce((rows, list) => rows.flatMap((row) => list.map((item) => [...row, item])), [[]]);
const byte = (code) => String.fromCharCode(code);
const controls = [...Array(33).keys(), 127, 128, 160, 255].filter((code) => code !== 13 && code !== 10);
// What would be a request, were it not a body.
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';

const lengths = ['0', '5', '05', '00005', '+5', '-5', '-0', ' 5', '5 ', '\t5\t', '5,5', '5, 5', '5;5', '5 5', '0x5', '5.0', '5e0', '5\u00a0', '"5"', '', ' ', 'five', '5\v', '\u00b2',
  '1048576', '1048577', '4294967296', '4294967301', '9223372036854775807', '9223372036854775808', '18446744073709551615', '18446744073709551621',
  '0000000000000000005', '00000000000000000005', '99999999999999999999999', 'NaN', 'chunked', '5,', ',5', '1_0'];
const codings = ['chunked', 'Chunked', 'CHUNKED', ' chunked', 'chunked ', '\tchunked', 'chunked\t', '"chunked"', "'chunked'", 'chunked,', ',chunked', 'chunked,chunked', 'chunked, chunked',
  'gzip, chunked', 'chunked, gzip', 'gzip', 'identity', 'identity, chunked', 'chunked, identity', 'deflate', 'compress', 'x-chunked', 'chunke', 'chunkedd', 'chunked;q=1', 'chunked; a=b',
  'chunked\v', '\vchunked', 'chunked\0', '\0chunked', 'chu nked', 'trailers', '', ' ', 'cow', 'chunked\u00a0', '\u00ffchunked', 'c\u0068unked', 'chunked\f', 'none', 'chunked=1', 'gzip,,chunked'];
const names = { length: ['Content-Length', 'content-length', 'CONTENT-LENGTH', 'Content-Length ', ' Content-Length', '\tContent-Length', 'Content-Length\t', 'Content_Length', 'Content Length', 'ContentLength',
  'Content-Length\0', '\0Content-Length', 'Content-Length\v', '"Content-Length"', 'Content-Length\u00a0', 'X\r\nContent-Length', 'X: y\nContent-Length', 'X: y\rContent-Length', 'X:Content-Length'],
coding: ['Transfer-Encoding', 'transfer-encoding', 'TRANSFER-ENCODING', 'Transfer-Encoding ', ' Transfer-Encoding', '\tTransfer-Encoding', 'Transfer-Encoding\t', 'Transfer_Encoding', 'Transfer Encoding', 'TransferEncoding',
  'Transfer-Encoding\0', '\0Transfer-Encoding', 'Transfer-Encoding\v', '"Transfer-Encoding"', 'Transfer-Encoding\u00a0', 'X\r\nTransfer-Encoding', 'X: y\nTransfer-Encoding', 'X: y\rTransfer-Encoding', 'X:Transfer-Encoding'] };

const five = 'a5\r\n\r';       // a body of five bytes that begins like nothing
const chunked = (text) => `${text.length.toString(16)}${crlf}${text}${crlf}0${crlf}${crlf}`;

function lengthCases() {
  const one = product(['GET', 'POST', 'PUT'], lengths, ['1.1', '1.0']).map(([method, value, version]) =>
    `${method} /health HTTP/${version}\r\nHost: a\r\nContent-Length: ${value}\r\nConnection: keep-alive\r\n\r\n${five}`);
  const two = product(['0', '5'], lengths.slice(0, 20)).map(([first, second]) => post(five, `Content-Length: ${first}`, `Content-Length: ${second}`));
  return [...one, ...two];
}

function codingCases() {
  const alone = product(codings, ['1.1', '1.0']).map(([value, version]) =>
    `POST /health HTTP/${version}\r\nHost: a\r\nTransfer-Encoding: ${value}\r\nConnection: keep-alive\r\n\r\n${chunked(hidden)}`);
  const twice = codings.slice(0, 24).map((value) => post(chunked(hidden), 'Transfer-Encoding: chunked', `Transfer-Encoding: ${value}`));
  return [...alone, ...twice];
}

// A body that one of the two fields, and then the other, would end elsewhere.
function bothCases() {
  const body = `0${crlf}${crlf}${hidden}`;
  return product(codings.slice(0, 20), ['0', '5', String(body.length), '5,5'], [true, false]).map(([coding, length, codingFirst]) => {
    const fields = [`Transfer-Encoding: ${coding}`, `Content-Length: ${length}`];
    return post(body, ...(codingFirst ? fields : fields.reverse()));
  });
}

function nameCases() {
  const lengthNames = product(names.length, ['5', '0']).map(([name, value]) => post(five, `${name}: ${value}`));
  const codingNames = names.coding.map((name) => post(chunked('x'), `${name}: chunked`));
  const beside = product(names.coding, ['before', 'after']).map(([name, place]) => {
    const fields = [`${name}: chunked`, 'Content-Length: 5'];
    return post(`0${crlf}${crlf}`, ...(place === 'before' ? fields : fields.reverse()));
  });
  const noSpace = ['Content-Length:5', 'Content-Length:\t5', 'Content-Length:  5', 'Content-Length: 5\r\n ', 'Content-Length:\r\n 5', 'Content-Length', ':5', ': 5', 'Content-Length; 5', 'Content-Length = 5'];
  return [...lengthNames, ...codingNames, ...beside, ...noSpace.map((field) => post(five, field))];
}

// Every line of a chunked request with every line end.
function lineEndCases() {
  const ends = ['\n', '\r', '\r\r\n', '\n\r', '\r\n\n', '\r\n ', '\r\n\t', '\0\r\n', '\v\r\n', '\f\r\n', ' \r\n', '\t\r\n', '', '\u0085', '\\r\\n'];
  const lines = ['POST /health HTTP/1.1', 'Host: a', 'X: y', 'Transfer-Encoding: chunked', '', '3;e=f', 'abc', '0', 'T: u', ''];
  const all = product([...lines.keys()], ends).map(([odd, end]) => lines.map((line, i) => line + (i === odd ? end : crlf)).join(''));
  const leading = ['\r\n', '\r\n\r\n', '\n', '\r', ' ', '\t', '\0', '\r\n ', '\xef\xbb\xbf'].map((before) => before + get());
  return [...all, ...leading];
}

function controlCases() {
  const places = [(c) => get(`/heal${c}th`), (c) => get().replace('GET', `G${c}ET`), (c) => get().replace('HTTP/1.1', `HTTP/1${c}1`), (c) => get().replace('GET ', `GET${c}`),
    (c) => get('/health', `X${c}: y`), (c) => get('/health', `X: y${c}z`), (c) => get().replace('Host: a', `Host: a${c}`), (c) => get('/health', `Connection:${c}close`),
    (c) => post(`3${c}${crlf}abc${crlf}0${crlf}${crlf}`, 'Transfer-Encoding: chunked'), (c) => post(`3;x${c}y${crlf}abc${crlf}0${crlf}${crlf}`, 'Transfer-Encoding: chunked'),
    (c) => post(`0${crlf}T: ${c}${crlf}${crlf}`, 'Transfer-Encoding: chunked')];
  return product(places, controls).map(([place, code]) => place(byte(code)));
}

function chunkCases() {
  const sizes = ['3', '03', '0000000000000003', '00000000000000003', '0x3', '+3', '-3', '3 ', ' 3', '3\t', '\t3', '3;', '3;a', '3;a=b', '3;a="b"', '3;a="b\\"c"', '3 ;a', '3; a', '3;;', '3,3', 'g', '',
    '3g', '7fffffffffffffff', '8000000000000000', 'ffffffffffffffff', '10000000000000003', '3\u00b2', '3=', 'three', '3;\u00ff', '3.0'];
  const bodies = sizes.map((size) => `${size}${crlf}abc${crlf}0${crlf}${crlf}`);
  const ends = ['0', '00', '0000000000000000', '00000000000000000', '-0', '+0', '0;x', '0 ', '0x0'].map((end) => `3${crlf}abc${crlf}${end}${crlf}${crlf}`);
  const data = ['3\r\nabcd\r\n0\r\n\r\n', '3\r\nab\r\n0\r\n\r\n', '3\r\nabc0\r\n\r\n', '3\r\nabc\r0\r\n\r\n', '3\r\nabc\n0\r\n\r\n', '3\r\nabc\r\n\r\n0\r\n\r\n', '3\r\n\r\n\r\r\n0\r\n\r\n', `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`];
  const trailers = ['T: v', 'T:v', 'T', ': v', 'T : v', ' T: v', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: b', `T: ${'x'.repeat(4000)}`, `T: ${'x'.repeat(5000)}`, 'T: v\r\n\tw', 'a: b\r\n'.repeat(100).trim()]
    .map((trailer) => `3${crlf}abc${crlf}0${crlf}${trailer}${crlf}${crlf}`);
  return [...bodies, ...ends, ...data, ...trailers].map((body) => post(body, 'Transfer-Encoding: chunked'));
}

// Each limit met exactly, and passed by one.
function sizeCases() {
  const around = (max) => [-1, 0, 1, 2, 100].map((more) => max + more);
  const line = around(limits.line).map((bytes) => get(`/${'x'.repeat(bytes - 'GET / HTTP/1.1\r\n'.length)}`));
  const head = around(limits.block).map((bytes) => get('/health', `X: ${'y'.repeat(bytes - get('/health', 'X: ').length)}`));
  const manyLines = around(limits.block).map((bytes) => {
    const fields = Array(16).fill(`X: ${'y'.repeat(900)}`);
    return get('/health', ...fields, `Z: ${'y'.repeat(bytes - get('/health', ...fields, 'Z: ').length)}`);
  });
  const fields = around(limits.fields).map((count) => get('/health', ...Array(count - 1).fill('X: y')));
  const chunkLine = around(limits.chunkLine).map((bytes) => post(`3;${'x'.repeat(bytes - 4)}${crlf}abc${crlf}0${crlf}${crlf}`, 'Transfer-Encoding: chunked'));
  const extensions = [63, 64, 65, 66, 67].map((count) => post(`${`1;${'x'.repeat(251)}${crlf}a${crlf}`.repeat(count)}0${crlf}${crlf}`, 'Transfer-Encoding: chunked'));
  const endless = [`GET /${'x'.repeat(20_000)}`, `GET /health HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}`, 'X'.repeat(9_000), `GET /health HTTP/1.1\r\n${'X: y\r\n'.repeat(4_000)}`];
  const body = [limits.body + 1, limits.body * 2, 2 ** 40].map((bytes) => post('x'.repeat(1000), `Content-Length: ${bytes}`));
  return [...line, ...head, ...manyLines, ...fields, ...chunkLine, ...extensions, ...endless, ...body];
}

function targetCases() {
  const targets = ['/health', '/health?', '/health?a=b', '/health#f', '/health?#', '//health', '/./health', '/../health', '/health/', '/HEALTH', '/heal%74h', '/health%00', '/health%2f', '/health%', '/health%4', '/health%zz', '/%68ealth', '*', '**', '/*', 'health', '',
    '?', '/', '/ health', 'a:80', 'http://a/health', 'HTTP://a/health', 'http://a:80/health', 'http://b/health', 'http://a', 'http://a?x', 'http:///health', 'http://', 'http:/health', 'http:health', 'https://a/health', 'ftp://a/health', 'ws://a/health', 'file:///etc/passwd',
    'http://u@a/health', 'http://u:p@a/health', 'http://a:99999/health', 'http://a:/health', 'http://a:x/health', 'http://[::1]/health', 'http://[::1/health', 'http://[zz]/health', 'http://a b/health', 'http://a,b/health', 'http://a\\health', '/health\\', '/health"', '/health<>', '/health|', '/{health}', '/health^', '/health`', "/health'", '/health;a=b', '/health?a#b'];
  return product(['GET', 'POST', 'OPTIONS'], targets).map(([method, target]) => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
}

function methodCases() {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'M-SEARCH', 'PURGE', 'LINK', 'SOURCE', 'ACL', 'get', 'Get', 'gET', 'GETT', 'GE', 'G', 'FOO', 'QUERY', 'PRI', 'DESCRIBE', 'SETUP', 'PLAY', 'ANNOUNCE', 'TEARDOWN', 'FLUSH',
    'GET/', 'GET,POST', 'G(T', 'G=T', 'G@T', '"GET"', 'GET:', '', ' GET', '\tGET', '!', '~', '1', 'X'.repeat(30), 'X'.repeat(300)];
  return product(methods, ['/health', '/nowhere']).map(([method, target]) => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
}

function versionCases() {
  const versions = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/2.0', 'HTTP/2', 'HTTP/3', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/11', 'HTTP/1.10', 'HTTP/1.01', 'HTTP/01.1', 'HTTP/1.1.1', 'http/1.1', 'Http/1.1', 'HTTP 1.1', 'HTTP/1,1', 'HTTP/a.b', 'HTTP/-1.1',
    'HTTP/1.-1', 'HTTPS/1.1', 'HTT/1.1', 'XHTTP/1.1', 'ICE/1.0', 'RTSP/1.0', 'HTTP/1.1x', 'HTTP/1.1 ', ' HTTP/1.1', '', 'HTTP/', 'HTTP'];
  const lines = ['GET  /health HTTP/1.1', 'GET /health  HTTP/1.1', 'GET\t/health HTTP/1.1', 'GET /health\tHTTP/1.1', 'GET /health', 'GET', '/health HTTP/1.1', 'GET /health HTTP/1.1 HTTP/1.1', 'GET /health HTTP/1.1 x', 'HTTP/1.1 200 OK', 'GET/health HTTP/1.1', 'GET /healthHTTP/1.1'];
  return [...versions.map((version) => `GET /health ${version}`), ...lines].map((line) => block(line, 'Host: a'));
}

function hostCases() {
  const hosts = ['a', 'A', 'a:80', 'a:', 'a:0', 'a:65535', 'a:65536', 'a:999999', 'a:x', 'a:80:80', ':80', '', ' ', 'a b', 'a,b', 'a, b', 'a/b', 'a?b', 'a#b', 'a@b', 'u:p@a', 'http://a', '[::1]', '[::1]:80', '[::1', '::1', '[]', '[1]', '[::g]', '[::ffff:1.2.3.4]', '1.2.3.4',
    '256.1.1.1', 'a..b', '.', '-', '*', 'a%41', 'a%4', 'a%', 'a;b', "a'b", 'a"b', 'a\\b', 'a<b', 'a|b', 'a^b', 'a\u00e4', 'xn--a', 'a_b', 'a\tb', 'localhost', 'a'.repeat(255), '(a)', 'a=b', 'a&b'];
  const one = product(hosts, ['1.1', '1.0']).map(([host, version]) => block(`GET /health HTTP/${version}`, `Host: ${host}`, 'Connection: keep-alive'));
  const counts = [block('GET /health HTTP/1.1'), block('GET /health HTTP/1.0'), block('GET /health HTTP/1.1', 'Host: a', 'Host: a'), block('GET /health HTTP/1.1', 'Host: a', 'host: b'), block('GET /health HTTP/1.0', 'Host: a', 'Host: a'),
    block('GET http://b/health HTTP/1.1', 'Host: a'), block('GET http://b/health HTTP/1.1'), block('GET http://b/health HTTP/1.1', 'Host: a,b'), block('GET /health HTTP/1.1', 'X: Host: a'), block('GET /health HTTP/1.1', 'Host : a'), block('GET /health HTTP/1.1', 'Host'), block('GET /health HTTP/1.1', 'Host:a')];
  return [...one, ...counts];
}

function connectionCases() {
  const values = ['close', 'Close', 'CLOSE', 'keep-alive', 'Keep-Alive', 'keep-alive, close', 'close, keep-alive', 'x, close', 'close,', ',close', 'closed', 'close x', 'upgrade', '', 'close;q=1', '"close"'];
  const one = product(values, ['1.1', '1.0'], ['/health', '/nowhere']).map(([value, version, target]) => block(`GET ${target} HTTP/${version}`, 'Host: a', `Connection: ${value}`));
  const expect = ['100-continue', '100-Continue', '200-ok', '', '100-continue, x'].flatMap((value) => [post(five, `Expect: ${value}`, 'Content-Length: 5'), get('/health', `Expect: ${value}`)]);
  return [...one, ...expect, get('/health', 'Upgrade: h2c', 'Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'), 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', get('/health', 'Upgrade: websocket', 'Connection: Upgrade')];
}

// Two requests, of which the first hides the second from one kind of reader.
function pairCases() {
  const firsts = [
    (inner) => post(inner, `Content-Length: ${inner.length}`),
    (inner) => post(chunked(inner), 'Transfer-Encoding: chunked'),
    (inner) => post(`0${crlf}${crlf}${inner}`, 'Transfer-Encoding: chunked'),
    (inner) => post(`0${crlf}${crlf}${inner}`, `Content-Length: ${inner.length + 5}`, 'Transfer-Encoding: chunked'),
    (inner) => post(`0${crlf}${crlf}${inner}`, `Content-Length: ${inner.length + 5}`),
    (inner) => post(inner, 'Content-Length: 0'),
    (inner) => get('/health', `Content-Length: ${inner.length}`) + inner,
    (inner) => get('/health') + inner,
    (inner) => get('/health', 'Connection: close') + inner,
    (inner) => post(`1;a=b${crlf}x${crlf}0${crlf}${crlf}${inner}`, 'Transfer-Encoding: chunked'),
    (inner) => post(`1;\n${crlf}x${crlf}0${crlf}${crlf}${inner}`, 'Transfer-Encoding: chunked'),
    (inner) => post(`0${crlf}X: ${inner}`, 'Transfer-Encoding: chunked'),
    (inner) => get('/health', 'X: y\r\n\r') + inner,
    (inner) => block('GET /health HTTP/1.0', 'Host: a', 'Connection: keep-alive') + inner,
  ];
  const inners = [hidden, hidden.replace('/hidden', '/health'), 'GET /health HTTP/1.1\r\nX: ', 'POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', 'G', `\r\n${hidden}`, `X${hidden}`, '0\r\n\r\n'];
  return product(firsts, inners).map(([first, inner]) => first(inner));
}

export function framingCases() {
  return {
    'Content-Length': lengthCases(),
    'Transfer-Encoding': codingCases(),
    'both framings': bothCases(),
    'field names': nameCases(),
    'line ends': lineEndCases(),
    controls: controlCases(),
    'chunked bodies': chunkCases(),
    sizes: sizeCases(),
    targets: targetCases(),
    methods: methodCases(),
    versions: versionCases(),
    Host: hostCases(),
    'Connection, Expect and Upgrade': connectionCases(),
    'a request within a request': pairCases(),
  };
}
