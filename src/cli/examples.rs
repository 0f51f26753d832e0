//! Examples under the help of the commands that scripts use most; a test reads each of them.

/// Of `message list`.
pub const LIST: &str = "\
Examples:
  posthaste message list --limit 20
  posthaste message list --folder sent --account work --json
  posthaste message list --all-accounts --cached";

/// Of `message search`.
pub const SEARCH: &str = "\
Fields: from: to: cc: subject: body: filename: has:attachment in: account: larger: smaller:
before: after: is:unread is:read is:starred is:answered. A minus in front excludes, OR takes
either, quotes keep words together.

Examples:
  posthaste message search from:alan has:attachment after:30d
  posthaste message search 'subject:\"analytical engine\" OR body:punched' --ranked
  posthaste message search tea --server --json
  posthaste message search --limit 5 -- -from:alan is:unread";

/// Of `message flag`.
pub const FLAG: &str = "\
Examples:
  posthaste message flag 17 18 --add seen
  posthaste message flag --query 'in:inbox from:news@example.org' --add seen --remove flagged";

/// Of `message move`.
pub const MOVE: &str = "\
Examples:
  posthaste message move 17 --to Projects/Engine
  posthaste message move --query 'subject:invoice in:inbox' --to Invoices --dry-run";

/// Of `message copy`.
pub const COPY: &str = "\
Example:
  posthaste message copy 17 --to archive";

/// Of `message archive`.
pub const ARCHIVE: &str = "\
Examples:
  posthaste message archive 17 18
  posthaste message archive --query 'in:inbox is:read before:90d' --dry-run";

/// Of `message trash`.
pub const TRASH: &str = "\
Example:
  posthaste message trash --query 'from:news@example.org before:90d'";

/// Of `message junk`.
pub const JUNK: &str = "\
Example:
  posthaste message junk 17";

/// Of `message delete`.
pub const DELETE: &str = "\
Example:
  posthaste message delete --query 'in:trash before:30d' --yes";

/// Of `message save`.
pub const SAVE: &str = "\
Examples:
  posthaste message save 17 --to Downloads
  posthaste message save 17 --part 2 --json";

/// Of `message export`.
pub const EXPORT: &str = "\
Bytes are those of the server. In a mailbox file (mboxrd) every line that begins with \"From \",
after any number of \">\", has one \">\" more; taking it away gives the message back.

Examples:
  posthaste message export 17 --output .
  posthaste message export --query in:Projects --format maildir --output mail
  posthaste message export --query before:2026-01-01 --format mbox --output old.mbox";

/// Of `message import`.
pub const IMPORT: &str = "\
Examples:
  posthaste message import old.mbox --to archive
  posthaste message import letter.eml Maildir --to Old --account work";

/// Of `sync`.
pub const SYNC: &str = "\
Examples:
  posthaste sync --once
  posthaste sync --once --account work --json
  posthaste sync --watch --json";

/// Of `folder`.
pub const FOLDER: &str = "\
Examples:
  posthaste folder list --all-accounts
  posthaste folder create Projects/Engine
  posthaste folder rename Projects Work
  posthaste folder empty trash --yes";

/// Of `undo`.
pub const UNDO: &str = "\
Examples:
  posthaste undo
  posthaste undo --list
  posthaste undo 7";

/// Of `changes`.
pub const CHANGES: &str = "\
Examples:
  posthaste changes list
  posthaste changes flush
  posthaste changes retry 12";

/// Of `cache`.
pub const CACHE: &str = "\
Examples:
  posthaste cache check
  posthaste cache reindex";
