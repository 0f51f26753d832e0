//! The failures of Entra ID, Exchange IMAP and SMTP in plain words, as one table.
