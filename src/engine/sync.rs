//! Plans what to ask for, fetch and forget, from what both sides know. Pure.

use crate::model::flags::Flags;
use crate::model::ids::{Uid, UidRange};
use crate::store::marks::{FolderMark, MarkedFolder};
use crate::transport::{Abilities, FolderNews, FolderState, OpenedFolder};
use std::time::Duration;

/// New messages that are fetched one and all; beyond that many UIDs only the newest are, and the
/// rest is left to the background.
const NEW_AT_ONCE: u32 = 5_000;

/// UIDs in the first step of what is brought in the background.
pub const FIRST_STEP: u32 = 4_000;
/// How long one step is to take: the wire rests between two, but whoever holds the sync, and the
/// lists that grow, wait for its end.
const STEP_WISH: Duration = Duration::from_secs(2);
/// Fewest messages that one step is to bring, however slow the line is.
const STEP_MESSAGES_MIN: u32 = 10_000;
/// Most messages that one step is to bring, however quick.
const STEP_MESSAGES_MAX: u32 = 50_000;
/// Widest step, for folders with few messages left in many UIDs.
const STEP_LIMIT: u32 = 1 << 24;

/// How to learn what changed in a folder that was just opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing usable is cached: fetch the newest headers at once.
    Cold,
    /// The server has told every change (QRESYNC, RFC 7162), or every change of flags (CONDSTORE).
    Told(FolderNews),
    /// Ask for flags that changed since this change number, and which UIDs are left (CONDSTORE).
    Since(u64),
    /// Nothing tells: compare UIDs and flags of the newest messages.
    Compare,
}

/// How to learn what changed since `known`.
#[must_use]
pub fn look(known: &MarkedFolder, opened: &OpenedFolder) -> Look {
    let same = known.uid_validity == Some(opened.state.uid_validity);
    if !same || known.mark.complete_from.is_none() {
        return Look::Cold;
    }
    if let Some(news) = &opened.changes {
        return Look::Told(news.clone());
    }
    match (known.mark.highest_modseq, opened.state.highest_modseq) {
        (Some(modseq), Some(_)) => Look::Since(modseq),
        (Some(_) | None, Some(_) | None) => Look::Compare,
    }
}

/// Whether nothing that is cached can be gone from a folder of `count` messages, of which the cache
/// is complete. `cached` is all of it, ascending by UID, and `told` are all that changed or arrived
/// since, as the server tells them after it has counted.
#[must_use]
pub fn is_all_there(
    mark: &FolderMark,
    cached: &[(Uid, Flags)],
    told: &[Uid],
    count: Option<u32>,
) -> bool {
    let arrived = told.iter().filter(|uid| find(cached, **uid).is_none()).count();
    let count = count.and_then(|count| usize::try_from(count).ok());
    mark.complete_from == Uid::new(1) && count == Some(cached.len() + arrived)
}

/// How to learn what changed in a folder that is still open.
#[must_use]
pub fn look_again(mark: &FolderMark, abilities: Abilities) -> Look {
    match mark.highest_modseq {
        Some(modseq) if abilities.condstore => Look::Since(modseq),
        Some(_) | None => Look::Compare,
    }
}

/// Whether `range` is short enough to be fetched whole while somebody waits.
#[must_use]
pub fn is_short(range: UidRange) -> bool {
    range.last.get() - range.first.get() < NEW_AT_ONCE
}

/// The mark after a look that covered everything from `complete_from` on.
#[must_use]
pub fn mark_after(state: &FolderState, complete_from: Option<Uid>) -> FolderMark {
    FolderMark { uid_next: state.uid_next, highest_modseq: state.highest_modseq, complete_from }
}

/// The lowest UID from which on `found` is all there is; UID 1 when it is the whole folder.
/// `found` is ascending and holds the newest messages of a folder of `exists`.
#[must_use]
pub fn complete_from(found: &[Uid], exists: u32) -> Option<Uid> {
    let all = usize::try_from(exists).is_ok_and(|exists| exists <= found.len());
    if all { Uid::new(1) } else { found.first().copied() }
}

/// The next UIDs to bring below `complete_from`, `width` wide; `None` when the folder is complete.
#[must_use]
pub fn step_below(complete_from: Uid, width: u32) -> Option<UidRange> {
    let last = Uid::new(complete_from.get() - 1)?;
    let first = Uid::new(last.get().saturating_sub(width.saturating_sub(1)).max(1))?;
    UidRange::new(first, last)
}

/// How wide the next step is after one of `width` that brought `found` messages and `took` so long.
#[must_use]
pub fn next_width(width: u32, found: u32, took: Duration) -> u32 {
    if found == 0 {
        return width.saturating_mul(8).min(STEP_LIMIT);
    }
    let in_time = u128::from(found) * STEP_WISH.as_micros() / took.as_micros().max(1);
    let messages = u32::try_from(in_time).unwrap_or(u32::MAX);
    let messages = messages.clamp(STEP_MESSAGES_MIN, STEP_MESSAGES_MAX);
    let wanted = u64::from(width) * u64::from(messages) / u64::from(found);
    let widest = width.saturating_mul(4).min(STEP_LIMIT);
    u32::try_from(wanted).unwrap_or(u32::MAX).clamp(1, widest)
}

/// What a look at the newest messages of a folder makes necessary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// Messages whose headers are to be fetched, newest first.
    pub fetch: Vec<Uid>,
    /// Flags that are different now.
    pub flags: Vec<(Uid, Flags)>,
    /// Messages the server no longer has.
    pub gone: Vec<Uid>,
}

/// Plans from `server`, the newest messages there ascending by UID, and `cached`, the cached ones
/// from [`lowest_covered`] on.
///
/// `server` must come from a response that ended in a tagged OK: what it does not list is deleted
/// here.
#[must_use]
pub fn plan(cached: &[(Uid, Flags)], server: &[(Uid, Flags)]) -> SyncPlan {
    let mut plan = SyncPlan::default();
    for (uid, flags) in server.iter().rev() {
        match find(cached, *uid) {
            // Told each time: it costs nothing, and no list shows it.
            None | Some(_) if flags.is_hidden() => plan.flags.push((*uid, *flags)),
            None => plan.fetch.push(*uid),
            // It is shown again.
            Some(known) if known.is_hidden() => plan.fetch.push(*uid),
            Some(known) if known != *flags => plan.flags.push((*uid, *flags)),
            Some(_unchanged) => {}
        }
    }
    plan.gone
        .extend(cached.iter().map(|(uid, _flags)| *uid).filter(|uid| find(server, *uid).is_none()));
    plan
}

/// The lowest UID about which `server` says whether it exists; `None` when it covers the whole
/// folder of `exists` messages.
#[must_use]
pub fn lowest_covered(server: &[(Uid, Flags)], exists: u32) -> Option<Uid> {
    let covers_all = usize::try_from(exists).is_ok_and(|exists| exists <= server.len());
    if covers_all { None } else { server.first().map(|(uid, _flags)| *uid) }
}

/// `list` is ascending by UID.
fn find(list: &[(Uid, Flags)], uid: Uid) -> Option<Flags> {
    let at = list.binary_search_by_key(&uid, |(uid, _flags)| *uid).ok()?;
    list.get(at).map(|(_uid, flags)| *flags)
}

#[cfg(test)]
mod tests {
    use crate::engine::sync::{
        Look, complete_from, is_all_there, look, lowest_covered, next_width, plan, step_below,
    };
    use crate::model::flags::{Flag, Flags};
    use crate::model::ids::{Uid, UidRange, UidValidity};
    use crate::store::marks::{FolderMark, MarkedFolder};
    use crate::transport::{CameAlong, FolderNews, FolderState, OpenedFolder};
    use std::time::Duration;

    fn unread(uids: &[u32]) -> Vec<(Uid, Flags)> {
        uids.iter().map(|uid| (Uid::new(*uid).unwrap(), Flags::default())).collect()
    }

    fn numbers(uids: &[Uid]) -> Vec<u32> {
        uids.iter().map(|uid| uid.get()).collect()
    }

    #[test]
    fn new_mail_is_fetched_newest_first_and_gone_mail_is_forgotten() {
        #[track_caller]
        fn check(cached: &[u32], server: &[u32], fetch: &[u32], gone: &[u32]) {
            let plan = plan(&unread(cached), &unread(server));
            assert_eq!(numbers(&plan.fetch), fetch, "fetch");
            assert_eq!(numbers(&plan.gone), gone, "gone");
            assert_eq!(plan.flags, []);
        }
        check(&[], &[], &[], &[]);
        check(&[], &[1, 2, 3], &[3, 2, 1], &[]);
        check(&[1, 2, 3], &[1, 2, 3], &[], &[]);
        check(&[1, 2, 3], &[2, 3, 9], &[9], &[1]);
        check(&[1, 2, 3], &[], &[], &[1, 2, 3]);
    }

    #[test]
    fn only_flags_that_differ_are_written() {
        let read: Flags = [Flag::Seen].into_iter().collect();
        let mut server = unread(&[1, 2]);
        server[1].1 = read;
        let plan = plan(&unread(&[1, 2]), &server);
        assert_eq!(plan.flags, [(Uid::new(2).unwrap(), read)]);
    }

    #[test]
    fn a_window_says_nothing_about_older_mail() {
        #[track_caller]
        fn check(server: &[u32], exists: u32, expected: Option<u32>) {
            assert_eq!(lowest_covered(&unread(server), exists).map(Uid::get), expected);
        }
        check(&[8, 9], 9, Some(8));
        check(&[8, 9], 2, None);
        check(&[], 0, None);
    }

    fn known(uid_validity: u32, modseq: Option<u64>, complete_from: u32) -> MarkedFolder {
        MarkedFolder {
            uid_validity: Some(UidValidity(uid_validity)),
            mark: FolderMark {
                uid_next: Some(100),
                highest_modseq: modseq,
                complete_from: Uid::new(complete_from),
            },
        }
    }

    fn opened(modseq: Option<u64>, changes: Option<FolderNews>) -> OpenedFolder {
        let state = FolderState {
            uid_validity: UidValidity(7),
            uid_next: Some(120),
            exists: 50,
            highest_modseq: modseq,
        };
        OpenedFolder { state, changes, came: CameAlong::default() }
    }

    #[test]
    fn the_look_is_the_cheapest_that_the_server_allows() {
        let told = FolderNews { vanished: Some(Vec::new()), ..FolderNews::default() };
        #[track_caller]
        fn check(known: MarkedFolder, opened: OpenedFolder, expected: Look) {
            assert_eq!(look(&known, &opened), expected);
        }
        check(known(7, Some(5), 1), opened(Some(9), Some(told.clone())), Look::Told(told.clone()));
        let flags_only = FolderNews::default();
        let changed = opened(Some(9), Some(flags_only.clone()));
        check(known(7, Some(5), 1), changed, Look::Told(flags_only));
        check(known(7, Some(5), 1), opened(Some(9), None), Look::Since(5));
        check(known(7, None, 1), opened(None, None), Look::Compare);
        // A change number of before is of no use where none is given any more.
        check(known(7, Some(5), 1), opened(None, None), Look::Compare);
        // Another generation of UIDs, or nothing cached yet.
        check(known(6, Some(5), 1), opened(Some(9), Some(told)), Look::Cold);
        check(known(7, Some(5), 0), opened(Some(9), None), Look::Cold);
    }

    #[test]
    fn only_a_count_that_fits_says_that_nothing_is_gone() {
        #[track_caller]
        fn check(complete_from: u32, told: &[u32], count: Option<u32>, expected: bool) {
            let mark = known(7, Some(5), complete_from).mark;
            let told: Vec<Uid> = told.iter().filter_map(|uid| Uid::new(*uid)).collect();
            let cached = unread(&[3, 4, 9]);
            assert_eq!(is_all_there(&mark, &cached, &told, count), expected, "{told:?} {count:?}");
        }
        check(1, &[], Some(3), true);
        check(1, &[4, 10, 11], Some(5), true);
        // One is gone, and one arrived.
        check(1, &[10], Some(3), false);
        check(1, &[10], Some(4), true);
        // One more arrived after the folder was counted.
        check(1, &[10, 11], Some(4), false);
        check(1, &[], Some(2), false);
        check(1, &[], None, false);
        check(3, &[], Some(3), false);
    }

    #[test]
    fn steps_lead_down_to_the_first_uid_and_follow_the_density() {
        #[track_caller]
        fn check(complete_from: u32, width: u32, expected: Option<(u32, u32)>) {
            let range = step_below(Uid::new(complete_from).unwrap(), width);
            let range = range.map(|UidRange { first, last }| (first.get(), last.get()));
            assert_eq!(range, expected, "{complete_from} {width}");
        }
        check(1, 100, None);
        check(2, 100, Some((1, 1)));
        check(101, 100, Some((1, 100)));
        check(201, 100, Some((101, 200)));
        check(5, 0, Some((4, 4)));

        let width = |width, found, took_s| next_width(width, found, Duration::from_secs(took_s));
        assert_eq!(width(4_000, 4_000, 60), 10_000);
        assert_eq!(width(20_000, 20_000, 1), 40_000);
        assert_eq!(width(20_000, 20_000, 0), 50_000);
        assert_eq!(width(4_000, 4_000, 0), 16_000);
        assert_eq!(width(4_000, 1, 60), 16_000);
        assert_eq!(width(4_000, 0, 60), 32_000);
        assert_eq!(width(10_000, 40_000, 60), 2_500);
    }

    #[test]
    fn what_covers_the_folder_is_complete_from_its_first_uid() {
        let uids: Vec<Uid> = [8, 9].into_iter().filter_map(Uid::new).collect();
        assert_eq!(complete_from(&uids, 2), Uid::new(1));
        assert_eq!(complete_from(&uids, 9), Uid::new(8));
        assert_eq!(complete_from(&[], 0), Uid::new(1));
        assert_eq!(complete_from(&[], 3), None);
    }
}
