// A stream that the client cuts at a byte of its choice, read to the last event that came whole: as a browser that loses
// its network does.

import net from 'node:net';
import { createParser } from 'eventsource-parser';

// The events of a response head + chunked body as far as they came. Written out here, since fetch gives no such control.
function eventsIn(bytes) {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return { status: 0, events: [], ended: false };
  const status = Number(bytes.subarray(9, 12).toString());
  const events = [];
  const parser = createParser({ onEvent: (event) => events.push({ id: event.id, data: JSON.parse(event.data) }) });
  let at = headEnd + 4;
  let ended = false;
  const decoder = new TextDecoder();
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const size = parseInt(bytes.subarray(at, lineEnd).toString(), 16);
    if (size === 0) { ended = true; break; }
    parser.feed(decoder.decode(bytes.subarray(lineEnd + 2, lineEnd + 2 + size), { stream: true }));
    at = lineEnd + 2 + size + 2;
  }
  return { status, events, ended };
}

// Sends `request` (head and body as text) and reads until `cutAfter` bytes have come, `isEnough(events)`, or the answer has ended.
export function readAndCut(server, request, { cutAfter = Infinity, isEnough = () => false } = {}) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: '127.0.0.1', port: server.port, noDelay: true });
    let received = Buffer.alloc(0);
    const finish = () => {
      socket.destroy();
      resolve({ ...eventsIn(received.subarray(0, Math.min(cutAfter, received.length))), bytes: received.length });
    };
    socket.on('error', reject);
    socket.on('end', finish);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length >= cutAfter) return finish();
      const { events, ended, status } = eventsIn(received);
      if (ended || isEnough(events) || (status !== 0 && status !== 200)) finish();
    });
    socket.write(request);
  });
}

export function streamRequest(user, { threadId, runId, after }) {
  const run = runId === undefined ? '' : `&run_id=${runId}`;
  const last = after === undefined ? '' : `Last-Event-ID: ${after}\r\n`;
  return `GET /chat/stream?thread_id=${threadId}${run} HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer ${user.token}\r\n${last}\r\n`;
}

export function postRequest(user, body, headers = {}) {
  const text = JSON.stringify(body);
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `POST /chat/stream HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer ${user.token}\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(text)}\r\n${more}\r\n${text}`;
}
