// A TCP socket with nothing between the test and the bytes: for framing, pipelining and half-sent requests.

import net from 'node:net';
import { until } from './wait.mjs';

export class RawSocket {
  static async connect(server) {
    const raw = new RawSocket();
    raw.received = Buffer.alloc(0);
    raw.closed = false;
    raw.socket = net.connect({ host: '127.0.0.1', port: server.port, noDelay: true });
    raw.socket.on('data', (bytes) => { raw.received = Buffer.concat([raw.received, bytes]); });
    raw.socket.on('error', () => { raw.closed = true; });     // a reset is one way to be closed
    raw.socket.on('end', () => { raw.closed = true; });
    raw.socket.on('close', () => { raw.closed = true; });
    await new Promise((resolve, reject) => raw.socket.once('connect', resolve).once('error', reject));
    return raw;
  }

  send(bytes) { this.socket.write(bytes); }
  get text() { return this.received.toString('latin1'); }

  waitFor(pattern) {
    return until(`${pattern} on a raw socket, so far ${JSON.stringify(this.text)}`, () => {
      const match = pattern.exec(this.text);
      if (!match && this.closed) throw new Error(`closed before ${pattern}: ${JSON.stringify(this.text)}`);
      return match;
    });
  }
  waitForClose() { return until('the server to close a raw socket', () => this.closed); }
  end() { this.socket.destroy(); }

  // The complete responses so far: [{status, headers, body}]. Bodies need a Content-Length.
  responses() {
    const found = [];
    let rest = this.received;
    for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
      const [statusLine, ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n');
      const headers = Object.fromEntries(lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
      const bodyBytes = Number(headers['content-length'] ?? 0);
      if (rest.length < end + 4 + bodyBytes) break;
      found.push({ status: Number(statusLine.split(' ')[1]), headers, body: rest.subarray(end + 4, end + 4 + bodyBytes).toString() });
      rest = rest.subarray(end + 4 + bodyBytes);
    }
    return found;
  }
  waitForResponses(count) {
    return until(`${count} responses, so far ${JSON.stringify(this.text)}`, () => {
      const found = this.responses();
      return found.length >= count ? found : null;
    });
  }
}

// Sends `bytes` on a fresh socket and answers what came back once the server has closed it.
export async function exchangeUntilClosed(server, bytes) {
  const raw = await RawSocket.connect(server);
  raw.send(bytes);
  await raw.waitForClose();
  raw.end();
  return raw;
}
