"""The rig: Dovecot, Postfix and an OpenID-certified sign-in server on loopback, in one directory. Start at `cli`."""
