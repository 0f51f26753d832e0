//! (unused so far: XOAUTH2 strings are made in transport)
