//! Threads that work in bulk stand behind those that somebody waits for.

/// How far they step back: a thread gets a third of what another one gets while both want the same
/// core, and everything when nobody else does.
#[cfg(target_os = "linux")]
const STEP_BACK: i32 = 5;

/// Has the scheduler prefer other threads to this one, and to those it starts, from here on; for
/// good, because only root may take it back.
pub fn step_back() {
    // Elsewhere the call is about the whole process, as POSIX has it.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(STEP_BACK) {
        tracing::debug!(%error, "bulk work keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn a_thread_steps_back_alone() {
        use crate::stdx::bulk::{STEP_BACK, step_back};
        use rustix::process::nice;
        use std::thread;

        let before = nice(0).unwrap();
        let stepped = thread::spawn(|| {
            step_back();
            nice(0).unwrap()
        });
        assert_eq!(stepped.join().unwrap(), (before + STEP_BACK).min(19));
        assert_eq!(nice(0).unwrap(), before);
    }
}
