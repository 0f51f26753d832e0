// What clients did: requests per endpoint, and how often and how closely each device code was polled.

export class Activity {
  #requests = {};

  #polls = new Map();

  reset() {
    this.#requests = {};
    this.#polls.clear();
  }

  /** Counts a request under its endpoint, and under `endpoint:grant` where a grant type was named. */
  count(endpoint, grant) {
    for (const name of grant ? [endpoint, `${endpoint}:${grant}`] : [endpoint]) {
      this.#requests[name] = (this.#requests[name] ?? 0) + 1;
    }
  }

  requests() {
    return this.#requests;
  }

  poll(deviceCode) {
    const now = Date.now();
    const seen = this.#polls.get(deviceCode);
    const gap = seen ? now - seen.last : undefined;
    this.#polls.set(deviceCode, {
      count: (seen?.count ?? 0) + 1,
      last: now,
      shortest: Math.min(seen?.shortest ?? Infinity, gap ?? Infinity),
    });
  }

  /** Number of polls of a device code and the shortest gap between two of them in milliseconds (null before the second). */
  polls(deviceCode) {
    const { count = 0, shortest = Infinity } = this.#polls.get(deviceCode) ?? {};
    return { polls: count, shortest_gap_ms: Number.isFinite(shortest) ? shortest : null };
  }
}
