//! Plans what to fetch and forget, from what both sides know. Pure.

use crate::model::flags::Flags;
use crate::model::ids::Uid;

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
            None => plan.fetch.push(*uid),
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
    use crate::engine::sync::{lowest_covered, plan};
    use crate::model::flags::{Flag, Flags};
    use crate::model::ids::Uid;

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
}
