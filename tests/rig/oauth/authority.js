// The https listener of the sign-in server, which a test may close and open again on the same port while tokens and
// settings live on.

import https from 'node:https';

export class Authority {
  #server;

  #port;

  constructor({ key, cert }, port, handler) {
    this.#server = https.createServer({ key, cert }, handler);
    this.#port = port;
  }

  isOpen() {
    return this.#server.listening;
  }

  async open() {
    if (this.isOpen()) return;
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
  }

  /** Refuses new connections and drops those that are open: what a client sees of a server that died. */
  async close() {
    if (!this.isOpen()) return;
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}
