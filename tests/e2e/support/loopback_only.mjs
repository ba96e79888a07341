// Loaded into servers that are not ours and can only listen on every address: they listen on 127.0.0.1.

import net from 'node:net';

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function listenOnLoopback(first, ...rest) {
  if (first !== null && typeof first === 'object') return listen.call(this, first, ...rest);
  return listen.call(this, { port: Number(first), host: '127.0.0.1' }, ...rest.filter((one) => typeof one === 'function'));
};
