// Loaded before a peer that has no option for the address it binds: a benchmark opens nothing to the network.
const { Server } = require('node:net');

const listen = Server.prototype.listen;

Server.prototype.listen = function (first, ...rest) {
  const isPort = /^\d+$/.test(String(first));
  if (isPort && typeof rest[0] !== 'string') return listen.call(this, Number(first), '127.0.0.1', ...rest);
  return listen.call(this, first, ...rest);
};
