//! Files that somebody else has put, or could have written, where Posthaste keeps its own: refused
//! with what to do, or made safe. What they lead to stays as it is.

use crate::world::{World, lines, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

/// Somebody who is not us.
const NOBODY: u32 = 65_534;
const VICTIM: &str = "a file of ours elsewhere\n";

/// A linked account, and a file that nothing here may change.
struct Target {
    world: World,
    victim: PathBuf,
}

impl Target {
    fn new() -> Self {
        let world = World::linked();
        let victim = world.path("victim");
        fs::write(&victim, VICTIM).unwrap();
        Self { world, victim }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// Puts something in the place of a file: a link to the victim.
    fn link(&self, name: &str) {
        let _was_there = fs::remove_file(self.path(name));
        symlink(&self.victim, self.path(name)).unwrap();
    }

    /// A link to where the file itself has been moved.
    fn move_behind_link(&self, name: &str) {
        fs::rename(self.path(name), self.path("moved")).unwrap();
        symlink(self.path("moved"), self.path(name)).unwrap();
    }

    fn second_name(&self, name: &str) {
        let _was_there = fs::remove_file(self.path(name));
        fs::hard_link(&self.victim, self.path(name)).unwrap();
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn give_away(&self, name: &str) {
        chown(self.path(name), Some(NOBODY), None).unwrap();
    }
}

/// Opens databases, configuration and vault: refused with these words and a remedy, or done.
#[track_caller]
fn check(what: &str, plant: impl FnOnce(&Target), expected: Result<(), &str>) {
    let target = Target::new();
    plant(&target);
    let output = target.world.run(&["token", "work", "--json"]);
    let said = text(&output.stderr);
    match expected {
        Ok(()) => assert_eq!(output.status.code(), Some(0), "{what}: {said}"),
        Err(part) => {
            assert_eq!(output.status.code(), Some(1), "{what}: {said}");
            let problem = lines(&output.stderr).pop().unwrap();
            let told = format!("{} {}", problem["message"], problem["why"]);
            assert!(told.contains(part), "{what}: {problem}");
            assert!(!problem["remedy"].as_str().unwrap().is_empty(), "{what}: {problem}");
            assert!(output.stdout.is_empty(), "{what}");
        }
    }
    assert_eq!(fs::read_to_string(&target.victim).unwrap(), VICTIM, "{what}");
    let kept = target.path("data");
    assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o077, 0, "{what}");
}

#[test]
fn links_in_place_of_files_are_refused() {
    let refused = Err("is a symbolic link: remove it");
    for name in ["vault.key", "vault-keyfile.age", "user.db"] {
        check(name, |target| target.move_behind_link(&format!("data/{name}")), refused);
    }
    check("cache.db", |target| target.move_behind_link("cache/cache.db"), refused);
    for name in ["vault.lock", "vault-keyfile.age.new", "user.db-wal"] {
        check(name, |target| target.link(&format!("data/{name}")), refused);
    }
}

#[test]
fn second_names_of_other_files_are_refused() {
    let refused = Err("has a second name (hard link)");
    for name in ["data/vault.key", "data/vault.lock", "data/user.db-wal", "cache/cache.db-wal"] {
        check(name, |target| target.second_name(name), refused);
    }
    let elsewhere = |name: &'static str| {
        move |target: &Target| fs::hard_link(target.path(name), target.path("copy")).unwrap()
    };
    for name in ["data/vault-keyfile.age", "data/user.db", "cache/cache.db"] {
        check(name, elsewhere(name), refused);
    }
}

#[test]
fn what_others_may_read_or_write_is_refused_or_closed() {
    let cure = Err("run chmod 600 '/");
    check("key", |target| target.set_mode("data/vault.key", 0o644), cure);
    check("vault", |target| target.set_mode("data/vault-keyfile.age", 0o640), cure);
    check("data", |target| target.set_mode("data", 0o777), Ok(()));
    check("cache", |target| target.set_mode("cache", 0o775), Ok(()));
    check("database", |target| target.set_mode("data/user.db", 0o666), Ok(()));
    // Posthaste runs the programs that the configuration names.
    check("config", |target| target.set_mode("config.toml", 0o606), Err("Run chmod go-w '/"));
    check("config", |target| target.set_mode("config.toml", 0o644), Ok(()));
    let behind_link = |target: &Target| target.move_behind_link("config.toml");
    check("config elsewhere", behind_link, Ok(()));
    let open_behind_link = |target: &Target| {
        target.set_mode("config.toml", 0o666);
        target.move_behind_link("config.toml");
    };
    check("open config elsewhere", open_behind_link, Err("Run chmod go-w '/"));
}

#[test]
fn what_was_planted_while_a_directory_was_open_is_refused_for_good() {
    let target = Target::new();
    target.set_mode("data", 0o777);
    target.link("data/outbox-1.lock");
    for _run in 0..2 {
        let output = target.world.run(&["token", "work"]);
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.contains("outbox-1.lock is a symbolic link"), "{said}");
    }
    assert_eq!(fs::read_to_string(&target.victim).unwrap(), VICTIM);
    fs::remove_file(target.path("data/outbox-1.lock")).unwrap();
    assert_eq!(target.world.run(&["token", "work"]).status.code(), Some(0));
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    // Giving something away needs root; elsewhere there is nothing to see here.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let refused = Err("belongs to somebody else");
    for name in ["data/vault.key", "data/vault-keyfile.age", "data/user.db", "data/vault.lock"] {
        check(name, |target| target.give_away(name), refused);
    }
    for name in ["data", "cache", "cache/cache.db"] {
        check(name, |target| target.give_away(name), refused);
    }
    check("config", |target| target.give_away("config.toml"), Err("It belongs to somebody else"));
}

/// Everything below `dir`, with its mode.
fn modes(dir: &Path, found: &mut Vec<(PathBuf, u32)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let facts = fs::symlink_metadata(&path).unwrap();
        found.push((path.clone(), facts.permissions().mode() & 0o777));
        if facts.is_dir() {
            modes(&path, found);
        }
    }
}

#[test]
fn files_are_closed_whatever_the_umask() {
    // What is closed to its owner, too, only root can use.
    let for_root = rustix::process::geteuid().is_root().then_some("777");
    for umask in ["000", "002", "077"].into_iter().chain(for_root) {
        let world = World::new();
        let words = world.adding("work", &["--secrets", "vault-key"]);
        // The umask of this process would be that of its other tests, too.
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
        let program = [crate::world::PROGRAM, "--home", world.home.path().to_str().unwrap()];
        shell.args(program).args(words);
        let output = shell.output().unwrap();
        let mut found = Vec::new();
        for directory in ["data", "cache", "state"].map(|name| world.path(name)) {
            if directory.exists() {
                modes(&directory, &mut found);
            }
        }
        assert_eq!(output.status.code(), Some(0), "{umask}: {}", text(&output.stdout));
        assert!(4 < found.len(), "{found:?}");
        let open: Vec<_> = found.iter().filter(|(_path, mode)| mode & 0o077 != 0).collect();
        assert!(open.is_empty(), "{umask}: {open:?}");
        let config = fs::metadata(world.path("config.toml")).unwrap().permissions().mode();
        assert_eq!(config & 0o777, 0o600, "{umask}");
    }
}
