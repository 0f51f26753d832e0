//! What a person does: written to `user.db` first, as one step, then shown by the cache.

use crate::model::acting::{Deed, FolderAct, MessageAct, UndoStep};
use crate::model::flags::{FlagChange, Flags};
use crate::model::folder::FolderRole;
use crate::model::ids::{AccountId, FolderId, MessageId, UndoId};
use crate::stdx::clock::UnixSeconds;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::operations::folder_acts;
use crate::store::operations::journal::{self, NewOperation, Operation};
use crate::store::operations::payload::{Change, Named, Place, RemoveWhen};
use crate::store::operations::refusal::Refusal;
use crate::store::operations::show::{delimiter, folder_named, show};
use crate::store::operations::uid_set::UidSet;
use crate::store::schema::Databases;
use crate::store::undo;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, BTreeSet};

/// Messages that one operation moves or copies at most. A run that is cut knows where those of every
/// earlier operation went, and looks for no more than these; as many as a server is asked to look
/// for one by one.
const TRANSFER_LIMIT: usize = 500;

/// What an action did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acted {
    /// How many messages it changed.
    pub messages: u32,
    /// What takes it back; `None` where nothing does, or nothing changed.
    pub step: Option<UndoStep>,
    /// Folders whose rows or counts changed.
    pub folders: Vec<FolderId>,
    /// Accounts that have something to do.
    pub accounts: Vec<AccountId>,
}

/// A message as an action sees it.
struct Chosen {
    account: AccountId,
    folder: FolderId,
    folder_name: String,
    uid_validity: u32,
    uid: Option<u32>,
    flags: Flags,
    moved: Option<(i64, u32)>,
}

/// Messages that one operation can name.
struct Group {
    account: AccountId,
    folder: FolderId,
    folder_name: String,
    messages: Named,
}

impl Group {
    fn place(&self) -> Place {
        Place { folder: self.folder_name.clone(), messages: self.messages.clone() }
    }
}

fn chosen(cache: &Connection, message: MessageId) -> Result<Option<Chosen>, StoreError> {
    let mut statement = cache.prepare_cached(
        "SELECT folder.account_id, folder.id, folder.name, folder.uid_validity, message.uid,
                message.flags, moved_here.operation_id, moved_here.key
         FROM message JOIN folder ON folder.id = message.folder_id
         LEFT JOIN moved_here ON moved_here.message_id = message.id WHERE message.id = ?1",
    )?;
    let found = statement.query_row([message.0], |row| {
        let operation: Option<i64> = row.get(6)?;
        let key: Option<u32> = row.get(7)?;
        Ok(Chosen {
            account: AccountId(row.get(0)?),
            folder: FolderId(row.get(1)?),
            folder_name: row.get(2)?,
            uid_validity: row.get(3)?,
            uid: row.get(4)?,
            flags: Flags::from_bits(row.get(5)?),
            moved: operation.zip(key),
        })
    });
    Ok(found.optional()?)
}

/// Groups those of `messages` that `wanted` takes by what one operation can name. A message that
/// nothing names any more, because its server moved it without saying where to, is left out until
/// its folder was looked at.
fn groups(
    databases: &Databases,
    messages: Vec<MessageId>,
    wanted: impl Fn(&Chosen) -> bool,
) -> Result<Vec<Group>, StoreError> {
    let mut found: BTreeMap<(AccountId, FolderId, i64), (Chosen, Vec<u32>)> = BTreeMap::new();
    let mut waits = BTreeMap::new();
    let messages: BTreeSet<MessageId> = messages.into_iter().collect();
    for message in messages {
        let Some(chosen) = chosen(&databases.cache, message)? else { continue };
        if !wanted(&chosen) {
            continue;
        }
        let (operation, key) = match (chosen.uid, chosen.moved) {
            (Some(uid), _) => (0, uid),
            (None, Some((operation, key))) => {
                let known = waits.get(&operation).copied();
                let waiting = match known {
                    Some(waiting) => waiting,
                    None => journal::is_pending(&databases.user, operation)?,
                };
                waits.insert(operation, waiting);
                if !waiting {
                    continue;
                }
                (operation, key)
            }
            (None, None) => continue,
        };
        let place = (chosen.account, chosen.folder, operation);
        found.entry(place).or_insert_with(|| (chosen, Vec::new())).1.push(key);
    }
    let groups = found.into_iter().map(|((account, folder, operation), (chosen, keys))| {
        let uids: UidSet = keys.into_iter().collect();
        let messages = match operation {
            0 => Named::Uids { uid_validity: chosen.uid_validity, uids },
            operation => Named::Of { operation, uids },
        };
        Group { account, folder, folder_name: chosen.folder_name, messages }
    });
    Ok(groups.collect())
}

/// The same messages in groups that a cut in the middle does little to.
fn transfers(groups: Vec<Group>) -> impl Iterator<Item = Group> {
    groups.into_iter().flat_map(|group| {
        let pieces = group.messages.keys().pieces(TRANSFER_LIMIT);
        pieces.into_iter().map(move |keys| Group {
            account: group.account,
            folder: group.folder,
            folder_name: group.folder_name.clone(),
            messages: group.messages.with_keys(keys),
        })
    })
}

/// The folder of a role, or a name to make it under.
enum RoleFolder {
    There(FolderId, String),
    ToMake(String),
}

fn role_folder(
    cache: &Connection,
    account: AccountId,
    role: FolderRole,
) -> Result<Result<RoleFolder, Refusal>, StoreError> {
    let sql = "SELECT id, name FROM folder WHERE account_id = ?1 AND role = ?2 ORDER BY id LIMIT 1";
    let found = cache
        .prepare_cached(sql)?
        .query_row(params![account.0, role.as_str()], |row| {
            Ok(RoleFolder::There(FolderId(row.get(0)?), row.get(1)?))
        })
        .optional()?;
    if let Some(found) = found {
        return Ok(Ok(found));
    }
    let names = cache
        .prepare_cached("SELECT name FROM folder WHERE account_id = ?1")?
        .query_map([account.0], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    let name = role.name_to_make(names.iter().map(String::as_str), delimiter(cache, account)?);
    Ok(name.map(RoleFolder::ToMake).ok_or(Refusal::NoFolderFor(role)))
}

/// What an action is to write down.
struct Plan {
    deed: Deed,
    messages: u32,
    changes: Vec<(AccountId, Change)>,
}

impl Plan {
    fn new(deed: Deed) -> Self {
        Self { deed, messages: 0, changes: Vec::new() }
    }

    fn add(&mut self, account: AccountId, change: Change) {
        self.messages += change.count();
        self.changes.push((account, change));
    }
}

/// Whether an action can be taken back by name.
enum Taking {
    Undoable,
    Silent,
}

/// Writes a plan down as one transaction, then shows it.
fn carry_out(
    databases: &mut Databases,
    plan: Plan,
    taking: &Taking,
    now: UnixSeconds,
) -> Result<Acted, StoreError> {
    if plan.changes.is_empty() {
        return Ok(Acted::default());
    }
    let journal = databases.user.transaction()?;
    let step = match taking {
        Taking::Undoable => Some(undo::open_step(&journal, plan.deed, plan.messages, now)?),
        Taking::Silent => None,
    };
    let undo: Option<UndoId> = step.as_ref().map(|step| step.id);
    let mut operations: Vec<Operation> = Vec::new();
    for (account, change) in &plan.changes {
        let new = NewOperation { account: *account, change, undo, now };
        operations.push(journal::append(&journal, &new)?);
    }
    let inverses: Vec<_> = operations.iter().filter_map(undo::inverse).collect();
    if let Some(undo) = undo {
        undo::keep_inverses(&journal, undo, &inverses)?;
    }
    let cache = databases.cache.transaction()?;
    let mut folders = Vec::new();
    for operation in &operations {
        folders.extend(folder_acts::show(&journal, &cache, operation)?);
        folders.extend(show(&cache, operation, &[])?);
    }
    journal.commit()?;
    cache.commit()?;
    folders.sort_unstable();
    folders.dedup();
    let accounts: BTreeSet<AccountId> = operations.iter().map(|done| done.account).collect();
    Ok(Acted {
        messages: plan.messages,
        step: step.filter(|_step| !inverses.is_empty()),
        folders,
        accounts: accounts.into_iter().collect(),
    })
}

/// What is planned for messages, or why it cannot be.
fn plan(databases: &Databases, messages: Vec<MessageId>, act: MessageAct) -> Result<Plan, Refusal> {
    match act {
        MessageAct::Flag(change) => {
            let mut plan = Plan::new(Deed::Flag(change));
            let differs = |chosen: &Chosen| chosen.flags.changed(change) != chosen.flags;
            for group in groups(databases, messages, differs)? {
                plan.add(group.account, Change::Flag { at: group.place(), change });
            }
            Ok(plan)
        }
        MessageAct::Move(to) => {
            let (account, name, role) = target(databases, to)?;
            let mut plan = Plan::new(Deed::Move { to: name.clone(), role });
            for group in transfers(groups(databases, messages, |chosen| chosen.folder != to)?) {
                if group.account != account {
                    return Err(Refusal::OtherAccount);
                }
                plan.add(account, Change::Move { at: group.place(), to: name.clone() });
            }
            Ok(plan)
        }
        MessageAct::Copy(to) => {
            let (account, name, _role) = target(databases, to)?;
            let mut plan = Plan::new(Deed::Copy { to: name.clone() });
            for group in transfers(groups(databases, messages, |_chosen| true)?) {
                if group.account != account {
                    return Err(Refusal::OtherAccount);
                }
                plan.add(account, Change::Copy { at: group.place(), to: name.clone() });
            }
            Ok(plan)
        }
        MessageAct::File(role) => file(databases, messages, role),
        MessageAct::Delete => {
            let mut plan = Plan::new(Deed::Delete);
            for group in groups(databases, messages, |_chosen| true)? {
                plan.add(group.account, Change::Delete { at: group.place() });
            }
            Ok(plan)
        }
    }
}

fn file(
    databases: &Databases,
    messages: Vec<MessageId>,
    role: FolderRole,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::new(Deed::Move { to: String::new(), role });
    let mut targets: BTreeMap<AccountId, RoleFolder> = BTreeMap::new();
    for group in transfers(groups(databases, messages, |_chosen| true)?) {
        let account = group.account;
        if let std::collections::btree_map::Entry::Vacant(slot) = targets.entry(account) {
            let target = role_folder(&databases.cache, account, role)??;
            if let RoleFolder::ToMake(name) = &target {
                plan.add(account, Change::CreateFolder { name: name.clone(), role: Some(role) });
            }
            slot.insert(target);
        }
        let to = match targets.get(&account) {
            Some(RoleFolder::There(folder, _name)) if *folder == group.folder => continue,
            Some(RoleFolder::There(_, name) | RoleFolder::ToMake(name)) => name.clone(),
            None => continue,
        };
        plan.deed = Deed::Move { to: to.clone(), role };
        plan.add(account, Change::Move { at: group.place(), to });
    }
    Ok(plan)
}

/// Account, name and role of a folder that something is to come into.
///
/// # Errors
/// [`Refusal::NoSuchFolder`].
pub(in crate::store) fn target(
    databases: &Databases,
    folder: FolderId,
) -> Result<(AccountId, String, FolderRole), Refusal> {
    let sql = "SELECT account_id, name, role FROM folder WHERE id = ?1";
    let mut statement = databases.cache.prepare_cached(sql)?;
    let found = statement
        .query_row([folder.0], |row| {
            let role: String = row.get(2)?;
            let role = FolderRole::from_word(&role).unwrap_or(FolderRole::Mail);
            Ok((AccountId(row.get(0)?), row.get(1)?, role))
        })
        .optional()?;
    found.ok_or(Refusal::NoSuchFolder)
}

impl Store {
    /// Does something to messages: written to `user.db` as operations and one step to take back,
    /// then shown by the cache. Messages that are so already, or that the cache does not know, are
    /// left out.
    ///
    /// # Errors
    /// [`Refusal`]; after an error of the cache the operations are shown at the next start.
    pub async fn act(&self, messages: Vec<MessageId>, act: MessageAct) -> Result<Acted, Refusal> {
        self.act_as(messages, act, Taking::Undoable).await
    }

    /// As [`Store::act`], for what nobody asked for: there is no step to take back.
    ///
    /// # Errors
    /// [`Refusal`]; after an error of the cache the operations are shown at the next start.
    pub async fn act_by_the_way(
        &self,
        messages: Vec<MessageId>,
        act: MessageAct,
    ) -> Result<Acted, Refusal> {
        self.act_as(messages, act, Taking::Silent).await
    }

    async fn act_as(
        &self,
        messages: Vec<MessageId>,
        act: MessageAct,
        taking: Taking,
    ) -> Result<Acted, Refusal> {
        let now = self.clock.now();
        self.try_ask(move |databases| {
            let plan = plan(databases, messages, act)?;
            Ok(carry_out(databases, plan, &taking, now)?)
        })
        .await
    }

    /// Changes a flag by the way, such as `\Answered` after an answer was sent: nothing that a
    /// person would take back by itself. Returns the folders whose rows changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn change_flag(
        &self,
        messages: Vec<MessageId>,
        change: FlagChange,
    ) -> Result<Vec<(AccountId, FolderId)>, StoreError> {
        let now = self.clock.now();
        self.ask(move |databases| {
            let mut plan = Plan::new(Deed::Flag(change));
            let mut touched = Vec::new();
            let differs = |chosen: &Chosen| chosen.flags.changed(change) != chosen.flags;
            for group in groups(databases, messages, differs)? {
                touched.push((group.account, group.folder));
                plan.add(group.account, Change::Flag { at: group.place(), change });
            }
            carry_out(databases, plan, &Taking::Silent, now)?;
            Ok(touched)
        })
        .await
    }

    /// Does something to a folder, in the same way.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn act_on_folder(&self, act: FolderAct) -> Result<Acted, Refusal> {
        let now = self.clock.now();
        self.try_ask(move |databases| {
            let plan = folder_plan(databases, act)?;
            Ok(carry_out(databases, plan, &Taking::Undoable, now)?)
        })
        .await
    }
}

fn folder_plan(databases: &Databases, act: FolderAct) -> Result<Plan, Refusal> {
    match act {
        FolderAct::Create { account, name } => {
            free_name(databases, account, &name)?;
            let mut plan = Plan::new(Deed::CreateFolder { name: name.clone() });
            plan.add(account, Change::CreateFolder { name, role: None });
            Ok(plan)
        }
        FolderAct::Rename { folder, name } => {
            let (account, from, role) = target(databases, folder)?;
            if role == FolderRole::Inbox {
                return Err(Refusal::InboxStays);
            }
            free_name(databases, account, &name)?;
            let deed = Deed::RenameFolder { from: from.clone(), to: name.clone() };
            let mut plan = Plan::new(deed);
            plan.add(account, Change::RenameFolder { from, to: name });
            Ok(plan)
        }
        FolderAct::Delete { folder } => {
            let (account, name, role) = target(databases, folder)?;
            if role == FolderRole::Inbox {
                return Err(Refusal::InboxStays);
            }
            let mut plan = Plan::new(Deed::DeleteFolder { name: name.clone() });
            plan.add(account, Change::DeleteFolder { name, when: RemoveWhen::Always });
            Ok(plan)
        }
        FolderAct::Empty { folder } => empty_plan(databases, folder),
    }
}

fn free_name(databases: &Databases, account: AccountId, name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(Refusal::BadFolderName);
    }
    match folder_named(&databases.cache, account, name)? {
        Some(_taken) => Err(Refusal::FolderExists),
        None => Ok(()),
    }
}

/// What is on its way into the folder has no UID yet and is named by itself.
fn empty_plan(databases: &Databases, folder: FolderId) -> Result<Plan, Refusal> {
    let (account, name, _role) = target(databases, folder)?;
    let sql = "SELECT uid_validity, max(uid_next - 1, coalesce(
                   (SELECT max(uid) FROM message WHERE folder_id = folder.id), 0)), total
               FROM folder WHERE id = ?1";
    let (uid_validity, up_to, total) = databases
        .cache
        .prepare_cached(sql)
        .and_then(|mut statement| {
            statement.query_row([folder.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })
        .map_err(StoreError::from)?;
    let on_their_way: Vec<MessageId> = databases
        .cache
        .prepare_cached("SELECT id FROM message WHERE folder_id = ?1 AND uid IS NULL")
        .and_then(|mut statement| {
            statement.query_map([folder.0], |row| row.get(0).map(MessageId))?.collect()
        })
        .map_err(StoreError::from)?;
    let mut plan = Plan::new(Deed::EmptyFolder { name: name.clone() });
    plan.add(account, Change::Empty { folder: name, uid_validity, up_to });
    for group in groups(databases, on_their_way, |_chosen| true)? {
        plan.add(account, Change::Delete { at: group.place() });
    }
    plan.messages = total;
    Ok(plan)
}
