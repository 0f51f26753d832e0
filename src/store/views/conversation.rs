//! The messages of one conversation, wherever in the account they lie.

use crate::model::flags::{Flag, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, MessageId, ThreadId};
use crate::store::error::StoreError;
use crate::store::threads::id_key;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// Deepest level that is told apart; a list has no room for more.
const DEPTH_LIMIT: u8 = 12;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Member {
    pub id: MessageId,
    pub folder: i64,
    pub flags: Flags,
    pub message_id: String,
    pub parent_key: i64,
}

/// What a list knows when it shows conversations.
pub(in crate::store) struct Setting {
    /// The folders of the list.
    pub own: Vec<i64>,
    /// What every folder is for.
    pub roles: BTreeMap<i64, FolderRole>,
}

impl Setting {
    /// The messages of a conversation that the list can show, oldest first: those in its own
    /// folders and `head`, then those elsewhere but in junk and trash. A message filed in several
    /// folders is shown once.
    ///
    /// # Errors
    /// [`StoreError::Sqlite`].
    pub(in crate::store) fn members(
        &self,
        cache: &Connection,
        thread: ThreadId,
        head: MessageId,
    ) -> Result<Vec<Member>, StoreError> {
        let mut statement = cache.prepare_cached(
            "SELECT id, folder_id, flags, message_id, parent_key FROM message
             WHERE thread_id = ?1 ORDER BY received_at, uid, id",
        )?;
        let all = statement
            .query_map([thread.0], |row| {
                Ok(Member {
                    id: MessageId(row.get(0)?),
                    folder: row.get(1)?,
                    flags: Flags::from_bits(row.get(2)?),
                    message_id: row.get(3)?,
                    parent_key: row.get(4)?,
                })
            })?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.shown(all, head))
    }

    fn shown(&self, all: Vec<Member>, head: MessageId) -> Vec<Member> {
        let is_own = |member: &Member| member.id == head || self.own.contains(&member.folder);
        let mut seen: BTreeSet<String> = all
            .iter()
            .filter(|member| is_own(member) && !member.message_id.is_empty())
            .map(|member| member.message_id.clone())
            .collect();
        let mut elsewhere = |member: &Member| {
            self.is_looked_into(member.folder)
                && (member.message_id.is_empty() || seen.insert(member.message_id.clone()))
        };
        all.into_iter().filter(|member| is_own(member) || elsewhere(member)).collect()
    }

    fn is_looked_into(&self, folder: i64) -> bool {
        match self.roles.get(&folder) {
            Some(FolderRole::Junk | FolderRole::Trash | FolderRole::Other) | None => false,
            Some(
                FolderRole::Inbox
                | FolderRole::Drafts
                | FolderRole::Sent
                | FolderRole::Archive
                | FolderRole::Mail,
            ) => true,
        }
    }
}

/// How many of them are unread.
pub(in crate::store) fn unread(members: &[Member]) -> usize {
    members.iter().filter(|member| !member.flags.contains(Flag::Seen)).count()
}

/// Levels below the first message, in the order of `members`. What answers a message that is not
/// here stands right below the first.
pub(in crate::store) fn depths(account: AccountId, members: &[Member]) -> Vec<u8> {
    let mut levels: BTreeMap<i64, u8> = BTreeMap::new();
    let mut depths = Vec::with_capacity(members.len());
    for member in members {
        // Only an earlier message can be a parent, so that no header can make a circle.
        let below = levels.get(&member.parent_key).map(|level| level.saturating_add(1));
        let first = depths.is_empty();
        let depth = if first { 0 } else { below.unwrap_or(1).min(DEPTH_LIMIT) };
        if !member.message_id.is_empty() {
            levels.entry(id_key(account, member.message_id.trim())).or_insert(depth);
        }
        depths.push(depth);
    }
    depths
}

#[cfg(test)]
mod tests {
    use crate::model::flags::Flags;
    use crate::model::folder::FolderRole;
    use crate::model::ids::{AccountId, MessageId};
    use crate::store::threads::id_key;
    use crate::store::views::conversation::{DEPTH_LIMIT, Member, Setting, depths};

    const ACCOUNT: AccountId = AccountId(1);

    fn member(id: i64, folder: i64, own: &str, parent: &str) -> Member {
        Member {
            id: MessageId(id),
            folder,
            flags: Flags::default(),
            message_id: own.to_owned(),
            parent_key: if parent.is_empty() { 0 } else { id_key(ACCOUNT, parent) },
        }
    }

    #[test]
    fn depth_follows_answers_and_ends_somewhere() {
        #[track_caller]
        fn check(messages: &[(&str, &str)], expected: &[u8]) {
            let members: Vec<_> =
                messages.iter().map(|(own, parent)| member(1, 1, own, parent)).collect();
            assert_eq!(depths(ACCOUNT, &members), expected, "{messages:?}");
        }
        check(&[("a", ""), ("b", "a"), ("c", "b"), ("d", "a")], &[0, 1, 2, 1]);
        check(&[("a", "gone"), ("b", "gone"), ("c", "b")], &[0, 1, 2]);
        check(&[("a", "b"), ("b", "a")], &[0, 1]);
        check(&[("a", ""), ("", "a"), ("c", "")], &[0, 1, 1]);
        let names: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        let chain: Vec<_> = (0..40_usize)
            .map(|n| member(1, 1, &names[n], n.checked_sub(1).map_or("", |n| &names[n])))
            .collect();
        assert_eq!(depths(ACCOUNT, &chain).last(), Some(&DEPTH_LIMIT));
    }

    #[test]
    fn a_conversation_shows_sent_mail_once_and_no_trash() {
        let (inbox, sent, trash, all_mail) = (1, 2, 3, 4);
        let roles = [
            (inbox, FolderRole::Inbox),
            (sent, FolderRole::Sent),
            (trash, FolderRole::Trash),
            (all_mail, FolderRole::Mail),
        ];
        let setting = Setting { own: vec![inbox], roles: roles.into_iter().collect() };
        let all = vec![
            member(1, all_mail, "a", ""),
            member(2, inbox, "a", ""),
            member(3, sent, "b", "a"),
            member(4, all_mail, "b", "a"),
            member(5, trash, "c", "a"),
            member(6, inbox, "", "a"),
            member(7, all_mail, "", "a"),
        ];
        let shown = setting.shown(all, MessageId(2));
        let ids: Vec<i64> = shown.iter().map(|member| member.id.0).collect();
        assert_eq!(ids, [2, 3, 6, 7]);
    }
}
