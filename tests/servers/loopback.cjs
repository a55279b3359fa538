// Loaded before a server that would listen everywhere: here it listens on loopback, and says where.
const net = require("node:net");
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port) {
  this.once("listening", () => console.error(`refold test: http://127.0.0.1:${this.address().port}`));
  return listen.call(this, Number(port), "127.0.0.1");
};
