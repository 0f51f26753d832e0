// What the control API can change while the server runs, with the checks that keep a typo in a test from passing silently.

/** Entra's own values where it has them; the polling interval is shorter so that tests need not wait. */
export const DEFAULTS = Object.freeze({
  access_token_lifetime_s: 3600,
  // Entra's access tokens for Exchange are 1,500 to 4,000 characters; Dovecot's login line ends at about 6,000.
  access_token_chars: 2200,
  refresh_token_lifetime_s: 90 * 24 * 3600,
  refresh_token_chars: 1600,
  device_code_lifetime_s: 900,
  interval_s: 1,
  // The next N polls that would answer `authorization_pending` answer `slow_down` instead (RFC 8628, section 3.5).
  slow_down_polls: 0,
  rotation: 'rotate',
});

/**
 * rotate: every refresh hands out a new refresh token and the old one keeps working, as Entra does.
 * strict: the old one dies at once, and using it again ends the whole sign-in (RFC 9700, section 4.14.2).
 * keep:   a refresh answers without a refresh token; the client keeps the one it has.
 */
const ROTATIONS = new Set(['rotate', 'strict', 'keep']);

const MINIMUM = { slow_down_polls: 0 };

export class Settings {
  constructor() {
    this.reset();
  }

  reset() {
    Object.assign(this, DEFAULTS);
  }

  /** Takes over `changes`; throws without changing anything when a name or value is wrong. */
  change(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (!Object.hasOwn(DEFAULTS, name)) {
        throw new Error(`unknown setting ${name}; known: ${Object.keys(DEFAULTS).join(', ')}`);
      }
      if (name === 'rotation') {
        if (!ROTATIONS.has(value)) throw new Error(`rotation is one of ${[...ROTATIONS].join(', ')}`);
      } else if (!Number.isInteger(value) || value < (MINIMUM[name] ?? 1)) {
        throw new Error(`${name} is a whole number of at least ${MINIMUM[name] ?? 1}`);
      }
    }
    Object.assign(this, changes);
  }

  /** True once for each poll that `slow_down_polls` still asks to slow down. */
  takeSlowDown() {
    if (this.slow_down_polls === 0) return false;
    this.slow_down_polls -= 1;
    return true;
  }
}
