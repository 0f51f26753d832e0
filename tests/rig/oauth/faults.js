// Answers that go wrong on request: a status, a body, headers, a refusal in Entra's words, a delay, a dropped connection.

import { setTimeout as delay } from 'node:timers/promises';
import { errorBody } from './refusals.js';

const KNOWN = new Set(['endpoint', 'grant', 'times', 'delay_ms', 'status', 'headers', 'body', 'error', 'aadsts', 'text', 'drop', 'after']);

export class Faults {
  #queue = [];

  /** Adds one fault; throws when a member is unknown or no endpoint is named. */
  add(fault) {
    const unknown = Object.keys(fault).filter((name) => !KNOWN.has(name));
    if (unknown.length > 0) throw new Error(`unknown fault members: ${unknown.join(', ')}`);
    if (typeof fault.endpoint !== 'string') throw new Error('a fault names its endpoint');
    this.#queue.push({ times: 1, status: fault.error ? 400 : 200, ...fault });
  }

  list() {
    return this.#queue;
  }

  clear() {
    this.#queue = [];
  }

  /** Takes the fault meant for this request, if there is one, and uses it up by one. */
  take(endpoint, grant) {
    const index = this.#queue.findIndex((fault) => (
      fault.endpoint === endpoint && (!fault.grant || fault.grant === grant)));
    if (index < 0) return undefined;
    const fault = this.#queue[index];
    fault.times -= 1;
    if (fault.times <= 0) this.#queue.splice(index, 1);
    return fault;
  }
}

/**
 * Lets `next` answer the request, with `fault` in between. A fault that only delays keeps the true answer. With `after`
 * the server does its work first and the client misses the answer: how a rotated refresh token gets lost.
 */
export async function applyFault(fault, ctx, next) {
  if (fault.delay_ms) await delay(fault.delay_ms);
  const replaces = fault.drop || fault.error || fault.body !== undefined || fault.headers || fault.status !== 200;
  if (!replaces || fault.after) await next();
  if (!replaces) return;
  if (fault.drop) {
    ctx.respond = false;
    ctx.req.socket.destroy();
    return;
  }
  ctx.status = fault.status;
  ctx.body = fault.error ? errorBody(fault.error, fault.aadsts ?? 90033, fault.text ?? 'Injected by the test.') : (fault.body ?? '');
  ctx.set(fault.headers ?? {});
}
