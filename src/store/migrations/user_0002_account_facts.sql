-- What is known of an account's sign-in and servers, for the account board; one row per account.
CREATE TABLE account_facts (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    facts      TEXT    NOT NULL             -- JSON of `StoredFacts`
) STRICT;
